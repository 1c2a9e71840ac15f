"""Levels, peaks, silence, and the RMSE of the seed report."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainer.evaluation.making import clips, corpus, normal, score
from trainer.evaluation.clips import Real

REAL = corpus()
EMPTY = clips(np.zeros((0, 4)))


def test_loudness_is_described_by_plain_means() -> None:
    clip = normal(0, 4, levels_dbfs=[-10, -20, -20, -30], peaks=[1, 0.5, 0.5, 0], silences=[0, 0, 0.5, 0.5])
    assert score("level", clip, REAL) == pytest.approx(-20.0)
    assert score("level_spread", clip, REAL) == pytest.approx(np.sqrt(200 / 3))
    assert score("peak", clip, REAL) == pytest.approx(0.5)
    assert score("silence", clip, REAL) == pytest.approx(0.25)


def test_rmse_of_constant_pictures_is_their_difference() -> None:
    real = Real(clips(np.full((30, 4), 0.5)), EMPTY)
    assert score("spectrogram_rmse", clips(np.full((10, 4), -0.25)), real) == pytest.approx(0.75)
    assert score("spectrogram_rmse", clips(real.train.embeddings), real) == 0.0


def test_rmse_pairs_clips_of_the_same_label() -> None:
    pictures, labels = np.eye(3).repeat(20, axis=0), np.arange(3).repeat(20)
    real = Real(clips(pictures, labels=labels), EMPTY)
    assert score("spectrogram_rmse", clips(pictures, labels=labels), real) == 0.0
    assert score("spectrogram_rmse", clips(pictures, labels=labels + 1), real) > 0.5
    assert score("spectrogram_rmse", clips(pictures), real) == score("spectrogram_rmse", clips(pictures), real) > 0.3


def test_a_mean_picture_wins_the_rmse() -> None:
    mean = np.tile(REAL.train.embeddings.mean(axis=0), (100, 1))
    assert score("spectrogram_rmse", clips(mean), REAL) < 0.9 * score("spectrogram_rmse", normal(3, 100), REAL)
