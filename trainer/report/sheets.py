"""Plain values side by side: configurations, machines and versions, a column a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.report.formats import moment, plain
from trainer.report.subject import Subject

ABSENT = "–"


@dataclass(frozen=True)
class SheetRow:
    """One field; values has one entry a subject."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether subjects disagree."""
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Group:
    """Fields that stand in one section of the values; title is empty for those in none."""

    title: str
    rows: tuple[SheetRow, ...]


@dataclass(frozen=True)
class Sheet:
    """All groups; `differences` is the part that subjects disagree on."""

    groups: tuple[Group, ...]

    @property
    def differences(self) -> tuple[Group, ...]:
        """The rows that differ, in their groups."""
        kept = (Group(group.title, tuple(row for row in group.rows if row.differs)) for group in self.groups)
        return tuple(group for group in kept if group.rows)


def configuration_of(subjects: Sequence[Subject]) -> Sheet:
    """What was asked for."""
    return _sheet([subject.configuration for subject in subjects])


def circumstances_of(subjects: Sequence[Subject]) -> Sheet:
    """Machine, versions, time and seed of the evaluations."""
    return _sheet([_circumstances(subject) for subject in subjects])


def _circumstances(subject: Subject) -> dict[str, Any]:
    document = subject.document
    evaluation = {
        "date": moment(document["date"]) if document.get("date") else None,
        "samples": document.get("samples"),
        "seed": document.get("seed"),
        "embedding": subject.facts("embedding").get("name"),
        "embedding digest": subject.facts("embedding").get("digest"),
    }
    seconds = {name: f"{value:.1f} s" for name, value in subject.facts("seconds").items()}
    return {
        "evaluation": {name: value for name, value in evaluation.items() if value is not None},
        "time": seconds,
        "machine": subject.facts("machine"),
        "versions": subject.facts("versions"),
    }


def _sheet(columns: Sequence[Mapping[str, Any]]) -> Sheet:
    flat = [_flatten(column) for column in columns]
    names = list(dict.fromkeys(path for column in flat for path in column))
    titles = sorted(dict.fromkeys(title for title, _ in names), key=bool)  # fields in no section first
    return Sheet(
        tuple(
            Group(
                title,
                tuple(
                    SheetRow(name, tuple(column.get((title, name), ABSENT) for column in flat))
                    for group, name in names
                    if group == title
                ),
            )
            for title in titles
        )
    )


def _flatten(values: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """{(section, field): text}; what lies deeper than a section has a dotted field."""
    flat: dict[tuple[str, str], str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {(name, field): text for field, text in _dotted(value).items()}
        else:
            flat["", name] = plain(value)
    return flat


def _dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _dotted(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = plain(value)
    return flat
