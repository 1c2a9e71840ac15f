"""A few steps of games from weights that NumPy made, so that both backends begin alike; imports neither of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from trainer import encoders, players
from trainer.autodiff import to_floats
from trainer.corpus.store import PreparedCorpus
from trainer.run import Run

Steps = list[dict[str, float]]


def latent_games(corpus: str, *runs: str) -> dict[str, Steps]:
    """Return the scores of three steps of each run's game, by the run's name, and of `melspec`'s encoder."""
    prepared, found = PreparedCorpus.open(Path(corpus)), {}
    for folder in map(Path, runs):
        run, rng = Run.open(folder), np.random.default_rng(5)
        game = players.game(run, prepared)
        fill((game.generator, game.critic), rng, 0.2)
        latents, labels = np.ones((2, game.generator.latent_size), "float32"), np.zeros(2, "int32")
        before = np.asarray(game.sample(0, latents, labels))
        found[folder.name] = [to_floats(game.step(step)) for step in range(3)]
        game.average.set_weights([1.5 * weights for weights in game.average.get_weights()])
        found[folder.name][-1]["sample_moved"] = _most(np.asarray(game.sample(0, latents, labels)) - before)
        if folder.name == "melspec":
            found["encoding"] = _encoding(run, prepared, game.generator, rng)
    return found


def inversion_games(corpus: str, *runs: str) -> dict[str, Steps]:
    """Return the scores of steps before and after the critics join, by the run's name."""
    prepared, found = PreparedCorpus.open(Path(corpus)), {}
    for folder in map(Path, runs):
        game: Any = players.game(Run.open(folder), prepared)
        fill((game.generator, game.critic), np.random.default_rng(5), 0.2)
        features = np.asarray(game.pairs(np.random.default_rng(0), 2)["features"])
        before = np.asarray(game.decode(features))
        found[folder.name] = [to_floats(game.step(step)) for step in (0, 2, 3)]
        found[folder.name][-1]["decoded_moved"] = _most(np.asarray(game.decode(features)) - before)
    return found


def fill(networks: Iterable[Any], rng: np.random.Generator, scale: float) -> None:
    """Give networks weights of a deviation of `scale`; variances are above 0."""
    for network in networks:
        drawn = [scale * rng.standard_normal(weight.shape).astype("float32") for weight in network.weights]
        paths = [weight.path for weight in network.weights]
        network.set_weights(
            [1.0 + np.abs(values) if "variance" in path else values for path, values in zip(paths, drawn, strict=True)]
        )


def _encoding(run: Run, prepared: PreparedCorpus, generator: Any, rng: np.random.Generator) -> Steps:
    game = encoders.game_of(run, prepared, generator)
    fill((generator, game.encoder), rng, 0.1)
    found = [to_floats(game.step(step)) for step in range(3)]
    features = np.ones((2, *generator.features_shape), "float32")
    before = game.distance(features)
    game.average.set_weights([-weights for weights in game.average.get_weights()])
    found[-1]["sample_moved"] = abs(game.distance(features) - before)
    return found


def _most(array: np.ndarray) -> float:
    return float(np.abs(array).max())
