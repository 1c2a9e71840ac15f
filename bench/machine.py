"""The machine and the packages that the numbers belong to."""

from __future__ import annotations

import datetime as dt
import os
import platform
from importlib import metadata
from typing import Any

from trainer.machine import cores, cpu_model

PACKAGES = ("tensorflow", "keras", "jax", "numpy", "librosa", "bentoml", "grpcio")


def describe() -> dict[str, Any]:
    """CPU model, cores, load average over one minute, versions and date."""
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cores": cores(),
        "load": load(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def headline(machine: dict[str, Any]) -> str:
    """The description in two lines."""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    busy = " - BUSY, the numbers will be off" if machine["load"] > machine["cores"] / 4 else ""
    where = f"{machine['cpu']}, {machine['cores']} cores"
    return (
        f"{machine['date']}  {where}, load {machine['load']:.2f} at the start{busy}\n"
        f"Python {machine['python']}, {packages}"
    )


def load() -> float:
    """Load average over one minute."""
    return round(os.getloadavg()[0], 2)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"
