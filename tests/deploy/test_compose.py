"""compose.yaml for real, but for Grafana, which no package registry has; a part of `make test-container`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from bench.container import engine
from latentone_client import Client
from tests.service.conftest import ROOT

if "CONTAINER" not in os.environ:
    pytest.skip("make test-container runs compose.yaml, which takes minutes", allow_module_level=True)

READY_S = 180.0
WATCHED = ("latentone", "prometheus", "alertmanager")
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def compose(*arguments: str) -> None:
    subprocess.run(["bash", "deploy/compose.sh", *arguments], cwd=ROOT, check=True)


def ask(address: str) -> Any:
    """Return the JSON there, or nothing while nobody answers."""
    try:
        return httpx.get(address, timeout=5).raise_for_status().json()
    except httpx.HTTPError:
        return None


def stand_in(name: str, watcher: str) -> None:
    """Build an image from Debian's packages, under the name that compose.yaml has."""
    options = [f"--target={watcher}", "-t", SERVICES[watcher]["image"], "-f", "tests/deploy/Dockerfile.watchers"]
    subprocess.run([name, "build", "--quiet", *options, "tests/deploy"], cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def up(image: str) -> Iterator[None]:
    """Run what `make up` runs, without Grafana."""
    name = engine()
    if name == "podman" and not shutil.which("podman-compose"):
        pytest.skip("COMPOSE.YAML WAS NOT RUN: podman-compose is not here")
    if ask("http://127.0.0.1:3000/v1/models"):
        pytest.skip("COMPOSE.YAML WAS NOT RUN: a service is on port 3000 already")
    for watcher in WATCHED[1:]:
        if subprocess.run([name, "pull", SERVICES[watcher]["image"]], capture_output=True, check=False).returncode:
            stand_in(name, watcher)
    try:
        compose("up", "--detach", *WATCHED)
        yield
    finally:
        compose("down", "-t", "40")


def test_prometheus_sees_the_service_and_alertmanager_and_has_its_rules(up: None) -> None:
    end = time.monotonic() + READY_S
    health = "unknown"
    while health != "up" and time.monotonic() < end:
        time.sleep(1)
        targets = ask("http://127.0.0.1:9090/api/v1/targets") or {"data": {"activeTargets": []}}
        health = " ".join(target["health"] for target in targets["data"]["activeTargets"])
    assert health == "up"
    managers = ask("http://127.0.0.1:9090/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [manager["url"] for manager in managers] == ["http://alertmanager:9093/api/v2/alerts"]
    assert ask("http://127.0.0.1:9090/api/v1/rules")["data"]["groups"]
    assert ask("http://127.0.0.1:9093/api/v2/status")["cluster"]


def test_the_service_answers_with_the_models_of_the_folder(up: None) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        try:
            httpx.get("http://127.0.0.1:3000/readyz", timeout=5).raise_for_status()
            break
        except httpx.HTTPError:
            time.sleep(1)
    with Client("grpc://127.0.0.1:3001") as client:
        assert {model.name for model in client.models()} >= {folder.name for folder in (ROOT / "models").iterdir()}
        assert len(client.generate(model="digits", label="7", seed=3).samples) == 1
