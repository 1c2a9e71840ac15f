"""What the two networks of an architecture have in common: how a game, a sampler and the export use them.

Both are built when they are made, so that their weights exist. `label` is int32 [B] where
label_count is not 0, else None. `growth` says how far a network has grown, where the architecture grows at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from trainer.architectures.growth import Growth
from trainer.architectures.upsampling import UpsampleConv
from trainer.specs.architectures import ArchitectureSpec, Distribution

if TYPE_CHECKING:
    from trainer.architectures.code_encoder import CodeEncoder

Tensor = Any


def _build(network: Generator | Critic, *shape: int) -> None:
    """Follow the shapes of a call on a batch of `shape`, which makes all weights and computes nothing."""
    label = keras.KerasTensor((2,), "int32") if network.label_count else None
    network.compute_output_spec(keras.KerasTensor((2, *shape)), label)
    network.built = True


class Generator(keras.Model):  # type: ignore[misc]
    """Latent [B, Z] and label to features [B, *features_shape] in [-1, 1]."""

    def __init__(self, spec: ArchitectureSpec, features_shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(name="generator")
        self.latent_size: int = spec.latent_size
        self.latent_distribution: Distribution = spec.latent_distribution
        self.label_count: int = label_count
        self.features_shape: tuple[int, ...] = features_shape
        self.encoder: CodeEncoder | None = None  # where it is trained with one
        self.grown: Growth | None = None  # taken where a call states no growth; None is all of it

    def build_weights(self) -> None:
        """Make all weights."""
        _build(self, self.latent_size)

    def fold(self) -> None:
        """Do once what each call would do again, for a network that is not trained any more."""
        for layer in self.layers:
            if isinstance(layer, UpsampleConv):
                layer.fold()

    def call(
        self, latent: Tensor, label: Tensor | None = None, training: bool = False, growth: Growth | None = None
    ) -> Tensor:
        """Run the network."""
        raise NotImplementedError


class Critic(keras.Model):  # type: ignore[misc]
    """Features [B, *features_shape] and label to (logit [B], class logits [B, label_count] or None)."""

    def __init__(self, features_shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(name="critic")
        self.label_count: int = label_count
        self.features_shape: tuple[int, ...] = features_shape

    def build_weights(self) -> None:
        """Make all weights."""
        _build(self, *self.features_shape)

    def draw(self, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Random numbers for one call on `count` items; `call` takes them as `noise` and is calm without."""
        del count, rng
        return {}

    def call(
        self,
        features: Tensor,
        label: Tensor | None = None,
        noise: dict[str, Tensor] | None = None,
        training: bool = False,
        growth: Growth | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the network."""
        raise NotImplementedError
