"""Pitches as people write them, and as labels."""

from __future__ import annotations

import re

from trainer.errors import check

SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "s": 1, "b": -1, "♭": -1}  # Cs4: file names avoid the hash
NAME = re.compile(r"([a-g])([#♯sb♭]?)(-?\d)")


def parse_pitch(text: str) -> float:
    """MIDI note number of a number (60, 60.5) or a name (C4, F#3, Fs3, Bb2; C4 is 60).

    Raises: ValueError for anything else, and outside of 0..127.
    """
    match = NAME.fullmatch(text.lower())
    if match:
        name, accidental, octave = match.groups()
        pitch = float(12 * (int(octave) + 1) + SEMITONES[name] + ACCIDENTALS[accidental])
    else:
        pitch = float(text)
    if not 0 <= pitch <= 127:
        raise ValueError(f"{text!r} is not a pitch of MIDI, 0..127")
    return pitch


def pitch_label(pitch: float) -> str:
    """The label that stands for a pitch: its MIDI note number as text."""
    return f"{pitch:g}"


def check_pitches(lowest: int, highest: int) -> None:
    """Raise SpecError unless the two are a range of MIDI note numbers."""
    check(0 <= lowest <= highest <= 127, f"lowest={lowest} and highest={highest} are not a range in 0..127 (MIDI)")
