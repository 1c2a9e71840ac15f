"""Mel filters are librosa's."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest

from service.mel_filters import MelNorm, MelScale, hz_to_mel, mel_filters, mel_to_hz


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", "none"])
@pytest.mark.parametrize(
    "form",
    [
        {"n_fft": 2048, "n_mels": 128, "fmin_hz": 0.0, "fmax_hz": 11_025.0},
        {"n_fft": 512, "n_mels": 64, "fmin_hz": 50.0, "fmax_hz": 3_800.0},
        {"n_fft": 400, "n_mels": 80, "fmin_hz": 0.0, "fmax_hz": 8_000.0},
    ],
)
def test_filters_are_librosas(scale: MelScale, norm: MelNorm, form: dict[str, Any]) -> None:
    ours = mel_filters(sample_rate_hz=22_050, scale=scale, norm=norm, **form)
    theirs = librosa.filters.mel(
        sr=22_050, n_fft=form["n_fft"], n_mels=form["n_mels"], fmin=form["fmin_hz"], fmax=form["fmax_hz"],
        htk=scale == "htk", norm="slaney" if norm == "slaney" else None,
    )  # fmt: skip
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_a_frequency_comes_back_from_its_mel(scale: MelScale) -> None:
    hz = np.array([0.0, 440.0, 1_000.0, 8_000.0])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz, scale), scale), hz, atol=1e-9)
