"""The image, built by `make container` as anybody would, also where no registry of images can be reached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.container import engine
from bench.server import ServerFailed
from tests.service.conftest import ROOT

BASE = "python:3.11-slim"
# What podman needs on a machine without systemd.
PODMAN = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
volumes = {mounts}
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of the image, IMAGE or built now; skip where nothing can build and run one."""
    try:
        name = engine()
    except ServerFailed as reason:
        pytest.skip(f"NO IMAGE WAS TESTED: {reason}")
    built = os.environ.get("IMAGE")
    if name == "podman":
        folder = tmp_path_factory.mktemp("podman")
        os.environ["CONTAINERS_CONF"] = str(podman_configuration(folder, [] if built else fetch_wheels(folder)))
    if built:
        return built
    if not has_base(name):
        make_base(name)
    venv = Path(sys.prefix)
    subprocess.run(["make", "bento", f"VENV={venv}"], cwd=ROOT, check=True)
    subprocess.run(["bash", "deploy/container/build.sh"], cwd=ROOT, env={**os.environ, "VENV": str(venv)}, check=True)
    return "latentone:latest"


def has_base(name: str) -> bool:
    """Return whether the base image is here or comes when it is asked for."""
    here = subprocess.run([name, "image", "inspect", BASE], capture_output=True, check=False).returncode == 0
    return here or subprocess.run([name, "pull", BASE], capture_output=True, check=False).returncode == 0


def make_base(name: str) -> None:
    """Make one of Debian's packages."""
    if os.geteuid() or not shutil.which("mmdebstrap") or name != "podman":
        pytest.skip(f"NO IMAGE WAS TESTED: {name} can't get {BASE}, and making one takes root, podman and mmdebstrap")
    subprocess.run(["bash", "tests/deploy/base_image.sh", name], cwd=ROOT, check=True)


def fetch_wheels(folder: Path) -> list[str]:
    """Fetch what the image installs with this machine's pip; return the mounts where a build's pip finds that."""
    locked = ["--no-deps", "--require-hashes", "-r", "requirements-container.txt"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--only-binary=:all:"]
    subprocess.run([*pip, "-d", folder, *locked], cwd=ROOT, check=True)
    (folder / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    return [f"{folder}:/wheels:ro", f"{folder}/pip.conf:/etc/pip.conf:ro"]


def podman_configuration(folder: Path, mounts: list[str]) -> Path:
    """Write one of our own, whatever this machine's says."""
    place = folder / "containers.conf"
    place.write_text(PODMAN.format(mounts=json.dumps(mounts)))
    return place
