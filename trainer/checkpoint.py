"""Checkpoints: everything that a run needs to go on, in one file that is replaced atomically."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from trainer.config import LatentoneError
from trainer.files import atomic

NAME = "checkpoint.npz"


def save(folder: Path, state: dict[str, np.ndarray], *, step: int, seconds: float, best: float, stale: int) -> None:
    """Write state arrays with the steps done, the training time and the record of the early stop."""
    progress = np.array([step, seconds, best, stale], "float64")
    with atomic(folder / NAME) as file:
        np.savez(file, **state | {"progress": progress})  # type: ignore[arg-type]  # NumPy's stub takes no mapping


def load(folder: Path) -> tuple[dict[str, np.ndarray], tuple[int, float, float, int]]:
    """Read back (state, (step, seconds, best, stale)).

    Raises: LatentoneError where there is no checkpoint or it is damaged.
    """
    path = folder / NAME
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        step, seconds, best, stale = arrays.pop("progress")
    except FileNotFoundError:
        raise LatentoneError(f"no checkpoint in {folder}: nothing was trained there yet") from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise LatentoneError(f"{path} is damaged ({error}); train again or restore it from a copy") from None
    return arrays, (int(step), float(seconds), float(best), int(stale))
