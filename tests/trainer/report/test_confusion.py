"""The confusion drawing and the formats of numbers."""

from __future__ import annotations

import pytest

from tests.trainer.report import material
from trainer.report.confusion import Confusion, confusion_of
from trainer.report.formats import moment, number, plain
from trainer.report.subject import Subject


def drawing(names: list[str], confusion: list[list[float]]) -> Confusion:
    classes = {"names": names, "accuracy": [0.5] * len(names), "confusion": confusion}
    made = confusion_of(Subject(name="one", document={"classes": classes}))
    assert made is not None
    return made


def test_shares_are_of_what_was_asked_for() -> None:
    made = drawing(["a", "b"], [[8, 2], [0, 0]])
    assert [(cell.share, cell.text) for cell in made.cells] == [(0.8, "80"), (0.2, "20")]
    assert made.cells[1].description == "a asked for, b heard: 2"
    assert made.mistakes == ("a heard as b: 20 %",)


def test_shares_may_be_given_in_place_of_counts() -> None:
    made = drawing(["a", "b"], [[0.75, 0.25], [0.0, 1.0]])
    assert [cell.text for cell in made.cells] == ["75", "25", "100"]


def test_rows_go_down_and_columns_to_the_right() -> None:
    made = drawing(["a", "b"], [[0, 4], [4, 0]])
    assert [(cell.x, cell.y) for cell in made.cells] == [(made.cell, 0.0), (0.0, made.cell)]


def test_many_classes_fit() -> None:
    names = [f"class number {index}" for index in range(50)]
    made = drawing(names, [[float(row == column) for column in range(50)] for row in range(50)])
    assert made.side <= 560.0
    assert {cell.text for cell in made.cells} == {""}
    assert made.mistakes == ()
    assert made.classes[0].short == "class number 0"


def test_a_long_name_is_cut_in_the_drawing_only() -> None:
    made = drawing(["a very long name of a class", "b"], [[1, 0], [0, 1]])
    assert (made.classes[0].name, made.classes[0].short) == ("a very long name of a class", "a very long nam…")


def test_no_classes_give_no_drawing() -> None:
    assert confusion_of(Subject(name="one", document=material.document(classes=None))) is None


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (0.976, 0.0, "0.976"),
        (0.52533, 0.12, "0.525"),
        (12.345, 0.0, "12.3"),
        (6497.0, 0.0, "6\u202f497"),
        (-21.4, 0.6, "-21.40"),
        (0.0, 0.0, "0"),
        (2.13e-8, 0.0, "2.1e-08"),
        (0.0008, 1e-12, "0.000800"),
        (1234567.0, 5e4, "1\u202f234\u202f567"),
    ],
)
def test_numbers_have_the_digits_that_mean_something(value: float, spread: float, text: str) -> None:
    assert number(value, spread=spread) == text


def test_moments_and_plain_values_are_for_people() -> None:
    assert moment("2026-11-24T22:10:00Z") == "24 November 2026, 22:10 UTC"
    assert moment("last week") == "last week"
    assert plain([1, 2.5, None, True]) == "1, 2.5, none, yes"
    assert plain(0.00025) == "0.00025"
