"""The corpus account: what was taken, what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.report.formats import integer
from trainer.report.subject import Subject

EXAMPLES = 5  # of each reason; corpus.json has the whole list


@dataclass(frozen=True)
class Reason:
    """Why recordings gave no clip. more: how many the examples leave out."""

    reason: str
    count: int
    examples: tuple[str, ...]
    more: int


@dataclass(frozen=True, kw_only=True)
class CorpusAccount:
    """One corpus. labels: (name, training clips, held-out clips)."""

    title: str
    licence: str
    fingerprint: str
    headline: str
    labels: tuple[tuple[str, int, int], ...]
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]


def accounts_of(subjects: Sequence[Subject]) -> list[CorpusAccount]:
    """Each corpus once."""
    found = [_account(subject) for subject in subjects if subject.account]
    return list(dict.fromkeys(found))


def _account(subject: Subject) -> CorpusAccount:
    account, corpus = subject.account, subject.facts("corpus")
    return CorpusAccount(
        title=corpus.get("name") or "corpus",
        licence=corpus.get("licence") or "unknown",
        fingerprint=corpus.get("fingerprint") or "",
        headline=_headline(account),
        labels=tuple(
            (name, sides.get("train", 0), sides.get("held_out", 0))
            for name, sides in (account.get("labels") or {}).items()
        ),
        reasons=tuple(_reasons(account.get("left_out") or ())),
        notes=tuple(account.get("notes") or ()),
    )


def _headline(account: Mapping[str, Any]) -> str:
    kept, recordings, clips = (integer(account.get(name, 0)) for name in ("kept", "recordings", "clips"))
    silent = account.get("silent_clips")
    dropped = f", {integer(silent)} silent clips dropped" if silent else ""
    return f"{kept} of {recordings} recordings kept: {clips} clips{dropped}."


def _reasons(left_out: Sequence[Mapping[str, str]]) -> list[Reason]:
    """Most frequent first."""
    lines: dict[str, list[str]] = {}
    for entry in left_out:
        detail = f": {entry['detail']}" if entry.get("detail") else ""
        lines.setdefault(entry["reason"], []).append(f"{entry['name']}{detail}")
    ordered = sorted(lines.items(), key=lambda item: -len(item[1]))
    return [
        Reason(reason, len(names), tuple(names[:EXAMPLES]), max(0, len(names) - EXAMPLES)) for reason, names in ordered
    ]
