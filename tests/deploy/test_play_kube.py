"""The Deployment of deploy/kubernetes as podman plays it, on the image of `make container`: `make test-kube`."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub
from tests.deploy.live.daemons import program
from tests.deploy.test_kubernetes import build, container, pods
from tests.service.conftest import free_port

pytestmark = pytest.mark.skipif("KUBE" not in os.environ, reason="NOT CHECKED HERE: make test-kube runs the Deployment")

PLACE = "overlays/cpu"
NAME = "latentone-pod-0-latentone"
READY_S = 120.0
# What podman needs on a machine without systemd.
PODMAN = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


def podman(*arguments: str) -> str:
    """Return what podman says."""
    done = subprocess.run(
        [program("podman", package="podman"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def inside(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the container."""
    return subprocess.run(["podman", "exec", NAME, *command], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Return a free port for each of the container's."""
    return {port["name"]: free_port() for port in container(PLACE)["ports"]}


@pytest.fixture(scope="module")
def played(ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Play the Deployment with its ConfigMap, and return its ports when it is ready."""
    folder = tmp_path_factory.mktemp("play")
    if not Path("/run/systemd/private").exists():
        (folder / "containers.conf").write_text(PODMAN)
        os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")
    for port in container(PLACE)["ports"]:
        port |= {"hostPort": ports[port["name"]], "hostIP": "127.0.0.1"}
    # podman asks by a curl of the image's own, which has none; the readiness that is asked below is the same loop's.
    del container(PLACE)["livenessProbe"]
    wanted = [found for found in build(PLACE) if found["kind"] in {"ConfigMap", "Deployment"}]
    (folder / "pod.yaml").write_text(yaml.safe_dump_all(wanted))
    podman("play", "kube", str(folder / "pod.yaml"))
    end = time.monotonic() + READY_S
    while not ready(ports["admin"]):
        assert time.monotonic() < end, podman("logs", NAME)
        time.sleep(0.2)
    yield ports
    podman("play", "kube", "--down", str(folder / "pod.yaml"))


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_it_answers_on_both_transports(played: dict[str, int]) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{played['grpc']}") as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        (clip,) = SynthesizerStub(channel).Generate(pb.GenerateRequest(model="digits", seed=1, label="7")).clips
    fields = {"model": "digits", "seed": 1, "label": "7"}
    assert httpx.post(f"http://127.0.0.1:{played['http']}/v1/generate", json=fields).content == clip.audio
    assert "latentone_in_flight" in httpx.get(f"http://127.0.0.1:{played['admin']}/metrics").text


def test_it_may_no_more_than_the_manifest_says(played: dict[str, int]) -> None:
    spec = pods(PLACE)["latentone"]["spec"]
    assert inside("id", "-u").stdout.strip() == str(spec["securityContext"]["runAsUser"])
    assert inside("touch", "/app/written").returncode != 0
    assert inside("touch", "/tmp/written").returncode == 0
    status = dict(line.split(":\t", 1) for line in inside("cat", "/proc/1/status").stdout.splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    limits: dict[str, Any] = json.loads(podman("inspect", NAME))[0]["HostConfig"]
    assert limits["Memory"] == int(container(PLACE)["resources"]["limits"]["memory"].removesuffix("Mi")) * 2**20


def test_it_drains_within_its_grace_and_exits_0(played: dict[str, int]) -> None:
    grace_s = pods(PLACE)["latentone"]["spec"]["terminationGracePeriodSeconds"]
    podman("stop", "--time", str(grace_s), NAME)
    state = json.loads(podman("inspect", NAME))[0]["State"]
    assert (state["Status"], state["ExitCode"], state["OOMKilled"]) == ("exited", 0, False)
