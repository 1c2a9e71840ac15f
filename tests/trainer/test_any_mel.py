"""The decoder of any mel, which the service carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from trainer.export.any_mel import save
from trainer.representations.log_mel import LogMel
from trainer.representations.magnitude_mel import MagnitudeMel
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec, MagnitudeMelSpec
from trainer.stft import hann

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "service" / "griffin-lim"
AUDIO = AudioSpec(sample_rate_hz=8_000, clip_samples=4_096)
LOG_MEL = LogMel(LogMelSpec(n_fft=512, hop_samples=128, n_mels=40, db_max=20.0), AUDIO)
MAGNITUDE_MEL = MagnitudeMel(MagnitudeMelSpec(n_fft=512, hop_samples=128, n_mels=40, griffin_lim_iterations=8), AUDIO)
NOISE = 0.1 * np.random.default_rng(0).standard_normal((3, 4_096)).astype("float32")


@pytest.fixture(scope="module")
def decode() -> Any:
    """Return the signature of the one that is committed."""
    loaded = tf.saved_model.load(str(COMMITTED))
    signature = loaded.signatures["decode_any"]
    signature.kept = loaded
    return signature


def inputs(mel: np.ndarray, filters: np.ndarray, **changes: Any) -> dict[str, tf.Tensor]:
    given: dict[str, Any] = {
        "features": np.float32(mel), "filters": filters, "window": hann(512), "power": np.float32(2.0),
        "hop": np.int32(128), "iterations": np.int32(8),
    } | changes  # fmt: skip
    return {name: tf.constant(value) for name, value in given.items()}


def power_of(features: np.ndarray) -> np.ndarray:
    return np.asarray(LOG_MEL.power(features))


@pytest.mark.parametrize("hop", [128, 100])
def test_the_committed_one_is_what_the_code_makes(decode: Any, tmp_path: Path, hop: int) -> None:
    save(tmp_path / "fresh")
    fresh = tf.saved_model.load(str(tmp_path / "fresh"))
    given = inputs(power_of(np.asarray(LOG_MEL.encode(NOISE))), LOG_MEL.filters, hop=np.int32(hop))
    made = fresh.signatures["decode_any"](**given)["waveform"].numpy()
    assert made.shape == (3, 32 * hop)
    np.testing.assert_array_equal(decode(**given)["waveform"].numpy(), made)
    names = {path.relative_to(tmp_path / "fresh") for path in (tmp_path / "fresh").rglob("*")}
    assert names == {path.relative_to(COMMITTED) for path in COMMITTED.rglob("*")}


def test_it_decodes_as_log_mel_does(decode: Any) -> None:
    features = np.asarray(LOG_MEL.encode(NOISE))
    made = decode(**inputs(power_of(features), LOG_MEL.filters))["waveform"].numpy()
    np.testing.assert_allclose(made, np.asarray(LOG_MEL.decode(features)), atol=2e-3)


def test_it_decodes_magnitudes_as_magnitude_mel_does(decode: Any) -> None:
    features = np.asarray(MAGNITUDE_MEL.encode(NOISE))
    mel = np.maximum(10.0**features - 1.001 * MAGNITUDE_MEL.spec.floor, 0.0)
    made = decode(**inputs(mel, MAGNITUDE_MEL.filters, power=np.float32(1.0)))["waveform"].numpy()
    np.testing.assert_allclose(made, np.asarray(MAGNITUDE_MEL.decode(features)), atol=2e-3)


def test_an_item_does_not_depend_on_its_batch(decode: Any) -> None:
    mel = power_of(np.asarray(LOG_MEL.encode(NOISE)))
    together = decode(**inputs(mel, LOG_MEL.filters))["waveform"].numpy()
    for item in range(3):
        alone = decode(**inputs(mel[item : item + 1], LOG_MEL.filters))["waveform"].numpy()
        np.testing.assert_array_equal(alone[0], together[item])


def test_silence_and_bands_without_a_bin_give_silence(decode: Any) -> None:
    filters = LOG_MEL.filters.copy()
    filters[3] = 0.0
    mel = np.zeros((1, 8, 40), "float32")
    np.testing.assert_array_equal(decode(**inputs(mel, filters))["waveform"].numpy(), 0.0)
    mel[..., 3] = 100.0
    np.testing.assert_array_equal(decode(**inputs(mel, filters))["waveform"].numpy(), 0.0)
