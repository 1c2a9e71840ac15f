"""How a panel of the dashboard is made: a title, a unit, and what is asked of Prometheus."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions, VizTooltipOptions
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH = 24  # of the page, in Grafana's columns


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What every panel has. unit: in Grafana's names. queries: PromQL by legend."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    text: str = ""
    width: int = 8
    height: int = 8


@dataclass(frozen=True, kw_only=True)
class Lines(Panel):
    """Numbers over time."""


@dataclass(frozen=True, kw_only=True)
class Number(Panel):
    """The latest number, large. red_above, red_below: where it is no good any more."""

    width: int = 4
    height: int = 4
    red_above: float | None = None
    red_below: float | None = None


@dataclass(frozen=True, kw_only=True)
class States(Panel):
    """States over time. states: text and colour by number."""

    states: dict[int, tuple[str, str]]


Drawn = timeseries.Panel | stat.Panel | statetimeline.Panel


def draw(panel: Panel) -> Drawn:
    """Return the panel as Grafana's library builds it."""
    drawn = _kind(panel)
    drawn = drawn.title(panel.title).unit(panel.unit).span(panel.width).height(panel.height).datasource(SOURCE)
    if panel.text:
        drawn = drawn.description(panel.text)
    for letter, (legend, query) in zip("ABCDEFGH", panel.queries.items(), strict=False):
        drawn = drawn.with_target(prometheus.Dataquery().ref_id(letter).expr(query).legend_format(legend))
    return drawn


def _kind(panel: Panel) -> Drawn:
    if isinstance(panel, Number):
        latest = ReduceDataOptions().calcs(["lastNotNull"])
        return stat.Panel().reduce_options(latest).thresholds(_thresholds(panel))
    if isinstance(panel, States):
        results = {
            str(value): ValueMappingResult(text=text, color=colour) for value, (text, colour) in panel.states.items()
        }
        mappings: list[ValueMapping] = [ValueMap(options=results)]
        return statetimeline.Panel().mappings(mappings).show_value(VisibilityMode.NEVER).row_height(0.8)
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    lines = timeseries.Panel().min(0).legend(legend).show_points(VisibilityMode.NEVER).fill_opacity(8)
    return lines.tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI))


def _thresholds(panel: Number) -> board.ThresholdsConfig:
    steps = [Threshold(value=None, color="green")]
    if panel.red_above is not None:
        steps.append(Threshold(value=panel.red_above, color="red"))
    if panel.red_below is not None:
        steps = [Threshold(value=None, color="red"), Threshold(value=panel.red_below, color="green")]
    return board.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
