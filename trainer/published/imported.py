"""What an import knows: a network, its weights, the mel that it was trained on, and the file they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.specs.audio import AudioSpec
from trainer.specs.representations import MagnitudeMelSpec
from trainer.specs.vocoders import MelganSpec


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A vocoder that was trained elsewhere.

    audio: rate, and the length of the clips that it can be scored on. weights: in the order of the network's own.
    file, sha256: of the checkpoint. licence: of the weights, None where it was not told. command: imports them again.
    """

    architecture: MelganSpec
    representation: MagnitudeMelSpec
    audio: AudioSpec
    weights: list[NDArray[np.float32]]
    file: str
    sha256: str
    licence: str | None
    command: str
