"""What a classifier heard in place of what was asked for: the confusion matrix as a drawing, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.report.formats import integer
from trainer.report.subject import Subject

CELL = 30.0  # pixels; smaller where there are many classes
WIDEST = 560.0  # of the matrix
NUMBERED = 16  # classes up to which a cell has room for its percentage
FONT = 12.0  # of the names; smaller where the cells are
LETTER = 0.6  # width of a letter over the size of the font, about
LONGEST = 16  # letters of a class name that are drawn
BAR = 110.0  # width of the accuracies' bars
MISTAKES = 6  # told in words


@dataclass(frozen=True)
class Cell:
    """One pair of asked and heard. share: of the row, 0..1. x, y: pixels inside the matrix."""

    x: float
    y: float
    share: float
    text: str
    description: str

    @property
    def is_strong(self) -> bool:
        """Whether the text needs the colour of paper to be read."""
        return self.share >= 0.55


@dataclass(frozen=True)
class Class:
    """One row's name and accuracy. accuracy: 0..1."""

    name: str
    short: str
    accuracy: float

    @property
    def percent(self) -> str:
        """Accuracy for people."""
        return f"{100.0 * self.accuracy:.0f} %"


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Sizes in pixels; gutter is the room for the names, above and to the left."""

    subject: str
    classes: tuple[Class, ...]
    cells: tuple[Cell, ...]
    cell: float
    font: float
    gutter: float
    bar: float
    mistakes: tuple[str, ...]

    @property
    def side(self) -> float:
        """Width and height of the matrix."""
        return self.cell * len(self.classes)

    @property
    def width(self) -> float:
        """Of the drawing: names, matrix, a gap, bars and their text."""
        return self.gutter + self.side + 12.0 + self.bar + 44.0

    @property
    def height(self) -> float:
        """Of the drawing."""
        return self.gutter + self.side + 4.0


def confusion_of(subject: Subject) -> Confusion | None:
    """The drawing, where the document has classes. Rows are what was asked for, columns what was heard."""
    classes = subject.document.get("classes")
    if not classes or not classes["names"]:
        return None
    counts = np.array(classes["confusion"], dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    names = [str(name) for name in classes["names"]]
    shown = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    size = min(CELL, WIDEST / len(names))
    font = min(FONT, 0.85 * size)
    return Confusion(
        subject=subject.name,
        classes=tuple(map(Class, names, shown, map(float, classes["accuracy"]))),
        cells=tuple(_cells(names, counts, shares, size)),
        cell=size,
        font=round(font, 2),
        gutter=14.0 + LETTER * font * max(map(len, shown)),
        bar=BAR,
        mistakes=tuple(_mistakes(names, shares)),
    )


def _cells(names: Sequence[str], counts: np.ndarray, shares: np.ndarray, size: float) -> list[Cell]:
    """Cells that hold anything; an empty one is not drawn."""
    return [
        Cell(
            x=round(column * size, 2),
            y=round(row * size, 2),
            share=round(float(shares[row, column]), 4),
            text=f"{100.0 * shares[row, column]:.0f}" if len(names) <= NUMBERED else "",
            description=f"{names[row]} asked for, {names[column]} heard: {_amount(counts[row, column])}",
        )
        for row, column in np.argwhere(shares > 0.0)
    ]


def _amount(count: float) -> str:
    return integer(int(count)) if count == int(count) else f"{100.0 * count:.1f} %"


def _mistakes(names: Sequence[str], shares: np.ndarray) -> list[str]:
    """The most frequent mistakes, such as "2 heard as 7: 3 %"."""
    wrong = shares * (1.0 - np.eye(len(names)))
    places = [divmod(int(place), len(names)) for place in np.argsort(-wrong, axis=None, kind="stable")[:MISTAKES]]
    return [
        f"{names[row]} heard as {names[column]}: {100.0 * wrong[row, column]:.0f} %"
        for row, column in places
        if wrong[row, column] > 0.0
    ]
