"""Training signals as lines to draw: smoothed, with the raw values behind, thinned to what a page can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.report.signals import PANELS, Panel
from trainer.report.subject import Subject
from trainer.report.theme import series_index

Points = NDArray[np.float64]
"""[N, 2]: step and value."""

SMOOTHED_SHARE = 0.04  # of a signal's rows in the moving average
RAW_BINS = 150  # two points a bin, its lowest and highest value: thinning keeps every spike
SMOOTH_POINTS = 240


@dataclass(frozen=True, eq=False, kw_only=True)
class Line:
    """One signal of one subject. colour: index into the theme's series. floor: its level, where one is known."""

    title: str
    subject: str
    colour: int
    is_dashed: bool
    raw: Points
    smooth: Points
    floor: float | None


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A panel that has at least one line."""

    panel: Panel
    lines: tuple[Line, ...]
    is_comparison: bool

    @property
    def key(self) -> list[tuple[str, int | None, bool]]:
        """What the page must explain of this plot alone: (signal, colour, is_dashed), colour None for any."""
        entries = [(line.title, None if self.is_comparison else line.colour, line.is_dashed) for line in self.lines]
        distinct = list(dict.fromkeys(entries))
        return distinct if len(distinct) > 1 else []

    @property
    def has_floor(self) -> bool:
        """Whether any line has a floor."""
        return any(line.floor is not None for line in self.lines)

    @property
    def alt(self) -> str:
        """The picture in words."""
        lines = (
            f"{line.subject} {line.title}: {line.smooth[0, 1]:.3g} at step {line.smooth[0, 0]:.0f}, "
            f"{line.smooth[-1, 1]:.3g} at step {line.smooth[-1, 0]:.0f}"
            for line in self.lines
        )
        return f"{self.panel.title} over training steps. {'; '.join(lines)}"


def plots_of(subjects: Sequence[Subject]) -> list[Plot]:
    """The panels that the histories have signals for.

    Colour tells subjects apart, and dashes the second signal; with one subject, colour tells the signals apart.
    """
    several = len(subjects) > 1
    plots = [Plot(panel=panel, lines=tuple(_lines(panel, subjects)), is_comparison=several) for panel in PANELS]
    return [plot for plot in plots if plot.lines]


def _lines(panel: Panel, subjects: Sequence[Subject]) -> list[Line]:
    several = len(subjects) > 1
    lines = []
    for position, subject in enumerate(subjects):
        for order, (name, title) in enumerate(panel.signals.items()):
            points = _points(name, subject.history)
            if len(points):
                lines.append(
                    Line(
                        title=title,
                        subject=subject.name,
                        colour=series_index(position if several else order),
                        is_dashed=several and order > 0,
                        raw=_thin(points),
                        smooth=_smooth(points),
                        floor=_floor(f"{name}_floor", subject.history),
                    )
                )
    return lines


def _points(name: str, history: Sequence[Mapping[str, float]]) -> Points:
    """Rows that have the signal, in the order of their steps; a value that is not finite has no place on an axis."""
    pairs = sorted((row["step"], row[name]) for row in history if row.get(name) is not None)
    points: Points = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return points[np.isfinite(points).all(axis=1)]


def _floor(name: str, history: Sequence[Mapping[str, float]]) -> float | None:
    points = _points(name, history)
    return float(points[-1, 1]) if len(points) else None


def _smooth(points: Points) -> Points:
    """Centred moving average, over fewer values at the edges; [at most SMOOTH_POINTS, 2]."""
    reach = round(SMOOTHED_SHARE * len(points) / 2)
    totals = np.concatenate([[0.0], np.cumsum(points[:, 1])])
    rows = np.arange(len(points))
    first, last = np.maximum(rows - reach, 0), np.minimum(rows + reach + 1, len(points))
    smooth = np.stack([points[:, 0], (totals[last] - totals[first]) / (last - first)], axis=1)
    thinned: Points = smooth[np.unique(np.linspace(0, len(points) - 1, SMOOTH_POINTS).round().astype(int))]
    return thinned


def _thin(points: Points) -> Points:
    """At most 2 RAW_BINS points: the lowest and the highest value of each bin, in their order."""
    if len(points) <= 2 * RAW_BINS:
        return points
    kept: set[int] = set()
    for rows in np.array_split(np.arange(len(points)), RAW_BINS):
        values = points[rows, 1]
        kept |= {int(rows[values.argmin()]), int(rows[values.argmax()])}
    return points[sorted(kept)]
