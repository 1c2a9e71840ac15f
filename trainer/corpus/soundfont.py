"""Notes of a sound font's instruments, rendered by fluidsynth: a pitched corpus of any size from one file."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.corpus.fluidsynth import RATE_HZ, Take, render, version
from trainer.corpus.folder import natural_order, safe_name
from trainer.corpus.general_midi import NAMES
from trainer.corpus.pitches import check_pitches, pitch_label
from trainer.corpus.recording import Recording, Samples, Source
from trainer.corpus.soundfont_file import FontFile, read_font
from trainer.errors import SpecError, check, unknown

VERSION = 1  # raised when the same note sounds different, so that prepared corpora are made anew
VELOCITIES = (64, 96, 120)
HELD_SHARE = 0.75  # of a note's seconds, unless said
TAKE_SECONDS = 160.0  # of sound that one run renders: 61 MB, held in memory while its notes are read
FIRST_UNPITCHED = 112  # General MIDI's percussion and sound effects


@dataclass(frozen=True)
class FontNote:
    """One note of a take. engine: the version of fluidsynth; with the font's digest it decides the samples."""

    take: Take
    index: int
    font_digest: str
    engine: str

    @property
    def together(self) -> Take:
        """What one run renders, one worker should read."""
        return self.take

    def read(self) -> tuple[Samples, int]:
        """Render, with the other notes of the take. Returns: float32 [S, 2] from the onset, and the rate in Hz."""
        return render(self.take)[self.index], RATE_HZ

    def digest(self) -> str:
        """Hexadecimal digest of all that the samples depend on; the rest of the take is no part of it."""
        take = self.take
        values = (take.bank, take.program, *take.notes[self.index], take.seconds, take.hold)
        text = "/".join(map(str, (VERSION, self.engine, self.font_digest, *values)))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def soundfont_source(
    path: Path,
    *,
    programs: tuple[str | int, ...] = (),
    bank: int = 0,
    lowest: int = 36,
    highest: int = 84,
    velocities: tuple[int, ...] = VELOCITIES,
    seconds: float = 1.0,
    hold: float | None = None,
    label: Literal["pitch", "program"] = "pitch",
) -> Source:
    """Every program at every pitch and velocity.

    programs: numbers 0..127 as in MIDI files (charts of General MIDI count from 1), the font's own names, or General
    MIDI's (violin, acoustic_grand_piano); where empty, all of the bank but 112..127, which have no pitch. lowest,
    highest: MIDI, both included. seconds: length of a note. hold: of these, how long the key is held, three quarters
    unless said; the rest is release.

    Label: the pitch, or the program's name in the font. Group: program and pitch, for velocities are often one
    recording at other gains; pitch and velocity where there is one program, so that each pitch keeps clips to train on.
    Raises: SpecError for a value out of bounds or a program that the font lacks; LatentoneError for a file that is no
    sound font or is damaged, and where fluidsynth is not installed.
    """
    check(label in ("pitch", "program"), f"label={label!r} is not pitch or program")
    check(0 <= bank <= 127, f"bank={bank} is not in 0..127")
    check_pitches(lowest, highest)
    check(bool(velocities) and all(1 <= v <= 127 for v in velocities), f"velocities={velocities} are not in 1..127")
    check(0.1 <= seconds <= 60, f"seconds={seconds} is not in 0.1..60")
    hold = HELD_SHARE * seconds if hold is None else hold
    check(0.01 <= hold <= seconds, f"hold={hold} is not in 0.01..{seconds}, the seconds of a note")
    font = read_font(path)
    names = _programs(font, bank, programs)
    notes = tuple(itertools.product(range(lowest, highest + 1), sorted(set(velocities))))
    whole = [Take(path, bank, program, notes, seconds, hold) for program in names]
    engine = version()
    recordings = [
        _recording(FontNote(take, index, font.digest, engine), names, label)
        for take in itertools.chain.from_iterable(map(_parts, whole))
        for index in range(len(take.notes))
    ]
    return Source(
        name=safe_name(path.stem),
        licence=font.licence,
        recordings=tuple(recordings),
        label_names=natural_order({recording.label for recording in recordings if recording.label}),
    )


def _parts(take: Take) -> Iterator[Take]:
    """The same notes in takes that memory can hold."""
    most = max(1, int(TAKE_SECONDS * 1000 / take.slot_ms))
    for start in range(0, len(take.notes), most):
        yield Take(take.font, take.bank, take.program, take.notes[start : start + most], take.seconds, take.hold)


def _recording(note: FontNote, names: Mapping[int, str], label: str) -> Recording:
    program = note.take.program
    pitch, velocity = note.take.notes[note.index]
    at_pitch = f"pitch{pitch:03d}"
    at_velocity = f"velocity{velocity:03d}"
    return Recording(
        name=f"program{program:03d}-{at_pitch}-{at_velocity}",
        sound=note,
        label=pitch_label(pitch) if label == "pitch" else names[program],
        group=f"program{program:03d}-{at_pitch}" if len(names) > 1 else f"{at_pitch}-{at_velocity}",
        pitch=float(pitch),
        velocity=velocity,
    )


def _programs(font: FontFile, bank: int, wanted: tuple[str | int, ...]) -> dict[int, str]:
    """Numbers and names of the programs to play, in order."""
    names = font.names(bank)
    banks = ", ".join(str(number) for number in sorted({number for number, _ in font.presets}))
    check(bool(names), f"bank={bank} is not in {font.path.name}, which has {banks}")
    if not wanted:
        return {program: name for program, name in names.items() if program < FIRST_UNPITCHED} or names
    chosen = {_program(font, bank, names, str(program)) for program in wanted}
    return {program: names[program] for program in sorted(chosen)}


def _program(font: FontFile, bank: int, names: Mapping[int, str], wanted: str) -> int:
    by_name = {name: number for number, name in enumerate(NAMES)} | {name: number for number, name in names.items()}
    if not wanted.isdecimal() and wanted not in by_name:
        raise SpecError(unknown("program", wanted, by_name))
    number = int(wanted) if wanted.isdecimal() else by_name[wanted]
    if number not in names:
        known = ", ".join(f"{program} {name}" for program, name in names.items())
        raise SpecError(f"bank {bank} of {font.path.name} has no program {wanted!r}; it has {known}")
    return number
