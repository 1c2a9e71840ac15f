"""Standard MIDI files from strangers: bytes to notes in seconds. Knows no model.

mido reads the messages. What it leaves open is decided here: sizes are bounded first, times are summed as whole
numbers, and keys and pedals become notes with an end.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mido

from service.errors import Invalid, TooLarge, Unsupported

MAGIC = b"MThd"
MOST_BYTES = 2**19  # a quarter of a million events, a second of mido's time and 50 MB; an honest tune has a tenth
MOST_DELTA = 2**28  # ticks; four bytes of seven bits are all that a time may have
# mido adds up a number's bytes, however many; a run of them would take time by its square.
ENDLESS_NUMBER = re.compile(rb"[\x80-\xff]{4097}")
DEFAULT_TEMPO = 500_000  # microseconds a quarter
DROP_FRAME = 29  # means 30000 / 1001 frames a second
PEDAL, SOUND_OFF, RESET, NOTES_OFF = 64, 120, 121, 123  # controllers
PEDAL_DOWN = 64  # from this value on


@dataclass(frozen=True, kw_only=True)
class Note:
    """A note as it sounds."""

    onset_seconds: float  # from the file's beginning
    seconds: float  # until the key, and the pedal, let go
    pitch: int  # MIDI number, 0 to 127
    velocity: int  # 1 to 127
    channel: int  # 1 to 16
    program: int  # of its channel when it began, 0 to 127


def read_midi(body: bytes) -> list[Note]:
    """Return the notes of a Standard MIDI file of format 0 or 1, in the order in which they begin.

    A note ends with its note-off (or a note-on of velocity 0) or, while the sustain pedal is down, with the pedal; with
    the file where nothing ends it. Of notes of one pitch that overlap, the first to begin is the first to end; a key
    that is struck again ends what only the pedal held.
    Raises: Unsupported for what is no MIDI file and for format 2, TooLarge for more than half a MiB, Invalid where the
    file is broken.
    """
    if body[: len(MAGIC)] != MAGIC:
        raise Unsupported("midi: this is no Standard MIDI file", field="midi")
    if len(body) > MOST_BYTES:
        raise TooLarge(f"midi: {len(body)} bytes; at most {MOST_BYTES} are taken", field="midi")
    file = _read(body)
    clock = _Clock(file.ticks_per_beat)
    hands = _Hands()
    for tick, message in _merged(file):
        clock.go_to(tick)
        if message.type == "set_tempo":
            clock.tempo = message.tempo
        else:
            hands.take(message, clock.seconds())
    return hands.notes(clock.seconds())


def _read(body: bytes) -> mido.MidiFile:
    if ENDLESS_NUMBER.search(body):
        raise Invalid("midi: the file is broken: a number in it has no end", field="midi")
    try:
        file = mido.MidiFile(file=io.BytesIO(body))
    except EOFError:
        raise Invalid("midi: the file ends too soon", field="midi") from None
    except Exception as error:  # mido raises whatever its readers of messages raise
        raise Invalid(f"midi: the file is broken: {str(error) or type(error).__name__}", field="midi") from None
    if file.type == 2:
        raise Unsupported("midi: the file has format 2, patterns without an order; send format 0 or 1", field="midi")
    if file.type not in (0, 1):
        raise Invalid(f"midi: the file is broken: there is no format {file.type}", field="midi")
    return file


def _merged(file: mido.MidiFile) -> Iterator[tuple[int, Any]]:
    """Return the messages of all tracks with their ticks, in order of time; of equal times, in the tracks' order."""
    events: list[tuple[int, Any]] = []
    for track in file.tracks:
        tick = 0
        for message in track:
            if message.time >= MOST_DELTA:
                raise Invalid("midi: the file is broken: a time in it is too long", field="midi")
            tick += message.time
            events.append((tick, message))
    return iter(sorted(events, key=lambda event: event[0]))


