"""The encoder of a generator of variations: a part of it, which puts the code of a given sound into the latent."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from trainer.architectures.encoder import Encoder

Tensor = Any


class CodeEncoder(Encoder):
    """Features [B, T, F] to (latent [B, Z], None), whose second half is their code.

    The first half is noise, of which a sound says nothing: it is all ones, a point as likely as any other of the root
    mean square of 1 that drawn latents have, as codes have by construction. So a latent that is drawn whole is as good
    an input of the generator as one that is joined.
    """

    def __init__(self, shape: tuple[int, ...], code_size: int) -> None:
        super().__init__(shape, (np.zeros(1, "float32"), np.ones(1, "float32")), latent_size=code_size)

    def call(self, features: Tensor) -> tuple[Tensor, None]:
        """Run the network."""
        code, _ = super().call(features)
        return ops.concatenate([ops.ones_like(code), code], axis=-1), None

    def joined(self, latent: Tensor, features: Tensor) -> Tensor:
        """Latents [B, Z] with the code of features [B, T, F] in the place of their second half."""
        code, _ = super().call(features)
        return ops.concatenate([latent[:, : latent.shape[1] - code.shape[1]], code], axis=-1)
