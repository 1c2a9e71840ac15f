"""The whole page, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.trainer.report import material
from tests.trainer.report.reader import Reader
from trainer.report.page import render, write
from trainer.report.subject import Subject

EVIL = "<script>alert(1)</script>\"'&$x^{"
SECTIONS = ["scores", "listening", "nearest", "classes", "training", "configuration", "corpus", "machine"]


@pytest.fixture(scope="module")
def page() -> str:
    return render([material.subject()], title="Evaluation")


@pytest.fixture(scope="module")
def comparison() -> str:
    return render([material.subject("first"), material.subject("second", pitch=64)], title="Comparison")


def test_every_part_has_its_section_in_order(page: str, comparison: str) -> None:
    assert Reader(page).sections == SECTIONS
    assert Reader(comparison).sections == SECTIONS


@pytest.mark.parametrize("name", ["page", "comparison"])
def test_a_page_asks_for_nothing(name: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(name)
    for tag, attributes in Reader(text).elements:
        for attribute in ("src", "srcset", "href", "poster", "action", "data"):
            target = attributes.get(attribute, "data:")
            assert target.startswith(("data:", "#")), f"<{tag} {attribute}={target[:60]}>"
        assert not any(name.startswith("on") or name == "style" for name in attributes), f"{tag}: {attributes}"
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [meta["content"] for meta in Reader(text).all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:;")


def test_text_from_outside_is_only_text() -> None:
    clip = material.clip("fm", 60, title=EVIL)
    measures = [
        material.measure("distance", 0.5, title=EVIL, unit=EVIL, family=EVIL, explanation=EVIL),
        material.measure("other", None, reason=EVIL),
    ]
    subject = material.subject(
        EVIL,
        generated=(clip,),
        real=(clip,),
        nearest=((clip, clip),),
        document=material.document(
            *measures,
            subject={"architecture": EVIL, "recipe": EVIL, "device": EVIL, "minutes": 1.0},
            corpus={"name": EVIL, "licence": EVIL, "fingerprint": EVIL},
            classes={"names": [EVIL, "b"], "accuracy": [0.5, 1.0], "confusion": [[1, 1], [0, 1]]},
            warnings=[EVIL],
            machine={EVIL: EVIL},
            date=EVIL,
            command=EVIL,
        ),
        configuration={EVIL: {EVIL: EVIL}},
        account=material.ACCOUNT
        | {"notes": [EVIL], "left_out": [{"name": EVIL, "reason": EVIL}], "labels": {EVIL: {"train": 1}}},
    )
    read = Reader(render([subject, subject], title=EVIL))
    assert len(read.all("script")) == 1
    assert read.text.count(EVIL) > 20


def test_what_is_missing_leaves_no_heading() -> None:
    read = Reader(render([Subject(name="bare", document={"measures": []})], title="Bare"))
    assert read.sections == []
    assert not read.all("h2")
    assert not read.all("a")[1:]  # only the link that skips to the content
    assert not read.all("audio")


@pytest.mark.parametrize(
    ("part", "section"),
    [("generated", "listening"), ("nearest", "nearest"), ("history", "training"), ("account", "corpus")],
)
def test_a_missing_part_takes_only_its_section(part: str, section: str) -> None:
    emptied = {part: {} if part == "account" else ()} | ({"real": ()} if part == "generated" else {})
    assert Reader(render([material.subject(**emptied)], title="t")).sections == [s for s in SECTIONS if s != section]


def test_a_corpus_without_labels_has_no_classes() -> None:
    subject = material.subject(document=material.document(classes=None))
    assert "classes" not in Reader(render([subject], title="t")).sections


def test_pictures_and_sounds_have_words_for_who_cannot_see_them(page: str) -> None:
    read = Reader(page)
    assert all(attributes["aria-label"] for attributes in read.all("audio"))
    described = [attributes["alt"] for attributes in read.all("img")]
    assert "Log-mel spectrogram of fm, generated: 32 frames, 64 bands" in described
    assert any(text.startswith("Losses over training steps. ") for text in described)


def test_the_head_says_what_was_measured_on_what_and_when(page: str) -> None:
    text = Reader(page).text.replace("\u202f", "")
    assert (
        "1000 samples of melspec (recipe quickstart, step 6497, 62.5 minutes on CPU) against notes "
        "(2700 training and 300 held-out clips), 24 November 2026, 22:10 UTC." in text
    )
    assert "Samples copy training clips: 3 of 1000." in text
    assert "python -m trainer evaluate runs/notes-1" in text


def test_the_account_says_what_was_left_out_and_why(page: str) -> None:
    text = Reader(page).text.replace("\u202f", "")
    assert "3002 of 3011 recordings kept: 3002 clips, 2 silent clips dropped." in text
    assert re.search(r"unreadable 8\s+0.wav: truncated", text)
    assert "and 3 more" in text


def test_a_comparison_shows_what_differs_in_the_configurations() -> None:
    def configured(weight: float) -> Subject:
        return material.subject(f"r1 {weight}", configuration={"game": {"r1_weight": weight, "ema": 0.999}})

    text = Reader(render([configured(0.2), configured(1.0)], title="t")).text
    differing = text[text.index("What differs") : text.index("The whole configuration")]
    assert "r1_weight" in differing
    assert "ema" not in differing
    same = Reader(render([configured(0.2), configured(0.2)], title="t")).text
    assert "All subjects have the same configuration." in same


def test_subjects_on_one_corpus_share_its_account(comparison: str) -> None:
    assert comparison.count("recordings kept") == 1


def test_the_same_input_gives_the_same_page(page: str) -> None:
    assert render([material.subject()], title="Evaluation") == page


def test_write_gives_what_render_gives(page: str, tmp_path: Path) -> None:
    write(tmp_path / "new" / "report.html", [material.subject()], "Evaluation")
    assert (tmp_path / "new" / "report.html").read_text("utf-8") == page
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


def test_a_report_needs_a_subject() -> None:
    with pytest.raises(ValueError, match="needs a subject"):
        render([], title="t")


def test_twenty_clips_of_four_seconds_stay_below_six_megabytes() -> None:
    clips = [
        material.clip("additive", pitch, title=str(pitch), rate_hz=22_050, samples=88_064) for pitch in range(40, 60)
    ]
    subject = material.subject(generated=clips[:10], real=clips[10:], nearest=())
    size = len(render([subject], title="t").encode())
    assert 4_500_000 < size < 6_000_000
