"""Training curves drawn with matplotlib as SVG, one picture a theme."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from trainer.report.curves import Line, Plot
from trainer.report.embed import data_uri
from trainer.report.theme import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_INCHES = (3.7, 2.1)
HEADROOM = 0.12  # of the smooth lines' range, above and below; raw spikes beyond are cut so that the rest stays legible
NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
RAW_ALPHA = 0.34  # of one line; less each where there are several
FEW = 40  # points; with fewer, each is marked


def chart_uri(plot: Plot, theme: Theme) -> str:
    """The plot as an SVG on a transparent ground."""
    # A fixed salt gives the same file for the same input; text stays text, in the reader's font.
    with mpl.rc_context({"svg.hashsalt": "latentone", "svg.fonttype": "none"}):
        figure = Figure(figsize=SIZE_INCHES)
        figure.subplots_adjust(left=0.15, right=0.985, bottom=0.125, top=0.96)
        axis = figure.add_subplot()
        for line in plot.lines:
            _draw(axis, line, theme, raw_alpha=RAW_ALPHA / len(plot.lines) ** 0.5)
        _limit(axis, plot)
        _dress(axis, theme)
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata=NO_METADATA)
    return data_uri("image/svg+xml", file.getvalue())


def _draw(axis: Axes, line: Line, theme: Theme, *, raw_alpha: float) -> None:
    colour = theme.series[line.colour]
    axis.plot(*line.raw.T, color=colour, alpha=raw_alpha, linewidth=0.7)
    axis.plot(
        *line.smooth.T,
        color=colour,
        linewidth=1.7,
        linestyle=(0, (4, 2)) if line.is_dashed else "solid",
        marker="o" if len(line.smooth) < FEW else "",
        markersize=3,
    )
    if line.floor is not None:
        axis.axhline(line.floor, color=colour, linewidth=1.2, linestyle=(0, (1, 2)))


def _limit(axis: Axes, plot: Plot) -> None:
    """Follow the smooth lines and the floors, unless the panel states its limits."""
    if plot.panel.limits is not None:
        axis.set_ylim(*plot.panel.limits)
        return
    values = np.concatenate([line.smooth[:, 1] for line in plot.lines])
    values = np.concatenate([values, [line.floor for line in plot.lines if line.floor is not None]])
    is_log = plot.panel.is_log and bool((values > 0.0).all())
    if is_log:
        axis.set_yscale("log")
        values = np.log10(values)
    room = max(HEADROOM * float(np.ptp(values)), 0.05 if is_log else 0.05 * float(np.abs(values).max()) or 0.05)
    low, high = float(values.min()) - room, float(values.max()) + room
    axis.set_ylim(*((10.0**low, 10.0**high) if is_log else (low, high)))


def _dress(axis: Axes, theme: Theme) -> None:
    """Only what helps to read a value."""
    for side, spine in axis.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(theme.line)
    axis.margins(x=0.01)
    axis.grid(axis="y", color=theme.line, linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(axis="both", which="both", length=0, pad=5, labelcolor=theme.muted, labelsize=8.5)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda step, _position: _short(step)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    if axis.get_yscale() == "log":
        axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
        axis.yaxis.set_minor_locator(NullLocator())
    else:
        axis.yaxis.set_major_locator(MaxNLocator(5))


def _short(step: float) -> str:
    """A step number in few letters: 500, 2.5k, 40k."""
    return f"{step / 1000:g}k" if abs(step) >= 1000 else f"{step:g}"
