"""The score table: numbers, reasons, floors and which is best."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.trainer.report import material
from tests.trainer.report.reader import Reader
from trainer.report.page import render
from trainer.report.quantity import Quantity
from trainer.report.ranking import ranks
from trainer.report.scores import score_table
from trainer.report.strip import strip_of
from trainer.report.subject import Subject
from trainer.report.summary import differences


def subject(name: str, *measures: dict[str, Any], **changes: Any) -> Subject:
    return Subject(name=name, document=material.document(*measures, **changes))


def quantity(value: float, half: float = 0.01) -> Quantity:
    return Quantity(value=value, low=value - half, high=value + half, count=0)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_measure_without_a_number_is_listed_with_its_reason(value: float | None) -> None:
    broken = material.measure("pitch_error", 0.777) | {"value": value, "reason": "no pitches", "family": "pitch"}
    (family,) = score_table([subject("one", broken)], ranked=False)
    assert family.rows == ()
    assert [(entry.title, entry.reason) for entry in family.unmeasured] == [("Pitch error", "no pitches")]
    text = Reader(render([subject("one", broken)], title="t")).text
    assert "Pitch error not measured: no pitches" in text
    assert "nan" not in text.lower().replace("finance", "")
    assert "0.7" not in text


def test_one_subject_without_a_number_does_not_hide_the_others() -> None:
    subjects = [
        subject("one", material.measure("distance", 0.5)),
        subject("two", material.measure("distance", None, reason="too few")),
        Subject(name="three", document=material.document() | {"measures": []}),
    ]
    (family,) = score_table(subjects, ranked=True)
    assert [score.value if score else None for score in family.rows[0].scores] == [0.5, None, None]
    assert family.rows[0].ranks == ("", "", "")
    assert [(entry.owner, entry.reason) for entry in family.unmeasured] == [("two", "too few")]


def test_families_come_in_their_order_and_unknown_ones_last() -> None:
    measures = [material.measure(name, 0.5, family=name) for name in ("texture", "decoder", "labels", "generator")]
    titles = [family.title for family in score_table([subject("one", *measures)], ranked=False)]
    assert titles == ["Sound", "Labels", "Decoder", "Texture"]


@pytest.mark.parametrize(("better", "expected"), [("lower", 0), ("higher", 2), ("floor", 1)])
def test_the_best_is_marked(better: str, expected: int) -> None:
    scores = [quantity(0.1), quantity(0.5), quantity(0.9)]
    marked = ranks(better, scores, [quantity(0.6)] * 3)
    assert [rank == "best" for rank in marked] == [place == expected for place in range(3)]


def test_scores_that_the_intervals_cannot_tell_apart_are_close() -> None:
    assert ranks("lower", [quantity(0.50), quantity(0.51), quantity(0.60)], [None] * 3) == ("best", "close", "")


def test_nearness_to_a_floor_needs_the_floor() -> None:
    assert ranks("floor", [quantity(0.5), quantity(0.6)], [quantity(0.5), None]) == ("", "")


def test_a_comparison_marks_the_best_of_each_row() -> None:
    subjects = [subject("one", material.measure("distance", 0.9)), subject("two", material.measure("distance", 0.4))]
    page = render(subjects, title="t")
    tags = [attributes for attributes in Reader(page).all("span") if attributes.get("class") == "tag best"]
    assert len(tags) == 1
    assert page.index("0.850 to 0.950") < page.index("tag best") < page.index("0.350 to 0.450")
    alone = Reader(render(subjects[:1], title="t"))
    assert not any(attributes.get("class") == "tag best" for attributes in alone.all("span"))


@pytest.mark.parametrize(
    "changes",
    [
        {"corpus": {"name": "other", "fingerprint": "0000"}},
        {"embedding": {"name": "other", "digest": "0000"}},
        {"samples": 500},
    ],
)
def test_different_rulers_rank_nothing_and_say_so(changes: dict[str, Any]) -> None:
    subjects = [subject("one"), subject("two", **changes)]
    assert len(differences(subjects)) == 1
    read = Reader(render(subjects, title="t"))
    assert "none is marked as best" in read.text
    assert not any("tag" in attributes.get("class", "") for attributes in read.all("span"))
    assert differences([subject("one"), subject("two")]) == []


def test_floors_that_agree_stand_once_and_others_name_their_subject() -> None:
    other = material.measure("distance", 0.5)
    other["floors"] = [{"title": "held-out clips", "value": 0.4, "interval": None}]
    same = [subject("one", material.measure("distance", 0.5)), subject("two", material.measure("distance", 0.6))]
    (family,) = score_table(same, ranked=False)
    assert [(floor.title, floor.owner) for floor in family.rows[0].floors] == [
        ("held-out clips", ""),
        ("training clips against each other", ""),
    ]
    (family,) = score_table([same[0], subject("two", other)], ranked=False)
    assert [(floor.quantity.value, floor.owner) for floor in family.rows[0].floors] == [
        (0.3, "one"),
        (0.2, ""),
        (0.4, "two"),
    ]


def test_a_strip_holds_every_mark() -> None:
    outside = Quantity(value=2.0, low=0.5, high=1.0, count=0)  # a bootstrap need not hold the value
    strip = strip_of([outside, None, quantity(-3.0)], [quantity(0.2)])
    for mark in (*strip.scores, *strip.floors):
        assert 0.0 <= min(mark.low, mark.at) <= max(mark.high, mark.at) <= 100.0
        assert mark.width >= 0.0
        assert 0 < mark.top < strip.height
    assert [mark.colour for mark in strip.scores] == [0, 2]
    assert strip_of([quantity(1.0, half=0.0)], []).scores[0].at == 50.0


def test_an_interval_is_read_whichever_way_round_it_is() -> None:
    read = Quantity.read({"value": -2.0, "interval": [-1.0, -3.0]})
    assert read is not None
    assert (read.low, read.high) == (-3.0, -1.0)


def test_a_floor_of_fewer_clips_says_what_as_many_samples_reach() -> None:
    floor = {"title": "held-out clips", "value": 0.36, "count": 300}
    entries = [material.measure("frechet_distance", 0.5) | {"floors": [floor | {"own": own}]} for own in (0.615, 0.9)]
    text = Reader(render([subject("one", entries[0]), subject("two", entries[1])], title="t")).text
    assert "as many samples reach 0.615, 0.9" in text
    assert "as many samples" not in Reader(render([subject("one", entries[0] | {"floors": [floor]})], title="t")).text
