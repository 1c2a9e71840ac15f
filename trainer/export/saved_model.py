"""Writes a SavedModel without what differs at each save and what nobody reads. Runs under TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf


def write(module: tf.Module, folder: Path, signatures: dict[str, Any]) -> None:
    """Write `module` with its signatures, concrete functions by name, into a folder."""
    tf.saved_model.save(module, str(folder), signatures=signatures)
    (folder / "fingerprint.pb").unlink(missing_ok=True)  # TensorFlow's own, random at each save
    (folder / "assets").rmdir()  # always empty, and lost by whatever copies files alone