class _Clock:
    """Ticks to seconds, through changes of tempo; exact, as it counts in whole numbers."""

    def __init__(self, division: int) -> None:
        """division: of the file's header, 16 bits with a sign; below zero it counts frames (SMPTE).

        Raises: Invalid where it stands for no time.
        """
        self._by_tempo = division > 0
        self.tempo = DEFAULT_TEMPO  # microseconds a quarter; frames know none
        self._tick = self._units = 0
        if self._by_tempo:
            self._units_a_second = 1_000_000 * division
            return
        frames, ticks = -(division >> 8), division & 0xFF
        if not 0 < frames <= 100 or not ticks:
            raise Invalid("midi: the file is broken: its division stands for no time", field="midi")
        self._units_a_tick = 1001 if frames == DROP_FRAME else 1000
        self._units_a_second = 1000 * ticks * (30 if frames == DROP_FRAME else frames)

    def go_to(self, tick: int) -> None:
        """Let time pass; never backwards."""
        self._units += (tick - self._tick) * (self.tempo if self._by_tempo else self._units_a_tick)
        self._tick = tick

    def seconds(self) -> float:
        """Return the time since the beginning."""
        return self._units / self._units_a_second


@dataclass
class _Key:
    """A note whose end may not be known yet."""

    onset_seconds: float
    pitch: int
    velocity: int
    channel: int
    program: int
    end_seconds: float | None = None


class _Channel:
    """Keys that are down, by pitch, and keys that are up while the pedal holds their notes."""

    def __init__(self) -> None:
        self.down: defaultdict[int, deque[_Key]] = defaultdict(deque)
        self.held: defaultdict[int, list[_Key]] = defaultdict(list)
        self.pedal = False
        self.program = 0

    def press(self, key: _Key) -> None:
        """A key goes down; what the pedal held of it ends."""
        _end(self.held.pop(key.pitch, []), key.onset_seconds)
        self.down[key.pitch].append(key)

    def release(self, pitch: int, seconds: float) -> None:
        """A key goes up; of several, the one that went down first."""
        if not self.down[pitch]:
            return
        key = self.down[pitch].popleft()
        if self.pedal:
            self.held[pitch].append(key)
        else:
            key.end_seconds = seconds

    def control(self, number: int, value: int, seconds: float) -> None:
        """A controller moves."""
        if number in (NOTES_OFF, SOUND_OFF):
            for pitch, keys in self.down.items():
                for _ in range(len(keys)):
                    self.release(pitch, seconds)
            self.down.clear()
        if number in (PEDAL, RESET):
            self.pedal = number == PEDAL and value >= PEDAL_DOWN
        if number == SOUND_OFF or not self.pedal:
            for held in self.held.values():
                _end(held, seconds)
            self.held.clear()


def _end(keys: list[_Key], seconds: float) -> None:
    for key in keys:
        key.end_seconds = seconds


class _Hands:
    """What is played, from messages in order to notes."""

    def __init__(self) -> None:
        self._channels: defaultdict[int, _Channel] = defaultdict(_Channel)
        self._keys: list[_Key] = []

    def take(self, message: Any, seconds: float) -> None:
        """Play a message; most kinds say nothing about notes."""
        if message.type == "note_on" and message.velocity:
            self._press(message, seconds)
        elif message.type in ("note_on", "note_off"):
            self._channels[message.channel].release(message.note, seconds)
        elif message.type == "control_change":
            self._channels[message.channel].control(message.control, message.value, seconds)
        elif message.type == "program_change":
            self._channels[message.channel].program = message.program

    def notes(self, end_seconds: float) -> list[Note]:
        """Return every note; those that hang end with the file."""
        return [
            Note(
                onset_seconds=key.onset_seconds,
                seconds=(end_seconds if key.end_seconds is None else key.end_seconds) - key.onset_seconds,
                pitch=key.pitch,
                velocity=key.velocity,
                channel=key.channel,
                program=key.program,
            )
            for key in self._keys
        ]

    def _press(self, message: Any, seconds: float) -> None:
        channel = self._channels[message.channel]
        key = _Key(seconds, message.note, message.velocity, message.channel + 1, channel.program)
        channel.press(key)
        self._keys.append(key)
