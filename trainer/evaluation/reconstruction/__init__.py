"""How near a decoded sound is to the sound it should be."""

from __future__ import annotations

from trainer.evaluation.reconstruction.ends import END_CLICK
from trainer.evaluation.reconstruction.measure import Reconstruction
from trainer.evaluation.reconstruction.perceptual import PESQ, STOI
from trainer.evaluation.reconstruction.spectral import (
    LOG_SPECTRAL_DISTANCE,
    MEL_ERROR,
    MULTI_RESOLUTION_STFT,
    SPECTRAL_CONVERGENCE,
)

_ENTRIES = (
    SPECTRAL_CONVERGENCE,
    LOG_SPECTRAL_DISTANCE,
    MEL_ERROR,
    MULTI_RESOLUTION_STFT,
    PESQ,
    STOI,
    END_CLICK,
)
MEASURES: dict[str, Reconstruction] = {entry.name: entry for entry in _ENTRIES}
