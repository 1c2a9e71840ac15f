"""What the values of a mel mean, by its definition."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest

from service.definition import MelDefinition, strangers
from service.errors import Invalid
from service.requests import DecodeRequest, parse_request

BANDS = 40
SOUND = 0.3 * np.random.default_rng(0).standard_normal(8_000).astype(np.float32)
POWER = librosa.feature.melspectrogram(y=SOUND, sr=8_000, n_fft=512, n_mels=BANDS).T[None]
MAGNITUDE = librosa.feature.melspectrogram(y=SOUND, sr=8_000, n_fft=512, n_mels=BANDS, power=1.0).T[None]


def defined(**fields: Any) -> MelDefinition:
    return MelDefinition(sample_rate_hz=8_000, n_fft=512, **fields).of_bands(BANDS)


@pytest.mark.parametrize(
    ("fields", "values", "mel"),
    [
        ({}, librosa.power_to_db(POWER), POWER),
        ({"power": 1}, librosa.amplitude_to_db(MAGNITUDE), MAGNITUDE),
        ({"log": "log10", "power": 1}, np.log10(MAGNITUDE), MAGNITUDE),
        ({"log": "ln"}, np.log(POWER), POWER),
        ({"log": "linear"}, POWER, POWER),
    ],
)
def test_logarithms_are_undone(fields: dict[str, Any], values: np.ndarray, mel: np.ndarray) -> None:
    definition = defined(**fields)
    np.testing.assert_allclose(definition.linear(values.astype(np.float32)), mel, rtol=1e-4)
    assert definition.doubts(values.astype(np.float32)) == []


def test_a_scale_is_undone_and_its_lower_end_is_silence() -> None:
    definition = defined(scale_from=(-1, 1), scale_to=(-80, 20))
    mel = definition.linear(np.array([[[-1.0] * BANDS, [0.0] * BANDS, [1.0] * BANDS]], np.float32))
    np.testing.assert_allclose(mel[0, :, 0], [0.0, 10.0**-3, 10.0**2], rtol=1e-4)


def test_a_scale_may_go_down() -> None:
    definition = defined(scale_from=(255, 0), scale_to=(-80, 20))
    mel = definition.linear(np.array([[[255.0] * BANDS, [0.0] * BANDS]], np.float32))
    np.testing.assert_allclose(mel[0, :, 0], [0.0, 100.0], rtol=1e-4)


def test_no_sound_within_one_is_louder_than_the_loudest() -> None:
    for definition, mel in ((defined(), POWER), (defined(power=1), MAGNITUDE)):
        assert mel.max() / np.abs(SOUND).max() ** definition.power < definition.loudest
    steady = np.ones(8_000, np.float32)  # all in one bin, the worst that there is at 0 Hz
    mel = librosa.feature.melspectrogram(y=steady, sr=8_000, n_fft=512, n_mels=BANDS)
    assert mel.max() < defined().loudest


@pytest.mark.parametrize(
    ("fields", "values", "words"),
    [
        ({}, 1000.0, "values up to 1000 in db can't be mel"),
        ({"log": "ln"}, 60.0, "values up to 60 in ln can't be mel"),
        ({"log": "log10"}, 3e38, "can't be mel"),
        ({"log": "linear"}, 3e38, "can't be mel"),
        ({"log": "linear"}, -1.0, "-1 is below 0"),
    ],
)
def test_values_that_no_sound_has_are_refused(fields: dict[str, Any], values: float, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        defined(**fields).linear(np.full((1, 2, BANDS), values, np.float32))
    assert refused.value.field == "features"


def test_what_can_be_decoded_all_the_same_is_doubted() -> None:
    loud = np.full((1, 2, BANDS), 80.0, np.float32)
    assert "louder than any sound" in defined().doubts(loud)[0]
    scaled = defined(scale_from=(-1, 1), scale_to=(-80, 0))
    assert "scale_from is -1 to 1" in scaled.doubts(np.full((1, 2, BANDS), -3.0, np.float32))[0]
    narrow = MelDefinition(sample_rate_hz=8_000, n_fft=64).of_bands(BANDS)
    assert "mel bands hold no FFT bin" in narrow.doubts(np.zeros((1, 2, BANDS), np.float32))[0]


def test_strangers_leave_a_thousandth_of_the_range() -> None:
    assert strangers(np.array([-1.001, 1.001], np.float32), -1.0, 1.0) == ""
    assert strangers(np.array([-1.0, 1.1], np.float32), -1.0, 1.0) == "values from -1 to 1.1"


def test_bands_are_those_that_came_unless_the_definition_says_others() -> None:
    assert MelDefinition().of_bands(80).n_mels == 80
    with pytest.raises(Invalid, match="80 bands came, the definition has n_mels=128"):
        MelDefinition(n_mels=128).of_bands(80)
    with pytest.raises(Invalid, match="at most 512"):
        MelDefinition().of_bands(513)
    with pytest.raises(Invalid, match="no mel band holds an FFT bin"):
        MelDefinition(n_fft=64, fmin_hz=10, fmax_hz=20).of_bands(4)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"n_fft": 100_000}, "definition.n_fft: 100000 is not within 64 to 8192"),
        ({"n_fft": 513}, "n_fft: 513 is odd"),
        ({"sample_rate_hz": 999}, "definition.sample_rate_hz: 999 is not within 1000 to 192000"),
        ({"window_samples": 4096}, "window_samples: 4096 is more than n_fft=2048"),
        ({"hop_samples": 0}, "definition.hop_samples: 0 is not within 1 to 8192"),
        ({"hop_samples": 1025}, "hop_samples: 1025 is more than half of window_samples=2048"),
        ({"n_mels": 0}, "definition.n_mels: 0 is not within 1 to 512"),
        ({"fmin_hz": -1}, "definition.fmin_hz: -1.0 is not within 0 to 96000"),
        ({"fmin_hz": float("nan")}, "definition.fmin_hz: nan is not within"),
        ({"fmax_hz": 12_000}, "fmax_hz: 12000 is more than half of sample_rate_hz=22050"),
        ({"fmin_hz": 4_000, "fmax_hz": 4_000}, "fmin_hz: 4000 is not below fmax_hz=4000"),
        ({"power": 3}, "definition.power: 3 is not within 1 to 2"),
        ({"mel_scale": "bark"}, "definition.mel_scale: .*'slaney' or 'htk', not 'bark'"),
        ({"mel_norm": "l2"}, "definition.mel_norm: .*'slaney' or 'none', not 'l2'"),
        ({"log": "log2"}, "definition.log: .*'db', 'log10', 'ln' or 'linear', not 'log2'"),
        ({"scale_from": "-1,1"}, "give both or neither"),
        ({"scale_from": [-1, 1], "scale_to": [0, 0]}, "scale_to: 0,0 are the same number twice"),
        ({"scale_from": [-1, 1], "scale_to": [0, float("inf")]}, "scale_to.1: inf is not within"),
        ({"scale_from": [1], "scale_to": [0, 1]}, "definition.scale_from"),
        ({"hop": 256}, "definition.hop: no such field; known: sample_rate_hz, n_fft"),
    ],
)
def test_a_bad_definition_is_refused_by_field_value_and_bound(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        parse_request(DecodeRequest, {"features": [[0.0]], "definition": fields})
    assert str(refused.value.field).startswith("definition")
