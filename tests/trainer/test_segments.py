"""Crops of training clips: the same for the same stream, whole, with their own features, and not silent if asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.trainer import tiny
from trainer.corpus import PreparedCorpus
from trainer.randomness import generator_at
from trainer.segments import Segments
from trainer.specs.game import InversionSpec

SPEC = InversionSpec(segment_samples=512)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    return tiny.corpus(tmp_path_factory.mktemp("corpora"))


def crops(corpus: PreparedCorpus, step: int = 0, count: int = 16, **changes: object) -> np.ndarray:
    segments = Segments(corpus, lambda sound: sound, SPEC.replace(**changes))
    return segments.crops(generator_at(0, step), count)


def test_the_same_step_draws_the_same_crops(corpus: PreparedCorpus) -> None:
    assert np.array_equal(crops(corpus, 3), crops(corpus, 3))
    assert not np.array_equal(crops(corpus, 3), crops(corpus, 4))


def test_a_crop_is_a_part_of_a_training_clip_at_any_sample(corpus: PreparedCorpus) -> None:
    clips = corpus.waveforms(corpus.train)
    windows = np.lib.stride_tricks.sliding_window_view(clips, 512, axis=1)
    places = set()
    for crop in crops(corpus, count=6, gain_min=1.0, gain_max=1.0):
        found = np.argwhere((windows == crop).all(axis=2))
        assert len(found), "it is no part of a training clip"
        places.add(int(found[0, 1]) % 128)
    assert len(places) > 3, "crops stand on a grid"


def test_a_gain_is_drawn_for_each_crop(corpus: PreparedCorpus) -> None:
    plain, louder = crops(corpus, gain_min=1.0, gain_max=1.0), crops(corpus)
    heard = np.abs(plain).max(axis=1) > 1e-3
    gains = np.abs(louder).max(axis=1)[heard] / np.abs(plain).max(axis=1)[heard]
    assert gains.min() >= 0.3 - 1e-6
    assert gains.max() <= 1.0 + 1e-6
    assert len(np.unique(np.round(gains, 4))) > 4


def test_crops_without_sound_are_drawn_again_where_asked(corpus: PreparedCorpus, tmp_path: Path) -> None:
    clip = np.zeros(2_048, "float32")
    clip[:600] = 0.5
    corpus = PreparedCorpus.open(corpus.folder)
    corpus.waveforms = lambda indices: np.stack([clip] * len(indices))  # type: ignore[method-assign]
    silent, heard = (
        np.mean([not crop.any() for crop in crops(corpus, count=200, skip_silence=skip)]) for skip in (False, True)
    )
    assert silent > 0.4
    assert heard < 0.1


def test_features_are_those_of_the_crop(corpus: PreparedCorpus) -> None:
    pairs = Segments(corpus, lambda sound: 2.0 * sound, SPEC)(generator_at(0, 0), 4)
    assert np.array_equal(pairs["features"], 2.0 * pairs["sound"])
