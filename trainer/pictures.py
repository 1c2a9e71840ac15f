"""Spectrogram pictures with matplotlib, where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainer.files import atomic
from trainer.versions import is_installed


def available() -> bool:
    """Whether matplotlib is installed."""
    return is_installed("matplotlib.figure")


def grid(rows: dict[str, np.ndarray], path: Path, *, titles: list[str] | None = None) -> None:
    """Write features {row name: [N, T, M]} as a grid of pictures, -1 dark to 1 bright, low bands below."""
    from matplotlib.figure import Figure

    columns = max(len(row) for row in rows.values())
    figure = Figure(figsize=(1.1 * columns + 0.6, 1.2 * len(rows) + 0.3), layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row_axes, (name, row) in zip(axes, rows.items(), strict=True):
        for column, axis in enumerate(row_axes):
            axis.set_xticks([])
            axis.set_yticks([])
            if column < len(row):
                axis.imshow(row[column].T, origin="lower", aspect="auto", cmap="magma", vmin=-1, vmax=1)
            else:
                axis.set_axis_off()
        row_axes[0].set_ylabel(name, fontsize=7)
    for axis, title in zip(axes[0], titles or [], strict=False):
        axis.set_title(title, fontsize=7)
    with atomic(path) as file:
        figure.savefig(file, format="png", dpi=110)
