"""The built-in notes are what their names claim."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.corpus import find_source
from trainer.corpus.notes import Note
from trainer.corpus.synthesis import FAMILIES, HIGHEST_HZ
from trainer.errors import SpecError


def cents(note: Note) -> float:
    """How far the strongest of the first three harmonics is from where the claimed pitch puts it."""
    samples, rate_hz = note.read()
    size = 2**17  # zero padded, so that a peak is found between the bins of the window
    spectrum = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples)), size))
    best, found = 0.0, 0.0
    for harmonic in (1, 2, 3):
        middle = note.frequency_hz * harmonic * size / rate_hz
        low, high = int(middle * 0.97), int(np.ceil(middle * 1.03)) + 1
        peak = low + int(np.argmax(spectrum[low:high]))
        if spectrum[peak] > best:
            left, top, right = np.log(spectrum[peak - 1 : peak + 2])
            exact = peak + 0.5 * (left - right) / (left - 2 * top + right)
            best, found = spectrum[peak], exact * rate_hz / size / harmonic
    return float(1200 * np.log2(found / note.frequency_hz))


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("variant", range(4))
def test_a_note_has_the_pitch_it_claims(family: str, variant: int) -> None:
    for pitch in range(36, 85, 6):
        note = Note(family, pitch, 96, variant, 1.0, 0)
        assert abs(cents(note)) < 4, pitch
        assert repeats_every_period(note), pitch


def repeats_every_period(note: Note) -> bool:
    """Whether the period is the claimed one and not half of it: an octave is no small error."""
    samples, rate_hz = note.read()
    power = np.abs(np.fft.rfft(samples[: rate_hz // 2, 0], rate_hz)) ** 2
    whole, half = _likeness(power, note, 1.0), _likeness(power, note, 0.5)
    return whole > 0.8 and half < whole - 0.02


def _likeness(power: np.ndarray, note: Note, periods: float) -> float:
    """Autocorrelation at so many periods, from a power spectrum with bins of 1 Hz."""
    return float((power * np.cos(2 * np.pi * np.arange(len(power)) * periods / note.frequency_hz)).sum() / power.sum())


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_note_is_finite_and_as_loud_as_its_velocity(family: str) -> None:
    for pitch in (36, 60, 84):
        loud, _ = Note(family, pitch, 127, 0, 1.0, 0).read()
        soft, _ = Note(family, pitch, 32, 0, 1.0, 0).read()
        assert np.isfinite(loud).all()
        assert np.abs(loud).max() == pytest.approx(0.9, rel=1e-4)
        assert np.abs(soft).max() == pytest.approx(0.9 * 32 / 127, rel=1e-4)
        assert loud[-1] == 0


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_high_notes_do_not_fold_back(family: str) -> None:
    samples, rate_hz = Note(family, 84, 127, 0, 1.0, 0).read()
    power = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples)))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    assert power[hertz > HIGHEST_HZ + 600].sum() < 1e-3 * power.sum()


def test_the_same_seed_gives_the_same_notes_and_another_gives_others() -> None:
    first, again, other = (find_source("notes", {"count": "30", "seed": seed}) for seed in ("1", "1", "2"))
    assert first == again
    assert {r.sound.digest() for r in first.recordings}.isdisjoint(r.sound.digest() for r in other.recordings)
    np.testing.assert_array_equal(first.recordings[4].sound.read()[0], again.recordings[4].sound.read()[0])


def test_variants_and_velocities_sound_different() -> None:
    note = Note("fm", 60, 64, 0, 1.0, 0).read()[0]
    brighter = Note("fm", 60, 127, 0, 1.0, 0).read()[0]
    other = Note("fm", 60, 64, 1, 1.0, 0).read()[0]
    assert np.abs(note / 64 - brighter / 127).max() > 1e-4
    assert np.abs(note - other).max() > 0.01


def test_every_family_plays_the_same_combinations() -> None:
    source = find_source("notes", {"count": 36})
    assert source.licence == "CC0 1.0"
    assert source.label_names == ("additive", "fm", "pluck")
    assert len({recording.name for recording in source.recordings}) == 36
    for group in {recording.group for recording in source.recordings}:
        families = [recording.label for recording in source.recordings if recording.group == group]
        assert sorted(families) == ["additive", "fm", "pluck"]
    pitches = [recording.pitch for recording in source.recordings]
    assert 36 <= min(pitches) <= max(pitches) <= 84


def test_many_notes_are_all_different() -> None:
    source = find_source("notes", {"count": 3000})
    assert len({recording.sound.digest() for recording in source.recordings}) == 3000


@pytest.mark.parametrize("options", [{"count": 5}, {"seconds": 0.01}, {"seconds": 61.0}, {"seed": -1}])
def test_notes_out_of_bounds_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(SpecError, match=next(iter(options))):
        find_source("notes", options)
