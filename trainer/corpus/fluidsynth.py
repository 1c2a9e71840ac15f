"""Notes rendered by the fluidsynth program, many in one run, for each run loads the font.

Nothing touches the disk: score and sound are files in memory that the program opens by their numbers.
"""

from __future__ import annotations

import functools
import math
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trainer.corpus.recording import Samples
from trainer.errors import LatentoneError

RATE_HZ = 48_000  # fluidsynth acts on events every 64 samples: here 4 ms are three times that, so onsets are exact
GRID_MS = 4
PRIMER_MS = 40  # before the first note: a voice's first use differs in its first milliseconds, so all are used once
PRIMER_PITCHES = range(12, 109, 12)
FADE_SECONDS = 0.01  # of what sounds on when a note is cut
ALL_SOUND_OFF = 120
TIME_LIMIT_SECONDS = 120
COMPLAINTS = ("fluidsynth: error", "Failed to load")
MISSING = "the program fluidsynth is not installed; on Debian: apt-get install fluidsynth fluid-soundfont-gm"


@dataclass(frozen=True)
class Take:
    """Notes that one run renders. notes: (MIDI pitch, velocity). hold: seconds until the key is let go."""

    font: Path
    bank: int
    program: int
    notes: tuple[tuple[int, int], ...]
    seconds: float
    hold: float

    @property
    def slot_ms(self) -> int:
        """From one onset to the next: a note, and time to silence it, in whole steps of the grid."""
        return GRID_MS * (math.ceil(1000 * self.seconds / GRID_MS) + 2)


def version() -> str:
    """What fluidsynth says of itself, such as "FluidSynth runtime version 2.3.1".

    Raises: LatentoneError where it is not installed or does not run.
    """
    return _run("--version").splitlines()[0]


@functools.lru_cache(maxsize=1)  # the notes of a take are read one after another
def render(take: Take) -> tuple[Samples, ...]:
    """Render every note from its onset for its seconds, reverb and chorus off, nothing clipped.

    Returns: float32 [S, 2] each, at RATE_HZ; the same samples in whatever take a note stands.
    Raises: LatentoneError where fluidsynth is not installed, refuses the font or dies.
    """
    with _memory_file("score.mid") as score, _memory_file("sound.raw") as sound:
        _score(take).save(file=score)
        score.flush()
        switches = ("-n", "-i", "-q", "-R", "0", "-C", "0", "-g", "1.0", "-r", str(RATE_HZ), "-f", os.devnull)
        settings = ("-o", "synth.dynamic-sample-loading=1", "-o", "synth.cpu-cores=1", "-T", "raw", "-O", "float")
        files = ("-F", _path(sound), str(take.font.absolute()), _path(score))
        _run(*switches, *settings, *files, files=(score.fileno(), sound.fileno()))
        sound.seek(0)
        samples = np.fromfile(sound, "<f4").reshape(-1, 2)
    if len(samples) < _at(take, len(take.notes)):
        raise LatentoneError(f"fluidsynth rendered too little of {take.font.name}, program {take.program}")
    length = round(take.seconds * RATE_HZ)
    return tuple(_fade_out(samples[_at(take, index) :][:length]) for index in range(len(take.notes)))


def _at(take: Take, index: int) -> int:
    return (PRIMER_MS + index * take.slot_ms) * RATE_HZ // 1000


def _fade_out(samples: Samples) -> Samples:
    faded = samples.copy()
    fade = min(len(faded), round(FADE_SECONDS * RATE_HZ))
    faded[len(faded) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return faded


def _score(take: Take) -> Any:
    """A MIDI file whose tick is a millisecond."""
    import mido

    message = mido.Message
    events = [
        (0, message("control_change", control=0, value=take.bank)),
        (0, message("program_change", program=take.program)),
        *((GRID_MS, message("note_on", note=pitch, velocity=1)) for pitch in PRIMER_PITCHES),
        (PRIMER_MS // 2, message("control_change", control=ALL_SOUND_OFF)),
    ]
    for index, (pitch, velocity) in enumerate(take.notes):
        start = PRIMER_MS + index * take.slot_ms
        events.append((start, message("note_on", note=pitch, velocity=velocity)))
        events.append((start + round(1000 * take.hold), message("note_off", note=pitch)))
        events.append((start + take.slot_ms - GRID_MS, message("control_change", control=ALL_SOUND_OFF)))
    end = PRIMER_MS + len(take.notes) * take.slot_ms
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)])
    now = 0
    for time, event in events:
        track.append(event.copy(time=time - now))
        now = time
    track.append(mido.MetaMessage("end_of_track", time=end - now))
    return mido.MidiFile(type=0, ticks_per_beat=1000, tracks=[track])


def _memory_file(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(name), "w+b")


def _path(file: BinaryIO) -> str:
    return f"/proc/self/fd/{file.fileno()}"


def _run(*arguments: str, files: tuple[int, ...] = ()) -> str:
    """Run fluidsynth and return what it prints; it exits 0 whatever happens, so its complaints are read."""
    program = shutil.which("fluidsynth")
    if program is None:
        raise LatentoneError(MISSING)
    try:
        ended = subprocess.run(  # noqa: S603 - arguments of ours, no shell
            (program, *arguments),
            pass_fds=files,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT_SECONDS,
            env=os.environ | {"LC_ALL": "C"},  # numbers among the arguments have points
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LatentoneError(f"fluidsynth did not end within {TIME_LIMIT_SECONDS} s") from error
    complaints = [line for line in ended.stderr.splitlines() if line.startswith(COMPLAINTS)]
    if ended.returncode or complaints:
        why = f": {complaints[0]}" if complaints else ""
        raise LatentoneError(f"fluidsynth failed (exit status {ended.returncode}){why}")
    return ended.stdout
