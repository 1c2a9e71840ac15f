"""MIDI files to notes, from honest ones and from strangers."""

from __future__ import annotations

import contextlib
import json
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import MetaMessage

from service.errors import Failure, Invalid, TooLarge, Unsupported
from service.midi import MOST_BYTES, Note, read_midi
from tests.service.midi_files import GOLDEN, golden_tune, midi, off, on, pedal, program, raw, scale, tempo


def times(body: bytes) -> list[tuple[int, float, float]]:
    """Return pitch, onset and end of each note, at the default tempo in beats of half a second."""
    return [(note.pitch, note.onset_seconds, note.onset_seconds + note.seconds) for note in read_midi(body)]


def test_the_golden_tune_has_its_notes() -> None:
    expected = json.loads((GOLDEN / "tune.json").read_text())["notes"]
    assert (GOLDEN / "tune.mid").read_bytes() == golden_tune()
    assert [vars(note) for note in read_midi((GOLDEN / "tune.mid").read_bytes())] == [
        pytest.approx(n) for n in expected
    ]


def test_a_note_is_read_whole() -> None:
    (note,) = read_midi(midi([program(40, channel=3), on(60, 480, velocity=77, channel=3), off(60, 960, channel=3)]))
    assert note == Note(onset_seconds=0.5, seconds=1.0, pitch=60, velocity=77, channel=4, program=40)


def test_tempo_counts_from_where_it_changes_on_all_tracks() -> None:
    body = midi([tempo(1_000_000, 480), tempo(250_000, 480)], [on(60), off(60, 480), on(62, 480), off(62, 480)])
    assert times(body) == [(60, 0.0, 0.5), (62, 1.5, 1.75)]


@pytest.mark.parametrize(
    ("frames", "ticks", "second"), [(24, 4, 96), (25, 40, 1000), (29, 100, 30_000 / 10.01), (30, 80, 2400)]
)
def test_division_by_frames_knows_no_tempo(frames: int, ticks: int, second: float) -> None:
    body = midi([tempo(1), on(60, 300), off(60, 300)], division=-(frames << 8) + ticks)
    (note,) = read_midi(body)
    assert note.onset_seconds == pytest.approx(300 / second, rel=1e-12)
    assert note.seconds == pytest.approx(300 / second, rel=1e-12)


def test_running_status_and_a_velocity_of_zero() -> None:
    track = bytes([0, 0x90, 60, 100, 96, 64, 100, 96, 60, 0, 96, 64, 0]) + b"\x00\xff\x2f\x00"
    assert times(raw(track, division=96)) == [(60, 0.0, 1.0), (64, 0.5, 1.5)]


def test_notes_of_a_pitch_that_overlap_end_in_the_order_in_which_they_began() -> None:
    body = midi([on(60), on(60, 480), off(60, 480), off(60, 480)])
    assert times(body) == [(60, 0.0, 1.0), (60, 0.5, 1.5)]


def test_channels_have_keys_of_their_own() -> None:
    body = midi([on(60), off(60, 480)], [on(60, channel=1), off(60, 960, channel=1)])
    assert times(body) == [(60, 0.0, 0.5), (60, 0.0, 1.0)]


def test_the_pedal_holds_notes_until_it_is_up() -> None:
    body = midi([pedal(64), on(60), off(60, 480), on(64), pedal(63, 480), off(64, 480)])
    assert times(body) == [(60, 0.0, 1.0), (64, 0.5, 1.5)]


def test_a_key_struck_again_ends_what_the_pedal_held() -> None:
    body = midi([pedal(127), on(60), off(60, 240), on(60, 240), off(60, 240), pedal(0, 720)])
    assert times(body) == [(60, 0.0, 0.5), (60, 0.5, 1.5)]


@pytest.mark.parametrize(("control", "ends"), [(120, 0.5), (123, 1.0), (121, 1.5), (7, 1.5)])
def test_messages_to_a_whole_channel(control: int, ends: float) -> None:
    """All sound off ends all at once, all notes off lets the pedal hold; reset lifts the pedal only."""
    body = midi([pedal(127), on(60), pedal(0, 480, control=control), pedal(0, 480), off(60, 480)])
    assert times(body) == [(60, 0.0, ends)]


def test_a_program_counts_from_where_it_changes() -> None:
    body = midi([on(60), program(7, 100), on(62), off(60), off(62), program(9, channel=1), on(64), off(64)])
    assert [note.program for note in read_midi(body)] == [0, 7, 7]


def test_a_note_that_hangs_ends_with_the_file() -> None:
    assert times(midi([on(60), MetaMessage("end_of_track", time=1920)])) == [(60, 0.0, 2.0)]


def test_a_stray_end_is_no_note() -> None:
    assert read_midi(midi([off(60), pedal(0), on(61, 10, velocity=0)])) == []


