"""The account of a preparation: what was taken, what was left out, and why."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trainer.errors import LatentoneError

if TYPE_CHECKING:
    from rich.console import Console

Reason = Literal["unreadable", "empty", "not finite", "silent", "too short", "missing", "no label"]


@dataclass(frozen=True)
class LeftOut:
    """A recording that gives no clip, with the reason and, where it helps, a detail."""

    name: str
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Saved in corpus.json. labels: clips of each label, as {"train": n, "held_out": n}."""

    recordings: int
    kept: int
    clips: int
    silent_clips: int
    labels: dict[str, dict[str, int]]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def reasons(self) -> dict[str, int]:
        """How many recordings each reason took, most frequent first."""
        return count_reasons(self.left_out)

    def to_json(self) -> dict[str, Any]:
        """Plain values for corpus.json."""
        return dataclasses.asdict(self) | {"reasons": self.reasons}

    def show(self, console: Console, *, examples: int = 3) -> None:
        """Print a short table: a few examples of each reason; corpus.json has the whole list."""
        from rich.markup import escape
        from rich.table import Table

        dropped = f", {self.silent_clips} silent clips dropped" if self.silent_clips else ""
        console.print(f"{self.kept} of {self.recordings} recordings kept: {self.clips} clips{dropped}")
        if self.labels:
            table = Table("label", "train", "held out")
            for label, sides in self.labels.items():
                table.add_row(escape(label), str(sides["train"]), str(sides["held_out"]))
            console.print(table)
        if self.left_out:
            table = Table("left out", "recordings", "for example")
            for reason, number in self.reasons.items():
                some = [entry for entry in self.left_out if entry.reason == reason][:examples]
                table.add_row(reason, str(number), escape("\n".join(map(_line, some))))
            console.print(table)
        for note in self.notes:
            console.print(f"note: {escape(note)}")


def count_reasons(left_out: Sequence[LeftOut]) -> dict[str, int]:
    """How many recordings each reason took, most frequent first."""
    return dict(Counter(entry.reason for entry in left_out).most_common())


def nothing_left(name: str, left_out: Sequence[LeftOut]) -> LatentoneError:
    """The error of a corpus whose every recording was left out."""
    reasons = ", ".join(f"{number} {reason}" for reason, number in count_reasons(left_out).items())
    example = _line(left_out[0])
    return LatentoneError(
        f"corpus {name!r}: all {len(left_out)} recordings were left out ({reasons}); for example {example}"
    )


def _line(entry: LeftOut) -> str:
    return f"{entry.name}: {entry.detail}" if entry.detail else entry.name
