"""HTK mel filters as GANSynth has them: librosa's, and no band without a bin."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.representations.mel_filters import htk_mel_filters
from trainer.representations.mel_phase import inverse_map


@given(
    rate=st.sampled_from([8_000, 16_000, 44_100]),
    n_fft=st.sampled_from([512, 1_024, 2_048]),
    n_mels=st.integers(4, 20),
)
@settings(max_examples=20, deadline=None)
def test_wide_bands_equal_librosas(rate: int, n_fft: int, n_mels: int) -> None:
    own = htk_mel_filters(rate, n_fft, n_mels)
    reference = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, htk=True, norm=None)[:, 1:]
    assert own.shape == (n_mels, n_fft // 2)
    edges = librosa.mel_frequencies(n_mels + 2, fmin=0.0, fmax=rate / 2, htk=True)
    wide = edges[2:] - edges[:-2] >= 1.5 * rate / n_fft
    assert wide.any()
    assert np.abs(own - reference)[wide].max() < 1e-6


@pytest.mark.parametrize(("rate", "n_fft"), [(8_000, 512), (16_000, 2_048), (44_100, 2_048)])
def test_only_bands_below_the_first_bin_are_empty(rate: int, n_fft: int) -> None:
    filters = htk_mel_filters(rate, n_fft, n_fft // 2)
    empty = np.flatnonzero(filters.max(axis=1) == 0.0)
    assert empty.tolist() == list(range(len(empty)))
    assert len(empty) <= 2
    assert filters.max() <= 1.0
    assert np.all(filters[:, :-1].sum(axis=0) > 0.0)  # no bin is lost but the Nyquist frequency's


def test_the_bands_of_equal_bins_give_these_bins_again() -> None:
    filters = htk_mel_filters(16_000, 1_024, 100).T
    again = np.full((1, 512), 0.7) @ filters @ inverse_map(filters)
    assert np.abs(again[:, :-1] - 0.7).max() < 1e-5  # no band holds the Nyquist frequency
