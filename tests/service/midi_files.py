"""MIDI files for tests, and the golden one: `python -m tests.service.midi_files` writes tests/golden/tune.mid anew."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from mido import Message, MetaMessage, MidiFile, MidiTrack

GOLDEN = Path(__file__).parents[1] / "golden"
QUARTER = 480  # ticks; 960 of them are a second at the default tempo


def on(pitch: int, time: int = 0, velocity: int = 100, channel: int = 0) -> Message:
    """Return a key that goes down, `time` ticks after the message before it."""
    return Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch: int, time: int = 0, channel: int = 0) -> Message:
    """Return a key that goes up."""
    return Message("note_off", note=pitch, time=time, channel=channel)


def pedal(value: int, time: int = 0, control: int = 64, channel: int = 0) -> Message:
    """Return a controller that moves; the sustain pedal where nothing else is said."""
    return Message("control_change", control=control, value=value, time=time, channel=channel)


def program(number: int, time: int = 0, channel: int = 0) -> Message:
    """Return a change of program."""
    return Message("program_change", program=number, time=time, channel=channel)


def tempo(microseconds: int, time: int = 0) -> MetaMessage:
    """Return a change of tempo."""
    return MetaMessage("set_tempo", tempo=microseconds, time=time)


def midi(*tracks: list[Message | MetaMessage], division: int = QUARTER, form: int | None = None) -> bytes:
    """Return a file; of format 0 for one track, else 1."""
    file = MidiFile(type=min(len(tracks) - 1, 1) if form is None else form, ticks_per_beat=division)
    file.tracks.extend(MidiTrack(track) for track in tracks)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def raw(*tracks: bytes, form: int = 0, division: int = QUARTER) -> bytes:
    """Return a file of tracks as they are, however broken."""
    chunks = b"".join(b"MTrk" + struct.pack(">L", len(track)) + track for track in tracks)
    return b"MThd" + struct.pack(">LhhH", 6, form, len(tracks), division & 0xFFFF) + chunks


def scale(*pitches: int, ticks: int = 100, **fields: int) -> bytes:
    """Return a file of notes one after another."""
    return midi([message for pitch in pitches for message in (on(pitch, **fields), off(pitch, ticks))])


def golden_tune() -> bytes:
    """Return a tune with whatever a tune can have.

    Two changes of tempo; a chord; a pedal that holds a melody, with one key struck again; a change of program; notes
    above and below 48 to 72, and two inside it that the tests' model lacks (50 and 61); overlapping notes of one pitch;
    drums; a note that hangs.
    """
    conductor = [tempo(500_000), tempo(750_000, 2 * QUARTER), tempo(300_000, 2 * QUARTER)]
    piano = [
        on(60, velocity=100), on(64, velocity=80), on(67, velocity=64),
        off(60, QUARTER), off(64), Message("note_on", note=67, velocity=0, time=0),
        pedal(127), on(62), off(62, 120), on(65, 120), off(65, 120), on(62, 120), off(62, 120), pedal(0, 360),
        program(40), on(72, velocity=127), off(72, QUARTER), on(61, velocity=30), off(61, QUARTER),
        on(50), off(50, 240), on(100, velocity=1), off(100, 240), on(55),
        MetaMessage("end_of_track", time=960),
    ]  # fmt: skip
    bass = [
        program(33, channel=1), on(24, channel=1), off(24, QUARTER, channel=1), on(48, channel=1),
        on(48, 120, velocity=50, channel=1), off(48, 240, channel=1), off(48, 240, channel=1),
    ]  # fmt: skip
    drums = [message for _ in range(4) for message in (on(36, channel=9), off(36, QUARTER, channel=9))]
    return midi(conductor, piano, bass, drums)


if __name__ == "__main__":
    (GOLDEN / "tune.mid").write_bytes(golden_tune())
