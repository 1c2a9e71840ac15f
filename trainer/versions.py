"""Versions of what takes part, for run folders and contracts."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform

VERSION = "0.1.0"
PACKAGES = ("keras", "tensorflow", "jax", "numpy", "librosa", "soundfile")


def is_installed(package: str) -> bool:
    """Whether a package can be imported; it is imported to know."""
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def versions() -> dict[str, str]:
    """Versions of latentone, Python and the packages that are installed."""
    found = {"latentone": VERSION, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
