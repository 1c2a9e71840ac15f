"""The monitor in the loop: what sounds real is near, copies are seen, warnings say what to try."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.trainer import systems, tiny
from trainer import players
from trainer.corpus import PreparedCorpus
from trainer.evaluation.warnings import warnings
from trainer.monitor import Monitor
from trainer.views.latent import SHOWN, LatentView


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    return tiny.corpus(tmp_path_factory.mktemp("corpora"), count=120)


@pytest.fixture(scope="module")
def monitor(prepared: PreparedCorpus, tmp_path_factory: pytest.TempPathFactory) -> Monitor:
    run = tiny.run(tmp_path_factory.mktemp("runs") / "run", prepared)
    return Monitor(prepared, players.generator(run), print)


def replay(prepared: PreparedCorpus, monitor: Monitor, clips: np.ndarray, gain: float = 1.0) -> dict[str, float]:
    """What the monitor hears of clips in turn, whatever it asks for."""
    place = iter(range(10_000))

    def make(latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return gain * prepared.waveforms([clips[next(place) % len(clips)] for _ in labels])

    return monitor.listen(make)


def test_real_clips_are_nearer_than_noise(prepared: PreparedCorpus, monitor: Monitor) -> None:
    real = replay(prepared, monitor, prepared.train)
    random = np.random.default_rng(0)
    size = prepared.audio.clip_samples
    noise = monitor.listen(lambda latents, _: random.normal(0, 0.1, (len(latents), size)).astype("float32"))
    assert real["distance"] < 0.2 * noise["distance"]
    assert real["distance_floor"] == noise["distance_floor"] == monitor.floor


def test_copies_and_collapse_are_heard(prepared: PreparedCorpus, monitor: Monitor) -> None:
    copied = replay(prepared, monitor, prepared.train)
    assert copied["nearest_training_clip"] < 0.1
    assert copied["copying"] > 0.9
    one = replay(prepared, monitor, prepared.held_out[:1])
    assert one["class_diversity"] < 0.1
    assert any("Samples copy training clips" in sentence for sentence in warnings(copied))
    assert any("too alike" in sentence for sentence in warnings(one))
    assert not warnings(replay(prepared, monitor, prepared.held_out) | {"copying": 0.5})


def test_what_is_not_finite_has_an_infinite_distance(monitor: Monitor, prepared: PreparedCorpus) -> None:
    size = prepared.audio.clip_samples
    found = monitor.listen(lambda latents, _: np.full((len(latents), size), np.nan, "float32"))
    assert math.isinf(found["distance"])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"copying": 0.9, "nearest_training_clip": 0.2}, "more recordings"),
        ({"class_diversity": 0.3}, "game.generator_learning_rate"),
        ({"deviation_ratio": 0.1}, "nearly one sound"),
        ({"frechet_distance": 9.0, "class_accuracy": 0.95}, "look at the pictures"),
    ],
)
def test_a_warning_says_what_to_try(values: dict[str, float], says: str) -> None:
    (sentence,) = warnings(values, {"frechet_distance": 1.0})
    assert says in sentence


def test_good_scores_warn_of_nothing() -> None:
    good = {"copying": 0.55, "nearest_training_clip": 1.1, "class_diversity": 0.95, "deviation_ratio": 0.9}
    assert warnings(good | {"frechet_distance": 1.5, "class_accuracy": 0.97}, {"frechet_distance": 1.0}) == []
    assert warnings({}) == []


def test_a_preview_shows_a_real_clip_of_each_label_even_where_none_is_held_out(tmp_path: Path) -> None:
    corpus = systems.notes_by_pitch(tmp_path / "corpora")
    run = tiny.run(tmp_path / "run", corpus)
    view = LatentView(run, corpus, players.game(run, corpus), print)
    assert len(view.real) == SHOWN
    missing = set(corpus.labels[corpus.train]) - set(corpus.labels[corpus.held_out])
    assert missing & set(view.monitor.labels[:SHOWN].tolist()), "every label shown is held out: this shows nothing"
