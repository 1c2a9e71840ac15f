"""How far a sound is from the one that was wanted."""

from __future__ import annotations

import numpy as np

from trainer.evaluation.reconstruction.spectral import LOG_SPECTRAL_DISTANCE, MEL_ERROR, SPECTRAL_CONVERGENCE

ERRORS = (SPECTRAL_CONVERGENCE, LOG_SPECTRAL_DISTANCE, MEL_ERROR)
NAMES = tuple(error.heading for error in ERRORS)


def sound_errors(wanted: np.ndarray, got: np.ndarray, rate_hz: int) -> np.ndarray:
    """The errors by NAMES. wanted, got: float32 [S]. Returns: float64 [3], smaller is better."""
    return np.array([error.function(wanted, got, rate_hz) for error in ERRORS])
