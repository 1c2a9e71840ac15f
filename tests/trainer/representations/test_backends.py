"""One source, two backends: TensorFlow and JAX give the same features and the same sounds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.representations.coded import AUDIO, SPECS, coded
from tests.trainer.sounds import RATE_HZ, notes
from trainer.autodiff import BACKEND

ROOT = Path(__file__).parents[3]
OTHER = {"tensorflow": "jax", "jax": "tensorflow"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, np.ndarray]]:
    assert AUDIO.sample_rate_hz == RATE_HZ
    waveform = notes(AUDIO.clip_samples)
    waveform[0] = 0.0
    here = coded({"given": waveform})
    folder = tmp_path_factory.mktemp("backends")
    features = {name: here[f"{name}/features"] for name in SPECS}  # both decode the same
    return [here, _elsewhere(OTHER[BACKEND], folder, {"given": waveform, **features})]


def _elsewhere(backend: str, folder: Path, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    np.savez(folder / "given.npz", **given)
    done = subprocess.run(
        [sys.executable, "-m", "tests.trainer.representations.coded", "given.npz", "answer.npz"],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(np.load(folder / "answer.npz"))


@pytest.mark.parametrize("kind", SPECS)
def test_sounds_are_the_same(kind: str, both: list[dict[str, np.ndarray]]) -> None:
    tensorflow, jax = (each[f"{kind}/sound"] for each in both)
    assert np.abs(tensorflow).max() > 0.05
    assert np.abs(tensorflow - jax).max() < 2e-3
    assert np.abs(jax[0]).max() < 1e-2  # silence in


@pytest.mark.parametrize("kind", SPECS)
def test_features_are_the_same(kind: str, both: list[dict[str, np.ndarray]]) -> None:
    tensorflow, jax = (each[f"{kind}/features"] for each in both)
    if not kind.startswith("phase"):
        # Logarithms of magnitudes near epsilon make much of an FFT's last bits, and more on some machines than others.
        assert np.abs(tensorflow - jax).max() < 1e-2
        return
    heard = tensorflow[..., 0] > -0.3  # 5 nepers below full scale of a level of 0: what is quieter is rounding
    assert np.abs(tensorflow - jax)[..., 0][heard].max() < 1e-2
    heard[:, 1:] &= heard[:, :-1]
    difference = np.abs(tensorflow - jax)[..., 1][heard]
    assert heard.any()
    assert np.minimum(difference, 1.6 - difference).max() < 1e-2  # -0.8 and 0.8 are the same half turn
    assert np.abs(tensorflow - jax)[0].max() < 1e-6  # silence has no sign
