"""Measures of reconstruction: closed forms, order under noise, and a reason where there is no number."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.sound_errors import NAMES, sound_errors
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.reconstruction import MEASURES
from trainer.evaluation.reconstruction.ends import end_click, silence_noise
from trainer.evaluation.reconstruction.spectral import (
    log_spectral_distance,
    mel_error,
    multi_resolution_stft,
    spectral_convergence,
)

RATE_HZ = 16_000
SPECTRAL = (spectral_convergence, log_spectral_distance, mel_error, multi_resolution_stft)
SILENCE = np.zeros(RATE_HZ, "float32")
needs_pesq = pytest.mark.skipif(
    importlib.util.find_spec("pesq") is None,
    reason="PESQ IS NOT TESTED: pesq is optional, for it has no wheels; .venv/bin/pip install pesq",
)


def noise(samples: int = RATE_HZ, seed: int = 0) -> np.ndarray:
    """White noise, RMS 0.1: no bin of it is near a floor."""
    return np.random.default_rng(seed).normal(0.0, 0.1, samples).astype("float32")


def speech(seconds: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Harmonics of 150 Hz in four syllables a second, which PESQ and STOI take for speech."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    voice = sum(np.sin(2 * np.pi * 150 * harmonic * time) / harmonic for harmonic in range(1, 20))
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * time)
    return (0.2 * voice * syllables + 0.01 * noise(len(time))).astype("float32")


def decay(rate_hz: int = RATE_HZ) -> np.ndarray:
    """One second of a note that has faded by its end."""
    time = np.arange(rate_hz) / rate_hz
    return (0.5 * np.exp(-6 * time) * np.sin(2 * np.pi * 220 * time)).astype("float32")


@pytest.mark.parametrize("name", [name for name in MEASURES if name not in ("pesq", "stoi")])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_identical_sounds_are_as_near_as_can_be(name: str, rate_hz: int) -> None:
    best = 1.0 if name == "end_click" else 0.0
    assert MEASURES[name].of(speech(1.0, rate_hz), speech(1.0, rate_hz), rate_hz) == best


@pytest.mark.parametrize("measure", SPECTRAL)
def test_more_noise_is_a_larger_error(measure: Callable[..., float]) -> None:
    wanted, disturbance = speech(1.0), noise(seed=1)
    errors = [measure(wanted, wanted + share * disturbance, RATE_HZ) for share in (0.0, 0.01, 0.1, 1.0)]
    assert errors[0] == 0.0
    assert errors == sorted(set(errors))


@pytest.mark.parametrize("measure", [spectral_convergence, mel_error])
def test_silence_for_a_sound_is_an_error_of_one(measure: Callable[..., float]) -> None:
    assert measure(noise(), SILENCE, RATE_HZ) == pytest.approx(1.0)


@given(decibels=st.floats(-40.0, 20.0))
@settings(max_examples=10, deadline=None)
def test_a_change_of_level_has_closed_forms(decibels: float) -> None:
    wanted, gain = noise(), 10.0 ** (decibels / 20.0)
    got = (gain * wanted).astype("float32")
    near = {"rel": 1e-3, "abs": 1e-4}
    assert log_spectral_distance(wanted, got, RATE_HZ) == pytest.approx(abs(decibels), **near)
    assert spectral_convergence(wanted, got, RATE_HZ) == pytest.approx(abs(1 - gain), **near)
    assert mel_error(wanted, got, RATE_HZ) == pytest.approx(abs(1 - gain), **near)
    both = abs(1 - gain) + abs(np.log(gain))
    assert multi_resolution_stft(wanted, got, RATE_HZ) == pytest.approx(both, **near)


def test_the_multi_resolution_loss_equals_its_definition() -> None:
    wanted, got = noise(4_000), noise(4_000, seed=1)
    expected = 0.0
    for fft, hop, window in ((512, 50, 240), (1024, 120, 600), (2048, 240, 1200)):
        before = (fft - window) // 2
        hann = np.pad(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window), (before, fft - window - before))
        powers = []
        for sound in (wanted, got):
            padded = np.pad(sound.astype("float64"), fft // 2, mode="reflect")
            frames = np.lib.stride_tricks.sliding_window_view(padded, fft)[::hop]
            powers.append(np.maximum(np.abs(np.fft.rfft(frames * hann)) ** 2, 1e-7))
        first, second = (np.sqrt(power) for power in powers)
        expected += np.linalg.norm(first - second) / np.linalg.norm(first) + np.abs(np.log(first / second)).mean()
    assert multi_resolution_stft(wanted, got, RATE_HZ) == pytest.approx(expected / 3, rel=1e-5)


@pytest.mark.parametrize("samples", [64, 100, 513, 1_000])
def test_a_short_clip_is_measured_on_shorter_frames(samples: int) -> None:
    for measure in SPECTRAL:
        assert measure(noise(samples), noise(samples), RATE_HZ) == 0.0
        assert measure(noise(samples), noise(samples, seed=1), RATE_HZ) > 0.1


def test_the_bench_gives_the_three_errors_by_name() -> None:
    wanted, got = speech(0.3), speech(0.3) + noise(4_800)
    each = [measure(wanted, got, RATE_HZ) for measure in SPECTRAL[:3]]
    assert NAMES == ("spectral convergence", "log-spectral distance, dB", "mel error")
    assert sound_errors(wanted, got, RATE_HZ).tolist() == each


@needs_pesq
@pytest.mark.parametrize(("rate_hz", "best"), [(8_000, 4.549), (16_000, 4.644)])
def test_pesq_of_identical_speech_is_the_best_of_its_scale(rate_hz: int, best: float) -> None:
    measure = MEASURES["pesq"]
    wanted = speech(1.0, rate_hz)
    scores = [measure.of(wanted, wanted + share * noise(rate_hz), rate_hz) for share in (0.0, 0.1, 1.0)]
    assert scores[0] == pytest.approx(best, abs=1e-3)
    assert scores == sorted(set(scores), reverse=True)


@needs_pesq
@pytest.mark.parametrize(
    ("wanted", "got", "says"),
    [
        (speech(0.2), speech(0.2), "0.25 s at least"),
        (SILENCE, speech(1.0), "silent"),
        (speech(1.0), SILENCE, "silent"),
        (SILENCE, SILENCE, "silent"),
        (np.append(SILENCE, noise(1_600)), speech(1.1), "no utterance of 0.2 s"),
        (speech(1.0), np.full(RATE_HZ, 1e-30, "float32"), "no number"),
        (np.tile(np.append(speech(0.5), SILENCE[:8_000]), 21), np.zeros(21 * RATE_HZ, "float32"), "up to 20 s"),
    ],
)
def test_pesq_says_why_it_gives_no_number(wanted: np.ndarray, got: np.ndarray, says: str) -> None:
    with pytest.raises(Unmeasurable, match=says):
        MEASURES["pesq"].of(wanted, got, RATE_HZ)


@needs_pesq
def test_pesq_survives_as_many_utterances_as_its_longest_clip_can_hold() -> None:
    burst = np.append(noise(1_760), np.zeros(1_760, "float32"))  # 0.22 s each; over 30 s such sounds end the process
    wanted = np.resize(burst, 20 * 8_000)
    assert 1.0 < MEASURES["pesq"].of(wanted, wanted + 0.01 * noise(len(wanted)), 8_000) < 4.6


@pytest.mark.parametrize("rate_hz", [11_025, 22_050, 48_000])
def test_pesq_names_the_rates_it_is_defined_at(rate_hz: int) -> None:
    with pytest.raises(Unmeasurable, match=f"8000 and 16000 Hz, not at {rate_hz}"):
        MEASURES["pesq"].of(speech(1.0), speech(1.0), rate_hz)


@pytest.mark.parametrize("rate_hz", [8_000, 10_000, 16_000, 22_050, 44_100])
def test_stoi_of_identical_speech_is_one_and_falls_with_noise(rate_hz: int) -> None:
    wanted = speech(1.0, rate_hz)
    scores = [MEASURES["stoi"].of(wanted, wanted + share * noise(rate_hz), rate_hz) for share in (0.0, 0.3, 3.0)]
    assert scores[0] == pytest.approx(1.0)
    assert scores == sorted(set(scores), reverse=True)
    assert MEASURES["stoi"].of(wanted, np.zeros_like(wanted), rate_hz) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (SILENCE, "silence"),
        (speech(0.3), "0.4 s"),
        (speech(0.001), "0.4 s"),
        (np.append(speech(0.3), SILENCE), "0.4 s"),
    ],
)
def test_stoi_says_why_it_gives_no_number(wanted: np.ndarray, says: str) -> None:
    with pytest.raises(Unmeasurable, match=says):
        MEASURES["stoi"].of(wanted, wanted + noise(len(wanted)), RATE_HZ)


@pytest.mark.parametrize(("name", "needs"), [("pesq", r" pesq \(needs a C compiler\)"), ("pystoi", " pystoi")])
def test_a_missing_package_is_a_reason_that_says_how_to_install_it(
    name: str, needs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Unmeasurable, match=rf"^{name} is not there; install it: \.venv/bin/pip install{needs}$"):
        MEASURES[name.removeprefix("py")].of(speech(1.0), speech(1.0), RATE_HZ)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_a_click_at_the_end_is_noticed_at_any_level(rate_hz: int, gain: float) -> None:
    wanted = decay(rate_hz)
    clicking = wanted.copy()
    clicking[-5] += 0.4
    assert end_click(wanted, gain * clicking, rate_hz) > 200  # past the loudest step elsewhere, too
    elsewhere = wanted.copy()
    elsewhere[-rate_hz // 2] += 0.4
    assert end_click(wanted, gain * elsewhere, rate_hz) == 1.0


def test_a_click_that_belongs_there_and_a_faint_rest_are_no_faults() -> None:
    clicking = decay()
    clicking[-5] += 0.1
    assert end_click(clicking, clicking, RATE_HZ) == 1.0
    assert end_click(clicking, decay(), RATE_HZ) == 1.0
    faded = decay()
    faded[8_000:] = 0.0
    assert end_click(faded, faded + 1e-4 * noise(), RATE_HZ) == 1.0


@pytest.mark.parametrize("sound", [noise(159), SILENCE])
def test_a_sound_with_nothing_before_its_end_has_no_click(sound: np.ndarray) -> None:
    with pytest.raises(Unmeasurable, match=r"under 10 ms|silent before its end"):
        end_click(sound, sound, RATE_HZ)


def test_noise_in_silence_is_a_level_from_full_scale_down_to_a_floor() -> None:
    assert silence_noise(SILENCE) == -120.0
    assert silence_noise(np.zeros(0, "float32")) == -120.0
    assert silence_noise(np.float32([0.0, -1e-7])) == -120.0
    assert silence_noise(np.float32([0.01, -0.1])) == pytest.approx(-20.0)
    assert silence_noise(np.float32([1.0])) == 0.0


@pytest.mark.parametrize("measure", [spectral_convergence, mel_error])
def test_a_silent_sound_has_no_relative_error(measure: Callable[..., float]) -> None:
    with pytest.raises(Unmeasurable, match="silent"):
        measure(SILENCE, noise(), RATE_HZ)


@pytest.mark.parametrize(
    ("wanted", "got", "says"),
    [
        (noise(), noise(100), "one length"),
        (noise()[None], noise()[None], "one length"),
        (noise(0), noise(0), "empty"),
        (noise(), noise() * np.float32("nan"), "NaN"),
        (noise() + np.float32("inf"), noise(), "infinity"),
    ],
)
def test_every_measure_refuses_what_are_not_two_sounds(wanted: np.ndarray, got: np.ndarray, says: str) -> None:
    for measure in MEASURES.values():
        with pytest.raises(Unmeasurable, match=says):
            measure.of(wanted, got, RATE_HZ)


def test_a_clip_too_short_for_three_resolutions_is_refused() -> None:
    with pytest.raises(Unmeasurable, match="63 samples"):
        multi_resolution_stft(noise(63), noise(63), RATE_HZ)
