"""Programs of others, found or loudly missed, and run on free ports."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
READY_S = 30.0


def program(*names: str, package: str) -> str:
    """Return the path of a program, or skip the test and say what to install; names: what distributions call it."""
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(f"NOT CHECKED: {names[0]} is not installed; on Debian: apt-get install {package}")


def prometheus() -> str:
    """Return Prometheus."""
    return program("prometheus", package="prometheus")


def promtool() -> str:
    """Return its tool."""
    return program("promtool", package="prometheus")


def alertmanager() -> str:
    """Return Alertmanager."""
    return program("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")


def haproxy() -> str:
    """Return HAProxy."""
    return program("haproxy", package="haproxy")


class Daemon:
    """A program that runs until `stop`."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for the condition, or fail with the log."""
        end = time.monotonic() + READY_S
        while not condition():
            if time.monotonic() > end or self._process.poll() is not None:
                pytest.fail(f"it did not get there:\n{self._log.read_text()[-5000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=20)
