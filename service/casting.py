"""Who plays which note: the model's label for its pitch, and the seed of its sound. Knows no sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from service.midi import Note

OutOfRange = Literal["fold", "skip"]
PERCUSSION = 10  # the channel on which pitches are drums
OCTAVE = 12
SEEDS = 2**64


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """A seed for every note: its channel's, else its program's, else seed + program.

    So by default equal programs sound equal, and a change of program is a change of sound.
    """

    seed: int
    programs: Mapping[int, int] = field(default_factory=dict)  # program (0 to 127) to seed
    channels: Mapping[int, int] = field(default_factory=dict)  # channel (1 to 16) to seed

    def of(self, note: Note) -> int:
        """Return the seed of a note, 64 bits."""
        by_program = self.programs.get(note.program, (self.seed + note.program) % SEEDS)
        return self.channels.get(note.channel, by_program)


@dataclass(frozen=True)
class Folded:
    """Notes that were moved by octaves."""

    pitch: int
    to: int
    count: int


@dataclass(frozen=True)
class Skipped:
    """Notes that are not played: drums, or pitches that the model does not have in any octave that is allowed."""

    pitch: int
    percussion: bool
    count: int


@dataclass(frozen=True)
class Part:
    """A note that is played."""

    note: Note
    label: int  # index of the label that stands for its pitch
    seed: int


@dataclass(frozen=True)
class Cast:
    """The notes that are played, in their order, and an account of the others."""

    parts: list[Part]
    folded: tuple[Folded, ...]  # by pitch, as are the skipped
    skipped: tuple[Skipped, ...]

    def facts(self) -> dict[str, Any]:
        """Return the account by the field names of the answers."""
        return {
            "notes": len(self.parts),
            "folded": [asdict(entry) for entry in self.folded],
            "skipped": [asdict(entry) for entry in self.skipped],
        }


def cast(
    notes: Sequence[Note], pitches: Sequence[float], seeds: Seeds, *, out_of_range: OutOfRange, percussion: bool
) -> Cast:
    """Give each note to the label of its pitch.

    pitches: the pitch that each label stands for. out_of_range, percussion: what becomes of notes outside the model's
    range, and of those of channel 10.
    """
    places = {pitch: place(pitch, pitches, out_of_range) for pitch in {note.pitch for note in notes}}
    parts: list[Part] = []
    folded: Counter[tuple[int, int]] = Counter()
    skipped: Counter[tuple[int, bool]] = Counter()
    for note in notes:
        is_drum = note.channel == PERCUSSION and not percussion
        label = None if is_drum else places[note.pitch]
        if label is None:
            skipped[note.pitch, is_drum] += 1
            continue
        if pitches[label] != note.pitch:
            folded[note.pitch, int(pitches[label])] += 1
        parts.append(Part(note, label, seeds.of(note)))
    return Cast(
        parts,
        tuple(Folded(*key, count) for key, count in sorted(folded.items())),
        tuple(Skipped(*key, count) for key, count in sorted(skipped.items())),
    )


def place(pitch: int, pitches: Sequence[float], out_of_range: OutOfRange) -> int | None:
    """Return the label for a pitch: its own or, where the model lacks it, that of the nearest octave of it.

    Of two that are equally near, the lower. None where there is none, or where the pitch is outside the model's range
    and such notes are skipped.
    """
    if pitch in pitches:
        return pitches.index(pitch)
    is_outside = not min(pitches) < pitch < max(pitches)
    octaves = [known for known in pitches if (known - pitch) % OCTAVE == 0]
    if not octaves or (is_outside and out_of_range == "skip"):
        return None
    return pitches.index(min(octaves, key=lambda known: (abs(known - pitch), known)))
