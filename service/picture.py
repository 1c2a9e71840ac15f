"""Pictures of features: spectrograms with axes in seconds and hertz."""

from __future__ import annotations

import io
import math
import threading

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract, Features

MOST_PANELS = 16
TICKS_HZ = (50, 100, 200, 500, 1_000, 2_000, 4_000, 8_000, 16_000)
SLANEY_KNEE_HZ, SLANEY_HZ_PER_MEL, SLANEY_LOG_STEP = 1_000.0, 200.0 / 3.0, math.log(6.4) / 27.0

_drawing = threading.Lock()  # matplotlib shares font caches between figures


def draw_features(features: NDArray[np.float32], contract: Contract) -> bytes:
    """Return a PNG with one spectrogram for each of the first sixteen items.

    features: float32 [B, frames, bands] in [-1, 1], as the contract says.
    """
    # Imported late: it takes half a second, and most services never draw.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    spec = contract.features
    assert spec is not None
    shown = features[:MOST_PANELS]
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    decibels = spec.db_min + (shown + 1.0) / 2.0 * (spec.db_max - spec.db_min)
    seconds = shown.shape[1] * spec.hop_samples / contract.audio.sample_rate_hz
    ticks = [(_band(hz, spec, contract), hz) for hz in TICKS_HZ]
    ticks = [(band, hz) for band, hz in ticks if 0.0 <= band <= shown.shape[2] - 1]
    with _drawing:
        figure = Figure(figsize=(2.0 + 3.2 * columns, 0.6 + 2.4 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for panel, item in zip(panels.flat, decibels, strict=False):
            image = panel.imshow(
                item.T, origin="lower", aspect="auto", extent=(0.0, seconds, -0.5, item.shape[1] - 0.5),
                vmin=spec.db_min, vmax=spec.db_max, cmap="magma", interpolation="nearest",
            )  # fmt: skip
            panel.set_yticks([band for band, _ in ticks], [str(hz) for _, hz in ticks])
        for panel in panels.flat[len(shown) :]:
            panel.set_visible(False)
        figure.supxlabel("time in seconds")
        figure.supylabel("frequency in Hz")
        figure.colorbar(image, ax=panels, label="dB")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def _band(hz: float, spec: Features, contract: Contract) -> float:
    """Return the place of a frequency on the band axis; band i of a mel spectrogram has its centre at i."""
    highest = spec.fmax_hz or contract.audio.sample_rate_hz / 2
    bands = spec.shape[1]
    if "mel" not in spec.kind:
        return hz / highest * bands
    low, high = _slaney(spec.fmin_hz), _slaney(highest)
    return (_slaney(hz) - low) / (high - low) * (bands + 1) - 1.0


def _slaney(hz: float) -> float:
    """Slaney's mel scale, linear to 1 kHz and logarithmic above. Source: librosa.hz_to_mel's default."""
    if hz < SLANEY_KNEE_HZ:
        return hz / SLANEY_HZ_PER_MEL
    return SLANEY_KNEE_HZ / SLANEY_HZ_PER_MEL + math.log(hz / SLANEY_KNEE_HZ) / SLANEY_LOG_STEP
