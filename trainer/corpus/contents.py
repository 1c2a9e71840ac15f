"""What corpus.json says of the clips: their facts in columns, the split, and the account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainer.corpus.account import Account, LeftOut
from trainer.corpus.recording import Recording, Source
from trainer.corpus.split import Item, split
from trainer.specs.audio import PreparationSpec

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Taken:
    """A recording in the store: where its clips begin, and how many more were silent."""

    recording: Recording
    offsets: tuple[int, ...]
    silent: int


def describe(
    source: Source, taken: Sequence[Taken], left_out: Sequence[LeftOut], preparation: PreparationSpec
) -> tuple[list[str], Columns, Account]:
    """Return the label names that have clips, one list a fact of all clips, and the account."""
    items = [
        Item(each.recording.group, each.recording.label, len(each.offsets), each.recording.held_out) for each in taken
    ]
    sides = split(items, preparation.held_out_fraction, preparation.seed)
    heard = {each.recording.label for each in taken}
    label_names = [name for name in source.label_names if name in heard]
    columns = _columns(taken, sides.held_out, label_names)
    lost = [f"no recording is left of {name}" for name in source.label_names if name not in heard]
    account = Account(
        recordings=len(source.recordings) + len(source.left_out),
        kept=len(taken),
        clips=len(columns["label"]),
        silent_clips=sum(each.silent for each in taken),
        labels=_count_labels(columns, label_names),
        left_out=tuple(left_out),
        notes=(*sides.notes, *lost),
    )
    return label_names, columns, account


def _columns(taken: Sequence[Taken], held_out: Sequence[bool], label_names: Sequence[str]) -> Columns:
    index = {name: number for number, name in enumerate(label_names)}
    rows = [(each.recording, side, at) for each, side in zip(taken, held_out, strict=True) for at in each.offsets]
    return {
        "label": [-1 if recording.label is None else index[recording.label] for recording, _, _ in rows],
        "pitch": [recording.pitch for recording, _, _ in rows],
        "velocity": [recording.velocity for recording, _, _ in rows],
        "group": [recording.group for recording, _, _ in rows],
        "held_out": [side for _, side, _ in rows],
        "recording": [recording.name for recording, _, _ in rows],
        "offset": [at for _, _, at in rows],
    }


def _count_labels(columns: Columns, label_names: Sequence[str]) -> dict[str, dict[str, int]]:
    counts = Counter(zip(columns["label"], columns["held_out"], strict=True))
    return {
        name: {"train": counts[number, False], "held_out": counts[number, True]}
        for number, name in enumerate(label_names)
    }
