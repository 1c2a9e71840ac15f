"""Who plays which note."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.casting import Cast, Folded, OutOfRange, Seeds, Skipped, cast, place
from service.midi import Note

PITCHES = [float(pitch) for pitch in range(48, 73) if pitch not in (50, 61)]
KNOWN = st.sets(st.integers(0, 127), min_size=1).map(sorted)


def note(pitch: int, channel: int = 1, program: int = 0) -> Note:
    return Note(onset_seconds=0.0, seconds=1.0, pitch=pitch, velocity=100, channel=channel, program=program)


def played(pitches: list[int], out_of_range: OutOfRange = "fold") -> Cast:
    return cast([note(pitch) for pitch in pitches], PITCHES, Seeds(seed=3), out_of_range=out_of_range, percussion=False)


def test_a_note_goes_to_the_label_of_its_pitch() -> None:
    assert [PITCHES[part.label] for part in played([60, 48, 72]).parts] == [60, 48, 72]


def test_notes_outside_the_range_fold_to_the_nearest_octave_and_are_named() -> None:
    done = played([36, 36, 47, 73, 127])
    assert [PITCHES[part.label] for part in done.parts] == [48, 48, 59, 49, 67]
    assert done.folded == (Folded(36, 48, 2), Folded(47, 59, 1), Folded(73, 49, 1), Folded(127, 67, 1))
    assert done.skipped == ()


def test_notes_outside_the_range_are_skipped_where_that_is_wanted_and_named() -> None:
    done = played([36, 60, 73, 73, 50], "skip")
    assert [PITCHES[part.label] for part in done.parts] == [60, 62]
    assert done.skipped == (Skipped(36, False, 1), Skipped(73, False, 2))
    assert done.folded == (Folded(50, 62, 1),)


def test_a_pitch_that_no_octave_has_is_skipped() -> None:
    done = cast([note(61)], [60.0, 62.0], Seeds(seed=0), out_of_range="fold", percussion=False)
    assert done.parts == []
    assert done.skipped == (Skipped(61, False, 1),)


@given(pitch=st.integers(0, 127), pitches=KNOWN)
def test_folding_keeps_the_pitch_class_and_takes_the_nearest(pitch: int, pitches: list[int]) -> None:
    label = place(pitch, pitches, "fold")
    octaves = [known for known in pitches if (known - pitch) % 12 == 0]
    if label is None:
        assert not octaves
    else:
        assert pitches[label] in octaves
        assert abs(pitches[label] - pitch) == min(abs(known - pitch) for known in octaves)
    if pitch in pitches:
        assert label == place(pitch, pitches, "skip") == pitches.index(pitch)


def test_drums_are_skipped_and_named_unless_they_are_wanted() -> None:
    notes = [note(60, channel=10), note(60), note(36, channel=10)]
    done = cast(notes, PITCHES, Seeds(seed=0), out_of_range="fold", percussion=False)
    assert len(done.parts) == 1
    assert done.skipped == (Skipped(36, True, 1), Skipped(60, True, 1))
    assert done.facts()["skipped"][0] == {"pitch": 36, "percussion": True, "count": 1}
    assert len(cast(notes, PITCHES, Seeds(seed=0), out_of_range="fold", percussion=True).parts) == 3


def test_equal_programs_sound_equal_and_a_change_of_program_is_a_change_of_sound() -> None:
    seeds = Seeds(seed=2**64 - 1)
    assert seeds.of(note(60, channel=1, program=7)) == seeds.of(note(70, channel=2, program=7)) == 6
    assert len({seeds.of(note(60, program=program)) for program in range(128)}) == 128


@pytest.mark.parametrize(("channel", "program", "seed"), [(1, 0, 100), (1, 7, 100), (2, 7, 50), (2, 8, 11)])
def test_a_channel_s_seed_goes_before_its_program_s(channel: int, program: int, seed: int) -> None:
    seeds = Seeds(seed=3, programs={7: 50}, channels={1: 100})
    assert seeds.of(note(60, channel, program)) == seed
