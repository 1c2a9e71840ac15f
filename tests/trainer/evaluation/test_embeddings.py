"""Embeddings: alike is near, names are helpful, a SavedModel of any origin will do, nothing is downloaded unasked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainer import tiny
from trainer.corpus import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.evaluation.embeddings import find_embedding
from trainer.evaluation.embeddings.classifier import Classifier
from trainer.evaluation.embeddings.statistics import Statistics, statistics

ROOT = Path(__file__).parents[3]
INCEPTION = """
import sys
from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.embeddings import find_embedding
find_embedding("inception", PreparedCorpus.open(sys.argv[1]), print)
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    return tiny.corpus(tmp_path_factory.mktemp("corpora"))


def silent(text: str) -> None: ...


def test_log_mel_statistics_put_like_sounds_near(prepared: PreparedCorpus) -> None:
    embedding = Statistics(prepared)
    sounds = prepared.waveforms(np.arange(12))
    vectors = embedding(sounds)
    assert vectors.shape == (12, embedding.size)
    softer = embedding(0.9 * sounds)
    noise = embedding(np.random.default_rng(0).normal(0, 0.2, sounds.shape).astype("float32"))
    assert np.linalg.norm(softer - vectors, axis=1).max() < np.linalg.norm(noise - vectors, axis=1).min()


def test_no_number_drowns_the_others(prepared: PreparedCorpus) -> None:
    vectors = Statistics(prepared)(prepared.waveforms(prepared.train))
    assert np.abs(vectors.mean(axis=0)).max() < 0.1
    spreads = vectors.std(axis=0)
    assert spreads.max() < 1.1
    assert np.median(spreads) > 0.9


@pytest.mark.parametrize("shape", [(64, 64), (16, 16), (50, 17), (3, 5)])
def test_statistics_of_any_grid_have_one_size(shape: tuple[int, int]) -> None:
    level = np.asarray(statistics(np.full((2, *shape), 0.25, "float32")))
    assert level.shape == (2, 80)
    means, deviations, changes = level[:, :16], level[:, 16:32], level[:, 32:48]
    assert np.allclose(means, 0.25)
    assert np.allclose(deviations, 0.0, atol=1e-3)
    assert np.allclose(changes, 0.0)


def test_the_classifier_is_trained_once_and_knows_its_corpus(prepared: PreparedCorpus) -> None:
    said: list[str] = []
    first = find_embedding("auto", prepared, said.append)
    again = find_embedding("labels", prepared, said.append)
    assert isinstance(first, Classifier)
    assert isinstance(again, Classifier)
    assert len(said) == 1
    assert first.digest == again.digest
    sounds = prepared.waveforms(prepared.train)
    assert np.array_equal(first(sounds), again(sounds))
    right = again.probabilities(sounds).argmax(axis=1) == prepared.labels[prepared.train]
    assert right.mean() > 0.9


def test_any_saved_model_will_do(prepared: PreparedCorpus, tmp_path: Path) -> None:
    module = tf.Module()
    spec = tf.TensorSpec([None, None], tf.float32, name="sound")
    levels = tf.function(lambda sound: {"levels": tf.stack([tf.reduce_max(sound, 1), tf.reduce_min(sound, 1)], 1)})
    tf.saved_model.save(module, str(tmp_path / "levels"), signatures=levels.get_concrete_function(spec))
    embedding = find_embedding(str(tmp_path / "levels"), prepared, silent)
    sounds = prepared.waveforms([0, 1, 2])
    assert embedding.size == 2
    assert np.allclose(embedding(sounds)[:, 0], sounds.max(axis=1))


def test_a_saved_model_of_another_form_is_refused_with_the_form(prepared: PreparedCorpus, tmp_path: Path) -> None:
    module = tf.Module()
    spec = tf.TensorSpec([None], tf.int32, name="number")
    tf.saved_model.save(
        module,
        str(tmp_path / "other"),
        signatures=tf.function(lambda number: {"n": number}).get_concrete_function(spec),
    )
    with pytest.raises(LatentoneError, match=r"one float32 \[B, S\].*int32"):
        find_embedding(str(tmp_path / "other"), prepared, silent)


@pytest.mark.parametrize(
    ("name", "says"), [("label", "did you mean 'labels'"), ("nowhere/model", "the folder of a SavedModel")]
)
def test_an_unknown_embedding_is_refused_with_what_is_known(name: str, says: str, prepared: PreparedCorpus) -> None:
    with pytest.raises(LatentoneError, match=says):
        find_embedding(name, prepared, silent)


def test_inception_embeds_pictures(prepared: PreparedCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real network; its weights are a download that a test must not ask for, so they are random."""
    network = keras.applications.InceptionV3
    monkeypatch.setattr(keras.applications, "InceptionV3", lambda **given: network(**given | {"weights": None}))
    embedding = find_embedding("inception", prepared, silent)
    vectors = embedding(prepared.waveforms([0, 1, 30]))
    assert vectors.shape == (3, embedding.size)
    assert np.isfinite(vectors).all()
    assert np.abs(vectors[0] - vectors[2]).max() > 0


def test_inception_without_its_weights_says_what_to_do(prepared: PreparedCorpus, tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-c", INCEPTION, str(prepared.folder)],
        env={**os.environ, **nowhere, "KERAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 1
    assert "LatentoneError: --embedding inception: Keras can't get its weights" in done.stderr
    assert "use --embedding log-mel" in done.stderr
