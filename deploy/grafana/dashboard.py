"""The dashboard, described; `python -m deploy.build` writes what Grafana reads.

$instance and $model are chosen on the page. Grafana gives $__rate_interval, at least four times the interval at which
the service is scraped, so that every rate has enough samples.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import VariableRefresh, VariableSort

from deploy.grafana.panels import SOURCE, WIDTH, Lines, Number, Panel, States, draw

HERE = 'instance=~"$instance"'
OF_MODEL = f'{HERE}, model=~"$model"'
QUANTILES = (0.5, 0.95, 0.99)
STATES = {-1: ("refused", "red"), 0: ("unloaded", "gray"), 1: ("loaded", "green")}


def rate(metric: str, by: str, where: str) -> str:
    """Return a query for how fast a counter grows, a second."""
    return f"sum by ({by}) (rate(latentone_{metric}{{{where}}}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str, where: str) -> str:
    """Return a query for a quantile of a histogram."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', f'le, {by}', where)})"


def quantiles(metric: str, by: str, title: str) -> list[Panel]:
    """Return a panel for each quantile of a duration."""
    return [
        Lines(
            title=f"{title}, p{share * 100:g}",
            queries={f"{{{{{by}}}}}": quantile(share, metric, by, OF_MODEL)},
            unit="s",
        )
        for share in QUANTILES
    ]


AT_A_GLANCE: list[Panel] = [
    Number(title="Workers ready", queries={"": f"sum(latentone_ready{{{HERE}}})"}, red_below=1),
    Number(title="Requests a second", queries={"": "sum(job:latentone_requests:rate5m)"}, unit="reqps"),
    Number(
        title="Failing",
        text="Of all requests, within five minutes; above 2 % there is an alert.",
        queries={"": "sum(job:latentone_errors:rate5m) / sum(job:latentone_requests:rate5m)"},
        unit="percentunit",
        red_above=0.02,
    ),
    Number(
        title="Slower than a second",
        text="Of the answers that somebody waits for, within an hour; 1 % may be.",
        queries={"": "max(job:latentone_slow:ratio1h)"},
        unit="percentunit",
        red_above=0.01,
    ),
    Number(
        title="Sound made, times real time",
        queries={"": f"sum(rate(latentone_audio_seconds_total{{{OF_MODEL}}}[$__rate_interval]))"},
    ),
    Number(
        title="Alerts",
        queries={"": 'count(ALERTS{alertname=~"Latentone.*", alertstate="firing"}) or vector(0)'},
        red_above=1,
    ),
]
HOW_FAST = [
    *quantiles("request_duration_seconds", "operation", "Requests"),
    *quantiles("stage_duration_seconds", "stage", "Stages"),
    Lines(
        title="Real-time factor",
        text="Seconds of computing for a second of sound: below 1 is faster than real time.",
        queries={"{{model}}": 'model:latentone_real_time_factor:rate5m{model=~"$model"}'},
        width=12,
    ),
    Lines(
        title="A batch in the model, p95",
        queries={
            "{{model}} {{signature}}": quantile(0.95, "batch_duration_seconds", "model, signature", OF_MODEL),
        },
        unit="s",
        width=12,
    ),
]
HOW_MUCH: list[Panel] = [
    Lines(
        title="Requests",
        queries={
            "{{operation}} {{transport}}": rate("request_duration_seconds_count", "operation, transport", OF_MODEL),
        },
        unit="reqps",
        width=12,
    ),
    Lines(
        title="Sound made, seconds a second",
        queries={"{{model}}": rate("audio_seconds_total", "model", OF_MODEL)},
        width=12,
    ),
]
HOW_FULL: list[Panel] = [
    Lines(title="Items that wait", queries={"{{instance}}": f"latentone_queue_depth{{{HERE}}}"}),
    Lines(title="Requests in flight", queries={"{{instance}}": f"latentone_in_flight{{{HERE}}}"}),
    Lines(
        title="Batches computed at a time",
        text="LATENTONE_ENGINE_CALLS of each worker at most, one a core where it is not set.",
        queries={"{{instance}}": rate("batch_duration_seconds_sum", "instance", HERE)},
    ),
    Lines(
        title="Items in a batch",
        queries={
            "{{model}} mean": f"{rate('batch_size_sum', 'model', OF_MODEL)}"
            f" / {rate('batch_size_count', 'model', OF_MODEL)}",
            "{{model}} p95": quantile(0.95, "batch_size", "model", OF_MODEL),
        },
    ),
    Lines(
        title="Refused",
        queries={"{{reason}}": rate("rejected_total", "reason", f'{HERE}, reason=~"busy|rate_limited|not_ready"')},
        unit="reqps",
    ),
    Lines(
        title="Answers from the cache",
        text="With LATENTONE_CACHE_MB; unchanged: the client had it.",
        queries={"{{result}}": rate("cache_requests_total", "result", HERE)},
        unit="reqps",
    ),
]
HOW_WELL: list[Panel] = [
    Lines(
        title="Answers by code",
        queries={"{{transport}} {{code}}": rate("request_duration_seconds_count", "transport, code", OF_MODEL)},
        unit="reqps",
    ),
    Lines(
        title="Failures by kind",
        queries={"{{reason}}": rate("rejected_total", "reason", f'{HERE}, reason!~"busy|rate_limited|not_ready"')},
        unit="reqps",
    ),
    Lines(
        title="Calls that the fleet failed",
        text="With LATENTONE_BACKEND.",
        queries={"{{code}}": rate("fleet_failures_total", "code", HERE)},
        unit="reqps",
    ),
    States(
        title="Versions of models",
        queries={
            "{{model}} {{version}}": f"-(max by (model, version) (latentone_model_failed{{{OF_MODEL}}}) > 0)"
            f" or max by (model, version) (latentone_model_loaded{{{OF_MODEL}}})",
        },
        states=STATES,
        width=WIDTH,
    ),
]
ROWS = {"How fast": HOW_FAST, "How much": HOW_MUCH, "How full": HOW_FULL, "How well": HOW_WELL}


def choice(name: str) -> QueryVariable:
    """Return what lets a reader choose among the values of a label."""
    every = (
        QueryVariable(name).datasource(SOURCE).query(f"label_values(latentone_request_duration_seconds_count, {name})")
    )
    every = every.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    return every.multi(True).include_all(True).all_value(".*")


def page() -> str:
    """Return the dashboard as Grafana reads it."""
    board = Dashboard("latentone").uid("latentone").tags(["latentone"]).refresh("30s").time("now-1h", "now").readonly()
    board = board.with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    board = board.with_variable(choice("instance")).with_variable(choice("model")).annotations([])
    for panel in AT_A_GLANCE:
        board = board.with_panel(draw(panel))
    for title, panels in ROWS.items():
        board = board.with_row(Row(title))
        for panel in panels:
            board = board.with_panel(draw(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"
