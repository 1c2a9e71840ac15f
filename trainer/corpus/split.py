"""Which recordings are held out: whole groups, every label kept in training, the same for the same seed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A recording as the split sees it. clips: how many it gives. held_out: the corpus' own wish, or None."""

    group: str
    label: str | None
    clips: int
    held_out: bool | None = None


@dataclass(frozen=True)
class Split:
    """held_out: one flag per item. notes: what the reader of the account should know."""

    held_out: tuple[bool, ...]
    notes: tuple[str, ...] = ()


def split(items: Sequence[Item], fraction: float, seed: int) -> Split:
    """Hold out the corpus' own test set where it has one, else whole groups, near `fraction` of the clips."""
    if any(item.held_out is not None for item in items):
        return _own_split(items)
    if fraction == 0:
        return Split((False,) * len(items))
    groups: dict[str, Counter[str | None]] = defaultdict(Counter)
    for item in items:
        groups[item.group][item.label] += item.clips
    chosen = choose_groups(groups, fraction, seed)
    if not chosen:
        why = "there is only one group" if len(groups) == 1 else "every group is the last one of some label"
        return Split((False,) * len(items), (f"nothing is held out: {why}",))
    return Split(tuple(item.group in chosen for item in items))


def _own_split(items: Sequence[Item]) -> Split:
    flags = tuple(bool(item.held_out) for item in items)
    sides = defaultdict(set)
    for item, flag in zip(items, flags, strict=True):
        sides[item.group].add(flag)
    crossing = sum(len(both) == 2 for both in sides.values())
    notes = ["the corpus' own split is used"]
    if crossing:
        notes.append(f"that split puts {crossing} of {len(sides)} groups on both sides")
    if len(set(flags)) == 1:
        notes.append("that split leaves every clip on one side")
    return Split(flags, tuple(notes))


def choose_groups(groups: Mapping[str, Mapping[str | None, int]], fraction: float, seed: int) -> set[str]:
    """Choose groups to hold out, near `fraction` of all clips and of each label's.

    groups: clips of each label in each group. Groups are visited in an order drawn from the seed; one is
    taken where that brings the counts nearer to their aims and leaves every label a training clip. At least
    one is taken where any can be.
    """
    totals: Counter[str | None] = Counter()
    for counts in groups.values():
        totals.update(counts)
    held: Counter[str | None] = Counter()

    def spare(name: str) -> bool:
        return all(held[label] + clips < totals[label] for label, clips in groups[name].items())

    def change(name: str) -> float:
        """How much further from the aims the counts would be; negative is nearer."""
        counts = groups[name]
        rows = [(held[label], clips, totals[label]) for label, clips in counts.items()]
        rows.append((held.total(), sum(counts.values()), totals.total()))
        moves = [abs(have + more - fraction * total) - abs(have - fraction * total) for have, more, total in rows]
        return round(sum(moves), 6)  # so that the order of a sum decides nothing

    order = sorted(groups, key=lambda name: (_draw(name, seed), name))
    chosen: set[str] = set()
    for name in order:
        if change(name) < 0 and spare(name):
            chosen.add(name)
            held.update(groups[name])
    if not chosen:
        chosen.update(sorted(filter(spare, order), key=change)[:1])
    return chosen


def _draw(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
