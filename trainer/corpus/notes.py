"""Built-in notes: a corpus that needs no download, with family, pitch and velocity known exactly."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import astuple, dataclass
from typing import Literal

import numpy as np

from trainer.corpus.pitches import pitch_label
from trainer.corpus.recording import Recording, Samples, Source
from trainer.corpus.synthesis import FAMILIES, RATE_HZ, shape
from trainer.errors import check

VERSION = 1  # raised when the same note sounds different, so that prepared corpora are made anew
PITCHES = range(36, 85)  # C2 to C6, MIDI
VELOCITIES = (32, 64, 96, 127)
VARIANTS = 4


@dataclass(frozen=True)
class Note:
    """One note; the same fields give the same samples everywhere.

    pitch: MIDI note number. velocity: 1..127, louder and brighter. variant: which instrument of the family.
    """

    family: str
    pitch: int
    velocity: int
    variant: int
    seconds: float
    seed: int

    @property
    def frequency_hz(self) -> float:
        """Fundamental frequency, equal temperament, A4 = 440 Hz."""
        return float(440.0 * 2 ** ((self.pitch - 69) / 12))

    def read(self) -> tuple[Samples, int]:
        """Synthesise.

        Returns: float32 [S, 1], its peak rising with velocity to at most 0.9, and the rate in Hz.
        """
        random = np.random.Generator(np.random.Philox(key=int(self._hash("instrument", self.family, self.variant), 16)))
        samples = FAMILIES[self.family](self.frequency_hz, self.velocity / 127, round(self.seconds * RATE_HZ), random)
        return shape(samples, 0.9 * self.velocity / 127)[:, None], RATE_HZ

    def digest(self) -> str:
        """Hexadecimal digest of the parameters."""
        return self._hash(*astuple(self))

    def _hash(self, *values: object) -> str:
        text = "/".join(map(str, (VERSION, self.seed, *values)))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def notes_source(
    *, count: int = 360, seconds: float = 1.0, seed: int = 0, label: Literal["family", "pitch"] = "family"
) -> Source:
    """Notes of three families over four octaves, with pitch and velocity.

    Label: the family, or the MIDI pitch. Group: pitch, velocity and variant together. Every family plays the same
    combinations, so that what is held out was trained on in no family.
    Raises: SpecError for a count below 6, seconds not in 0.1..60, a seed below 0 or another label.
    """
    check(label in ("family", "pitch"), f"label={label!r} is not family or pitch")
    check(count >= 6, f"count={count} must be 6 or more: two notes a family")
    check(0.1 <= seconds <= 60, f"seconds={seconds} is not in 0.1..60")
    check(seed >= 0, f"seed={seed} must be 0 or more")
    each = -(-count // len(FAMILIES))
    variants = max(VARIANTS, -(-each // (len(PITCHES) * len(VELOCITIES))))
    combinations = list(itertools.product(PITCHES, VELOCITIES, range(variants)))
    random = np.random.Generator(np.random.Philox(key=seed))
    chosen = sorted(combinations[index] for index in random.permutation(len(combinations))[:each])
    notes = [
        Note(family, pitch, velocity, variant, seconds, seed)
        for pitch, velocity, variant in chosen
        for family in sorted(FAMILIES)
    ]
    return Source(
        name="notes",
        licence="CC0 1.0",
        recordings=tuple(_recording(note, label) for note in notes[:count]),
        label_names=tuple(
            sorted(FAMILIES) if label == "family" else map(pitch_label, sorted({note.pitch for note in notes}))
        ),
    )


def _recording(note: Note, label: str) -> Recording:
    group = f"pitch{note.pitch:03d}-velocity{note.velocity:03d}-variant{note.variant}"
    return Recording(
        name=f"{note.family}-{group}",
        sound=note,
        label=note.family if label == "family" else pitch_label(note.pitch),
        group=group,
        pitch=float(note.pitch),
        velocity=note.velocity,
    )
