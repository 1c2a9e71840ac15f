"""Training signals: what is drawn, and that thinning and smoothing do not lie."""

from __future__ import annotations

import base64
import math

import numpy as np
import pytest

from tests.trainer.report import material
from trainer.report import theme
from trainer.report.charts import chart_uri
from trainer.report.curves import Plot, plots_of
from trainer.report.subject import Subject


def subject(history: list[dict[str, float]], name: str = "one") -> Subject:
    return Subject(name=name, document={}, history=history)


def losses(values: list[float]) -> Plot:
    (plot,) = plots_of([subject([{"step": step, "critic_loss": value} for step, value in enumerate(values)])])
    return plot


def drawing(plot: Plot) -> str:
    return base64.b64decode(chart_uri(plot, theme.LIGHT).partition(",")[2]).decode()


def test_every_signal_has_a_panel_and_a_missing_one_has_none() -> None:
    titles = [plot.panel.title for plot in plots_of([subject(material.history())])]
    assert titles[:3] == ["Losses", "Critic's verdict on real clips", "Real above generated"]
    assert len(titles) == 9
    assert [plot.panel.title for plot in plots_of([subject([{"step": 1, "augmentation": 0.5}])])] == [
        "Augmentation strength"
    ]
    assert plots_of([subject([])]) == []


def test_a_level_signal_stays_level_when_smoothed() -> None:
    (line,) = losses([3.0] * 1_000).lines
    assert np.abs(line.smooth[:, 1] - 3.0).max() < 1e-9
    assert (line.smooth[0, 0], line.smooth[-1, 0]) == (0, 999)


def test_thinning_keeps_every_spike() -> None:
    values = [0.0] * 5_000
    values[1_234], values[4_321] = 9.0, -7.0
    (line,) = losses(values).lines
    assert len(line.raw) <= 300
    assert [1_234, 9.0] in line.raw.tolist()
    assert [4_321, -7.0] in line.raw.tolist()


def test_few_values_are_drawn_as_they_are() -> None:
    (line,) = losses([1.0, 5.0, 2.0]).lines
    assert line.smooth.tolist() == line.raw.tolist() == [[0, 1.0], [1, 5.0], [2, 2.0]]


def test_values_that_are_not_finite_have_no_place() -> None:
    (line,) = losses([1.0, math.nan, 2.0, math.inf]).lines
    assert line.raw.tolist() == [[0, 1.0], [2, 2.0]]


def test_colour_tells_subjects_apart_and_dashes_the_signals() -> None:
    alone = plots_of([subject(material.history())])[0]
    assert [(line.title, line.colour, line.is_dashed) for line in alone.lines] == [
        ("critic", 0, False),
        ("generator", 1, False),
    ]
    assert alone.key == [("critic", 0, False), ("generator", 1, False)]
    both = plots_of([subject(material.history()), subject(material.history(level=2.0), "two")])[0]
    assert [(line.subject, line.colour, line.is_dashed) for line in both.lines] == [
        ("one", 0, False),
        ("one", 0, True),
        ("two", 1, False),
        ("two", 1, True),
    ]
    assert both.key == [("critic", None, False), ("generator", None, True)]


def test_the_distance_stands_beside_its_floor() -> None:
    (plot,) = [plot for plot in plots_of([subject(material.history())]) if "Distance" in plot.panel.title]
    assert plot.lines[0].floor == 0.4
    assert plot.has_floor
    unmarked = losses([1.0, 2.0])
    assert not unmarked.has_floor
    assert "held-out" not in unmarked.alt


def test_a_chart_draws_smooth_over_raw_in_the_theme() -> None:
    drawn = drawing(losses([float(step % 7) for step in range(500)]))
    assert drawn.count(f"stroke: {theme.LIGHT.series[0]}") == 2
    assert "stroke-opacity" in drawn
    assert "http://www.w3.org/2000/svg" in drawn
    assert "matplotlib.org" not in drawn


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [-1.0, 1.0], [1e-12, 1e12], [5.0] * 100])
@pytest.mark.parametrize("name", ["critic_loss", "penalty", "distance", "real_sign"])
def test_any_history_can_be_drawn(name: str, values: list[float]) -> None:
    (plot,) = plots_of([subject([{"step": step, name: value} for step, value in enumerate(values)])])
    assert "<svg" in drawing(plot)


def test_both_themes_have_as_many_colours_with_contrast() -> None:
    assert len(theme.LIGHT.series) == len(theme.DARK.series)
    for shades in (theme.LIGHT, theme.DARK):
        for name in ("ink", "muted", "accent", "good"):
            assert contrast(getattr(shades, name), shades.surface) >= 4.5, name
            assert contrast(getattr(shades, name), shades.paper) >= 4.5, name
        assert contrast(shades.caution, shades.caution_paper) >= 4.5
        assert min(contrast(colour, shades.surface) for colour in shades.series) >= 3.0


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast of two colours #rrggbb."""
    dark, light = sorted(luminance(colour) for colour in (first, second))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
