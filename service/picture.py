"""Pictures of features: spectrograms with axes in seconds and hertz."""

from __future__ import annotations

import io
import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract, Features
from service.mel_filters import hz_to_mel

MOST_PANELS = 16
MOST_TICKS = 20  # for more there is no room
TICKS_HZ = (50, 100, 200, 500, 1_000, 2_000, 4_000, 8_000, 16_000)

_drawing = threading.Lock()  # matplotlib shares font caches between figures


@dataclass(frozen=True)
class _Scale:
    """How the values of a channel become colours."""

    low: float
    high: float
    colours: str
    label: str

    def values(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features of -1 to 1 in the units of the scale."""
        return self.low + (features + 1.0) / 2.0 * (self.high - self.low)


def _scale(spec: Features, channel: int) -> _Scale:
    if channel == 0 and spec.kind == "log_mel":
        return _Scale(spec.db_min, spec.db_max, "magma", "dB")
    if channel == 0:
        return _Scale(-1.0, 1.0, "magma", "level, -1 to 1")
    is_phase = spec.kind == "phase" and channel == 1
    return _Scale(-1.0, 1.0, "twilight", "instantaneous frequency" if is_phase else f"channel {channel + 1}")


def draw_features(features: NDArray[np.float32], contract: Contract) -> bytes:
    """Return a PNG with one spectrogram for each of the first sixteen items; channels stand one above the other.

    features: float32 [B, frames, bands(, channels)] in [-1, 1], as the contract says. log_mel is drawn in decibels,
    anything else as it is.
    """
    # Imported late: it takes half a second, and most services never draw.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    spec = contract.features
    assert spec is not None
    shown = features[:MOST_PANELS].reshape(*features[:MOST_PANELS].shape[:3], -1)
    channels = shown.shape[3]
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    seconds = contract.samples(shown.shape[1]) / contract.audio.sample_rate_hz
    ticks = _ticks(spec, contract)
    with _drawing:
        figure = Figure(figsize=(2.0 + 3.2 * columns, 0.6 + 2.4 * rows * channels), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows * channels, columns, squeeze=False, sharex=True, sharey=True)
        for panel in panels.flat:
            panel.set_visible(False)
        for channel in range(channels):
            scale = _scale(spec, channel)
            own = panels[channel::channels]  # the rows of this channel
            for panel, item in zip(own.flat, scale.values(shown[..., channel]), strict=False):
                panel.set_visible(True)
                image = panel.imshow(
                    item.T, origin="lower", aspect="auto", extent=(0.0, seconds, -0.5, item.shape[1] - 0.5),
                    vmin=scale.low, vmax=scale.high, cmap=scale.colours, interpolation="nearest",
                )  # fmt: skip
                panel.set_yticks([band for band, _ in ticks], [str(hz) for _, hz in ticks])
            figure.colorbar(image, ax=panels, label=scale.label)
        figure.supxlabel("time in seconds")
        figure.supylabel("frequency in Hz")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def _ticks(spec: Features, contract: Contract) -> list[tuple[float, int]]:
    """Return (band, hertz) of the marks on the frequency axis that leave room for each other."""
    bands = spec.frame_shape[0]
    kept: list[tuple[float, int]] = []
    for hz in TICKS_HZ:
        band = _band(hz, spec, contract)
        if 0.0 <= band <= bands - 1 and (not kept or band - kept[-1][0] >= bands / MOST_TICKS):
            kept.append((band, hz))
    return kept


def _band(hz: float, spec: Features, contract: Contract) -> float:
    """Return the place of a frequency on the band axis; band i of a mel spectrogram has its centre at i."""
    highest = spec.fmax_hz or contract.audio.sample_rate_hz / 2
    bands = spec.frame_shape[0]
    if spec.n_mels is None and spec.kind != "log_mel":
        return hz / highest * bands
    low, place, high = hz_to_mel(np.array([spec.fmin_hz, hz, highest]), "slaney" if spec.kind == "log_mel" else "htk")
    return float((place - low) / (high - low) * (bands + 1) - 1.0)
