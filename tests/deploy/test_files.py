"""What compose.yaml, the Dockerfile and the lock of the image say, held to the rest of the project."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from service.settings import PREFIX, Settings
from tests.service.conftest import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "deploy" / "container" / "Dockerfile").read_text()
# Of what `make serve` installs: Keras and what TensorFlow asks for beside it, the other build, clients' packages.
LEFT_OUT = {"keras", "h5py", "libclang", "namex", "optree", "tensorflow", "tensorflow-serving-api", "shtab"}


def pins(name: str) -> dict[str, set[str]]:
    """Return the versions that a lock has of each package, with the Pythons that they are for."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line[:1].isalnum():
            package, _, version = line.rstrip(" \\").partition("==")
            found.setdefault(package, set()).add(version)
    return found


def test_the_image_has_the_versions_that_the_tests_ran_with() -> None:
    served, shipped = pins("requirements.txt"), pins("requirements-container.txt")
    assert shipped.pop("tensorflow-cpu") == served["tensorflow"]
    assert set(served) - set(shipped) == LEFT_OUT
    assert shipped == {name: served[name] for name in shipped}


def test_the_image_and_compose_set_only_what_is_a_setting() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", DOCKERFILE + (ROOT / "compose.yaml").read_text()))
    assert named
    assert named <= known


def test_what_compose_mounts_is_there() -> None:
    mounts = [mount for service in COMPOSE["services"].values() for mount in service["volumes"]]
    places = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(places) > 5
    missing = [place for place in places if not (ROOT / place).exists()]
    assert not missing


def test_what_compose_opens_is_for_this_machine_alone() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service["ports"]]
    assert {"127.0.0.1:3000:3000", "127.0.0.1:3001:3001"} < set(ports)
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_waits_for_the_longest_drain() -> None:
    defaults = Settings.model_fields
    longest = defaults["lame_duck_seconds"].default + defaults["drain_seconds"].default
    grace = COMPOSE["services"]["latentone"]["stop_grace_period"].removesuffix("s")
    assert int(grace) > longest
    assert f"compose.sh down -t {grace}\n" in (ROOT / "Makefile").read_text()  # podman-compose does not read the other


def test_compose_s_own_program_reads_it() -> None:
    command = ["docker", "compose"]
    if not shutil.which("docker") or subprocess.run([*command, "version"], capture_output=True, check=False).returncode:
        pytest.skip("COMPOSE.YAML WAS NOT READ by docker compose, which is not here; make test-container runs it")
    read = subprocess.run([*command, "config"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(yaml.safe_load(read.stdout)["services"]) == set(COMPOSE["services"])