LONG = b"\x00\xff\x01\x83\xff\x7f"


@pytest.mark.parametrize(
    ("body", "failure", "words"),
    [
        (b"", Unsupported, "no Standard MIDI file"),
        (b"RIFF and so on", Unsupported, "no Standard MIDI file"),
        (midi([on(60)], [off(60)], form=2), Unsupported, "format 2"),
        (raw(b"", form=7), Invalid, "no format 7"),
        (b"MThd" + bytes(MOST_BYTES), TooLarge, f"at most {MOST_BYTES}"),
        (b"MThd", Invalid, "ends too soon"),
        (scale(60)[:-6], Invalid, "ends too soon"),
        (raw(b"\x00\x90\x3c"), Invalid, "ends too soon"),
        (raw(b"\x00\x3c\x40"), Invalid, "running status"),
        (raw(b"\x00\x90\x3c\xf4"), Invalid, "data byte"),
        (raw(b"\x00\xff\x51\x01\x07"), Invalid, "broken"),
        (raw(b"\x00\xff\x59\x02\x63\x00"), Invalid, "broken"),
        (raw(LONG), Invalid, "ends too soon"),
        (raw(b"\x00\xf0\xff\xff\xff\x7f"), Invalid, "exceeds maximum length"),
        (raw(b"\xff" * 5000), Invalid, "no end"),
        (raw(b"\x90\x80\x80\x80\x00\x90\x3c\x40"), Invalid, "a time in it is too long"),
        (raw(b"\x00\x90\x3c\x40", division=0), Invalid, "division"),
        (raw(b"\x00\x90\x3c\x40", division=-(24 << 8)), Invalid, "division"),
        (scale(60).replace(b"MTrk", b"XXXX"), Invalid, "MTrk"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_tune_is_refused_in_words(body: bytes, failure: type[Failure], words: str) -> None:
    with pytest.raises(failure, match=words) as refused:
        read_midi(body)
    assert refused.value.field == "midi"


ANY = st.binary(max_size=200)
GOOD = [b"\x90\x3c\x40", b"\x3c\x00", b"\xb0\x40\x7f"]
ODD = [b"\xff\x51\x03\xff\xff\xff", b"\xff\x51\x00", b"\xff\x58\x04abcd"]
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.binary(min_size=1, max_size=3), ANY),
        st.tuples(st.sampled_from([b"\x00", b"\x81\x00"]), st.sampled_from(GOOD)),
        st.tuples(st.just(b"\x00"), st.sampled_from(ODD)),
    ),
    max_size=20,
)


@settings(deadline=None, max_examples=200)
@given(
    body=st.one_of(
        ANY,
        ANY.map(lambda rest: b"MThd" + rest),
        st.builds(
            lambda events, form, division: raw(b"".join(map(b"".join, events)), form=form, division=division),
            EVENTS, st.integers(-2, 3), st.integers(-(2**15), 2**15 - 1),
        ),
        st.builds(
            lambda body, place, byte: body[:place] + bytes([byte]) + body[place + 1 :],
            st.just(golden_tune()), st.integers(0, 300), st.integers(0, 255),
        ),
    )
)  # fmt: skip
def test_no_bytes_raise_anything_but_a_failure(body: bytes) -> None:
    with contextlib.suppress(Failure):
        for note in read_midi(body):
            assert note.seconds >= 0
            assert 0 <= note.onset_seconds < 2**60
            assert 1 <= note.velocity <= 127
            assert 1 <= note.channel <= 16


HOSTILE = pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"\x00\x90\x3c\x40", b"\x00\x3c\x40"),
        (b"\x00\xb0\x40\x7f", b"\x00\x40\x00\x00\x40\x7f"),
        (b"\x00\xc0\x00", b"\x00\x00"),
        (b"", b"\x81" * 4000 + b"\x00\x90\x3c\x40"),
    ],
    ids=["notes", "pedals", "programs", "numbers"],
)


@pytest.mark.parametrize(
    ("start", "again"),
    [(b"\x00\x90\x3c\x40", b"\x00\x3c\x40"), (b"", b"\x81" * 4000 + b"\x00\x90\x3c\x40")],
    ids=["notes", "numbers"],
)
def test_the_largest_files_take_seconds(start: bytes, again: bytes) -> None:
    """The limit is wide, for slow machines."""
    body = raw(start + again * ((MOST_BYTES - 100) // len(again)))
    began = time.process_time()
    with contextlib.suppress(Failure):
        read_midi(body)
    assert time.process_time() - began < 20


@HOSTILE
def test_a_file_takes_memory_by_its_size(start: bytes, again: bytes) -> None:
    body = raw(start + again * (40_000 // len(again)))
    tracemalloc.start()
    with contextlib.suppress(Failure):
        read_midi(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 600 * len(body)
