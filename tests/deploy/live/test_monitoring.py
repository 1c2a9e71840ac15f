"""Prometheus and Alertmanager as deploy/ sets them up, over real services: every query has data, and alerts arrive."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.deploy.live import daemons
from tests.deploy.live.conftest import BROKEN
from tests.deploy.live.daemons import DEPLOY, ROOT, Daemon
from tests.service.conftest import Server, free_port

RULES = [
    rule
    for file in (DEPLOY / "prometheus/rules").iterdir()
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
]
BOARD = json.loads((DEPLOY / "grafana/dashboards/latentone.json").read_text())
QUERIES = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])]
# The autoscaler's, as the adapter asks for it.
(SCALING,) = yaml.safe_load((DEPLOY / "kubernetes/monitoring/adapter.yaml").read_text())["rules"]["custom"]
# What Grafana and the adapter put into queries.
CHOSEN = {
    "$instance": ".*",
    "$model": ".*",
    "$__rate_interval": "10s",
    "<<.GroupBy>>": "instance",
    "<<.Series>>": "latentone_in_flight",
    "<<.LabelMatchers>>": 'job="latentone"',
}
PATIENCE_S = 30.0
BUSY_TRIES = 20


@dataclass
class Hook:
    """Where alerts arrive, as they came."""

    port: int = 0
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def heard(self, name: str, status: str) -> dict[str, str] | None:
        """Return the labels of an alert that is firing or resolved; None where it has not come."""
        came = (alert["labels"] for alert in self.alerts if alert["status"] == status)
        return next((labels for labels in came if labels["alertname"] == name), None)


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    """Listen."""
    heard = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.alerts += json.loads(self.rfile.read(int(self.headers["content-length"])))["alerts"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield heard
        server.shutdown()


@pytest.fixture(scope="module")
def manager(hook: Hook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Alertmanager with the committed configuration, its webhook put in, and return its address."""
    program, folder, port = daemons.alertmanager(), tmp_path_factory.mktemp("alertmanager"), free_port()
    text = (DEPLOY / "alertmanager/alertmanager.yml").read_text()
    text = re.sub(r"# (?=webhook_configs|  - url)", "", text).replace(
        "https://chat.example.org", f"http://127.0.0.1:{hook.port}"
    )
    text = re.sub(r"(group_wait|group_interval): \S+", r"\1: 100ms", text)
    (folder / "alertmanager.yml").write_text(text)
    options = {
        "config.file": folder / "alertmanager.yml",
        "storage.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "cluster.listen-address": "",
    }
    daemon = Daemon([program, *(f"--{name}={value}" for name, value in options.items())], folder / "log")
    daemon.wait_until(lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
    yield f"127.0.0.1:{port}"
    daemon.stop()


@pytest.fixture(scope="module")
def prometheus(
    computing: Server, front: Server, manager: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Run Prometheus with the committed configuration and rules at a quicker pace, and return a client of it."""
    program, folder, port = daemons.prometheus(), tmp_path_factory.mktemp("prometheus"), free_port()
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"}
    (job,) = config["scrape_configs"]
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{server.http_port}" for server in (computing, front)]
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [manager]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "rules").mkdir()
    for file in (DEPLOY / "prometheus/rules").iterdir():
        (folder / "rules" / file.name).write_text(re.sub(r"for: \S+", "for: 0s", file.read_text()))
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    make_traffic(computing, front)  # so that all series are there when they are first scraped
    daemon = Daemon([program, *(f"--{name}={value}" for name, value in options.items())], folder / "log")
    daemon.wait_until(lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    daemon.stop()


def answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


def make_traffic(computing: Server, front: Server) -> None:
    """Ask for all that is watched: operations, an answer that is kept, mistakes, a full queue, a fleet's failure."""
    for server in (computing, front):
        for _ in range(2):
            server.generate(seed=1, label="7").raise_for_status()
        server.stub.Generate(pb.GenerateRequest(seed=1))
        features = server.http.post("/v1/sample", json={"seed": 1}).raise_for_status()
        sound = server.http.post("/v1/decode", content=features.content).raise_for_status()
        server.http.post("/v1/analyse", content=sound.content).raise_for_status()
        assert server.generate(model="nope").status_code == 404
    assert front.generate(model="ghost").status_code in {404, 503}
    with ThreadPoolExecutor(4) as pool:
        for _ in range(BUSY_TRIES):
            if 429 in pool.map(lambda _: computing.generate(count=8).status_code, range(4)):
                return
    pytest.fail("the queue never was full")


def ask(client: httpx.Client, query: str) -> list[float]:
    """Return the values that a query has now, without those that are no numbers."""
    answer = client.get("/api/v1/query", params={"query": query}).raise_for_status().json()
    return [value for series in answer["data"]["result"] if not math.isnan(value := float(series["value"][1]))]


def filled_in(query: str) -> str:
    """Return a query as Prometheus gets it."""
    for name, chosen in CHOSEN.items():
        query = query.replace(name, chosen)
    return query


def test_the_configuration_and_the_rules_are_valid() -> None:
    subprocess.run([daemons.promtool(), "check", "config", DEPLOY / "prometheus/prometheus.yml"], check=True)


def test_every_alert_fires_when_it_should_and_not_when_it_should_not() -> None:
    tests = sorted((DEPLOY / "prometheus/tests").iterdir())
    done = subprocess.run([daemons.promtool(), "test", "rules", *tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    read = [test for file in tests for test in yaml.safe_load(file.read_text())["tests"]]
    cases = [case for test in read for case in test.get("alert_rule_test", [])]
    for name in {rule["alert"] for rule in RULES if "alert" in rule}:
        expected = {bool(case["exp_alerts"]) for case in cases if case["alertname"] == name}
        assert expected == {True, False}, f"{name} has no test that it fires, or none that it does not"


def test_every_alert_is_explained() -> None:
    for rule in RULES:
        if "alert" in rule:
            path, _, section = rule["annotations"]["runbook_url"].partition("#")
            headings = re.findall(r"^## (\w+)$", (ROOT / path).read_text(), flags=re.MULTILINE)
            assert section == rule["alert"].lower()
            assert section in [heading.lower() for heading in headings]


def test_every_query_of_the_dashboard_the_rules_and_the_adapter_has_data(
    prometheus: httpx.Client, computing: Server, front: Server
) -> None:
    asked = [*QUERIES, *(rule["record"] for rule in RULES if "record" in rule), SCALING["metricsQuery"]]
    assert len(asked) > 30
    queries = {query: filled_in(query) for query in asked}
    end = time.monotonic() + PATIENCE_S
    missing = set(queries)
    while missing and time.monotonic() < end:
        make_traffic(computing, front)
        time.sleep(1)
        missing = {name for name in missing if not ask(prometheus, queries[name])}
    assert not missing


def test_an_alert_goes_from_a_refused_model_to_a_webhook_and_is_taken_back(
    prometheus: httpx.Client, front: Server, contracts: Path, hook: Hook
) -> None:
    name = "LatentoneModelRefused"
    front.wait_until(lambda: hook.heard(name, "firing") is not None)
    labels = hook.heard(name, "firing")
    assert labels == {
        "alertname": name,
        "job": "latentone",
        "model": "digits",
        "version": BROKEN,
        "severity": "ticket",
    }
    shutil.rmtree(contracts / "digits" / BROKEN)
    front.wait_until(lambda: hook.heard(name, "resolved") == labels)
    front.wait_until(lambda: ask(prometheus, "sum(latentone_ready)") == [2])
