"""Checkpoints: everything that a run needs to go on, and the best result so far, in files replaced atomically."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from trainer.errors import LatentoneError
from trainer.files import atomic

NAME = "checkpoint.npz"
BEST = "best.npz"
RESULT = "average/"  # what is exported, within a state


def save(folder: Path, state: dict[str, np.ndarray], *, step: int, seconds: float, best: float, stale: int) -> None:
    """Write state arrays with the steps done, the training time and the record of the early stop."""
    progress = np.array([step, seconds, best, stale], "float64")
    with atomic(folder / NAME) as file:
        np.savez(file, **state | {"progress": progress})  # type: ignore[arg-type]  # NumPy's stub takes no mapping


def save_best(folder: Path, state: dict[str, np.ndarray], *, step: int, distance: float) -> None:
    """Keep the exported part of a state, the best so far by its distance to the held-out clips."""
    result = {name: values for name, values in state.items() if name.startswith(RESULT)}
    with atomic(folder / BEST) as file:
        np.savez(file, **result | {"progress": np.array([step, distance], "float64")})  # type: ignore[arg-type]


def load(folder: Path) -> tuple[dict[str, np.ndarray], tuple[int, float, float, int]]:
    """Read back (state, (step, seconds, best, stale)).

    Raises: LatentoneError where there is no checkpoint or it is damaged.
    """
    arrays = _read(folder / NAME)
    step, seconds, best, stale = arrays.pop("progress")
    return arrays, (int(step), float(seconds), float(best), int(stale))


def load_result(folder: Path) -> tuple[list[np.ndarray], int]:
    """Weights of the network to export, in order, and the step that they are from: the best, else the last.

    Raises: LatentoneError as `load` does.
    """
    arrays = _read(result_path(folder))
    step = int(arrays.pop("progress")[0])
    return [arrays[name] for name in sorted(arrays) if name.startswith(RESULT)], step


def result_path(folder: Path) -> Path:
    """The file that `load_result` reads."""
    return folder / (BEST if (folder / BEST).exists() else NAME)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if "progress" not in arrays:
            raise ValueError("it says nothing of its progress")
    except FileNotFoundError:
        raise LatentoneError(f"no checkpoint in {path.parent}: nothing was trained there yet") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise LatentoneError(f"{path} is damaged ({error}); train again or restore it from a copy") from None
    return arrays
