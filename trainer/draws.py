"""What one step plays with: real items, latents, labels and every random number, all drawn on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.specs.game import GameSpec

Tensor = Any
Numbers = dict[str, np.ndarray]
RealBatch = Callable[[np.random.Generator, int], tuple[Tensor, NDArray[np.int32]]]
"""Draws real items: (rng, count) to features [count, ...] and labels int32 [count]."""


class Augmentation(Protocol):
    """Changes real and generated items alike."""

    def draw(self, probability: float, count: int, rng: np.random.Generator) -> Numbers:
        """Random numbers for `count` items."""

    def apply(self, features: Tensor, numbers: dict[str, Tensor]) -> Tensor:
        """Change features [B, ...]."""


class Network(Protocol):
    """What drawing must know of a generator."""

    latent_size: int
    latent_distribution: str
    label_count: int
    features_shape: tuple[int, ...]
    encoder: Any


class Draws:
    """Draws batches. label_shares: float [L], how often each label is to be made; None where there are no labels."""

    def __init__(
        self,
        real_batch: RealBatch,
        generator: Network,
        *,
        draw_critic: Callable[[int, np.random.Generator], Numbers],
        augmentation: Augmentation,
        game: GameSpec,
        label_shares: NDArray[np.float64] | None,
        batch: int,
    ) -> None:
        self.real_batch, self.generator, self.draw_critic = real_batch, generator, draw_critic
        self.augmentation, self.game, self.batch = augmentation, game, batch
        self.label_shares = label_shares

    def critic(self, rng: np.random.Generator, probability: float) -> dict[str, Any]:
        """One batch for a critic's step: real and generated."""
        real, labels = self.real_batch(rng, self.batch)
        noise = {}
        if self.game.real_noise:
            noise["real_static"] = self.game.real_noise * rng.standard_normal(tuple(real.shape), dtype="float32")
        if self.game.fake_noise:
            noise["static"] = self.game.fake_noise * rng.standard_normal(tuple(real.shape), dtype="float32")
        return self.generated(rng, probability) | {
            "real": real,
            "real_label": labels.astype("int32"),
            "real_numbers": self.augmentation.draw(probability, self.batch, rng),
            "real_noise": self.draw_critic(self.batch, rng),
            "mix": rng.random(self.batch, dtype="float32"),
            **noise,
        }

    def generated(self, rng: np.random.Generator, probability: float) -> dict[str, Any]:
        """One batch for a generator's step; given: features [B // 2, ...] to vary, where it has an encoder."""
        drawn = {
            "latent": latents(self.generator.latent_distribution, (self.batch, self.generator.latent_size), rng),
            "label": self._labels(rng),
            "numbers": self.augmentation.draw(probability, self.batch, rng),
            "noise": self.draw_critic(self.batch, rng),
        }
        return drawn if self.generator.encoder is None else drawn | {"given": self.real_batch(rng, self.batch // 2)[0]}

    def _labels(self, rng: np.random.Generator) -> NDArray[np.int32]:
        if self.label_shares is None:
            return np.zeros(self.batch, "int32")
        return rng.choice(len(self.label_shares), self.batch, p=self.label_shares).astype("int32")


def latents(distribution: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Latents of a distribution: normal (mean 0, deviation 1) or uniform (-1 to 1). docs/contract.md has the draw."""
    if distribution == "normal":
        return rng.standard_normal(shape, dtype="float32")
    return rng.uniform(-1.0, 1.0, shape).astype("float32")
