"""What a step is played with: in the stated proportions and distributions, and the same for the same stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.trainer import systems, tiny
from trainer import players
from trainer.draws import Draws, latents
from trainer.games.latent import LatentGame


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> LatentGame:
    folder = tmp_path_factory.mktemp("draws")
    corpus = tiny.corpus(folder / "corpora")
    return players.game(tiny.run(folder / "run", corpus), corpus)


def drawn(game: LatentGame, shares: np.ndarray | None = None, **changes: float) -> Draws:
    return Draws(
        game.draws.real_batch,
        game.generator,
        draw_critic=game.critic.draw,
        augmentation=game.augmentation,
        game=game.spec.replace(**changes),
        label_shares=shares,
        batch=2_000,
    )


def test_latents_have_the_distribution_that_the_contract_states() -> None:
    normal, uniform = (latents(name, (100, 100), np.random.default_rng(0)) for name in ("normal", "uniform"))
    assert normal.std() == pytest.approx(1.0, abs=0.03)
    assert uniform.std() == pytest.approx(1 / 3**0.5, abs=0.02)
    assert np.abs(uniform).max() <= 1.0
    assert normal.dtype == uniform.dtype == np.float32


def test_labels_come_as_often_as_the_corpus_has_them(game: LatentGame) -> None:
    made = drawn(game, np.array([0.7, 0.3, 0.0])).generated(np.random.default_rng(1), 0.0)["label"]
    assert np.bincount(made, minlength=3) / 2_000 == pytest.approx([0.7, 0.3, 0.0], abs=0.04)


def test_noise_for_the_critic_has_the_stated_deviations(game: LatentGame) -> None:
    batch = drawn(game, real_noise=0.02, fake_noise=0.01).critic(np.random.default_rng(2), 0.0)
    assert batch["real_static"].std() == pytest.approx(0.02, rel=0.02)
    assert batch["static"].std() == pytest.approx(0.01, rel=0.02)
    assert "static" not in drawn(game).critic(np.random.default_rng(2), 0.0)


def test_weights_of_the_critic_are_clipped_where_asked(tmp_path: Path) -> None:
    corpus = tiny.corpus(tmp_path / "corpora")
    spec = systems.SYSTEMS["melspec"]
    clipped = spec.replace(game=spec.game.replace(objective="wgan", weight_clip=0.01, r1_weight=0.0, r2_weight=0.0))
    game = players.game(tiny.run(tmp_path / "run", corpus, clipped), corpus)
    game.step(0)
    assert max(float(np.abs(np.asarray(weights)).max()) for weights in game.critic.trainable_variables) <= 0.01
