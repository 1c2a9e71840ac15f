"""The score table: families of measures, a row a measure, a column a subject, floors beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.report.quantity import Quantity
from trainer.report.ranking import Rank, ranks, unranked
from trainer.report.strip import Strip, strip_of
from trainer.report.subject import Subject

Entry = Mapping[str, Any]
FAMILIES = {"generator": "Sound", "labels": "Labels", "pitch": "Pitch", "decoder": "Decoder"}
DIRECTIONS = {
    "lower": ("↓", "lower is better"),
    "higher": ("↑", "higher is better"),
    "floor": ("→", "best near the floor"),
}
NO_REASON = "the document gives no reason"


@dataclass(frozen=True)
class Floor:
    """What real clips reach. owner: the subject it belongs to, where the subjects' floors differ.

    own: what as many samples reach as there are real clips, a word for each subject; empty where it is not known.
    """

    title: str
    quantity: Quantity
    owner: str
    own: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measure; scores and ranks have one entry a subject."""

    title: str
    unit: str
    arrow: str
    direction: str
    explanation: str
    scores: tuple[Quantity | None, ...]
    ranks: tuple[Rank, ...]
    floors: tuple[Floor, ...]
    strip: Strip


@dataclass(frozen=True)
class Unmeasured:
    """A measure without a number. owner: the subject, where there are several."""

    title: str
    reason: str
    owner: str


@dataclass(frozen=True)
class Family:
    """Measures of one kind."""

    title: str
    rows: tuple[Row, ...]
    unmeasured: tuple[Unmeasured, ...]


def score_table(subjects: Sequence[Subject], *, ranked: bool) -> tuple[Family, ...]:
    """Families in the order of FAMILIES, others after them. ranked: whether to mark the best of several subjects."""
    columns = [{entry["name"]: entry for entry in subject.document.get("measures", ())} for subject in subjects]
    first = {name: entry for column in reversed(columns) for name, entry in reversed(column.items())}
    names = dict.fromkeys(name for column in columns for name in column)
    families = dict.fromkeys([*FAMILIES, *(first[name]["family"] for name in names)])
    return tuple(
        _family(family, [name for name in names if first[name]["family"] == family], columns, subjects, ranked)
        for family in families
        if any(first[name]["family"] == family for name in names)
    )


def _family(
    family: str, names: Sequence[str], columns: Sequence[dict[str, Entry]], subjects: Sequence[Subject], ranked: bool
) -> Family:
    rows, unmeasured = [], []
    for name in names:
        entries = [column.get(name) for column in columns]
        if any(entry and Quantity.read(entry) for entry in entries):
            rows.append(_row(entries, subjects, ranked))
        unmeasured += _unmeasured(entries, subjects)
    return Family(FAMILIES.get(family, family.capitalize()), tuple(rows), tuple(unmeasured))


def _row(entries: Sequence[Entry | None], subjects: Sequence[Subject], ranked: bool) -> Row:
    first = next(entry for entry in entries if entry)
    scores = tuple(Quantity.read(entry) if entry else None for entry in entries)
    floors = _floors(entries, subjects)
    own_floors = [_first_floor(entry) for entry in entries]
    arrow, direction = DIRECTIONS.get(first["better"], ("", first["better"]))
    return Row(
        title=first["title"],
        unit=first.get("unit", ""),
        arrow=arrow,
        direction=direction,
        explanation=first.get("explanation", ""),
        scores=scores,
        ranks=ranks(first["better"], scores, own_floors) if ranked else unranked(scores),
        floors=floors,
        strip=strip_of(scores, [floor.quantity for floor in floors]),
    )


def _first_floor(entry: Entry | None) -> Quantity | None:
    floors = entry.get("floors") if entry else None
    return Quantity.read(floors[0]) if floors else None


def _floors(entries: Sequence[Entry | None], subjects: Sequence[Subject]) -> tuple[Floor, ...]:
    """Every floor once; with its subject's name where subjects disagree on a floor of the same title."""
    found: dict[tuple[str, Quantity], str] = {}
    for entry, subject in zip(entries, subjects, strict=True):
        for floor in (entry.get("floors") or ()) if entry else ():
            quantity = Quantity.read(floor)
            if quantity is not None:
                found.setdefault((floor["title"], quantity), subject.name)
    titles = [title for title, _ in found]
    return tuple(
        Floor(title, quantity, owner if titles.count(title) > 1 else "", _own(entries, title))
        for (title, quantity), owner in found.items()
    )


def _own(entries: Sequence[Entry | None], title: str) -> str:
    floors = [floor for entry in entries if entry for floor in entry.get("floors") or () if floor["title"] == title]
    known = [Quantity.read({"value": floor["own"]}) for floor in floors if "own" in floor]
    return ", ".join(quantity.text for quantity in known if quantity)


def _unmeasured(entries: Sequence[Entry | None], subjects: Sequence[Subject]) -> list[Unmeasured]:
    """Why there is no number; once where all subjects give the same reason."""
    found = [
        Unmeasured(entry["title"], entry.get("reason") or NO_REASON, subject.name)
        for entry, subject in zip(entries, subjects, strict=True)
        if entry and Quantity.read(entry) is None
    ]
    if len(found) == len(subjects) and len({entry.reason for entry in found}) == 1:
        return [Unmeasured(found[0].title, found[0].reason, "")]
    return found
