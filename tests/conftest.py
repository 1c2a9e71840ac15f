"""For every test."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

# A shell's background job ignores Ctrl-C, and so would every process that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests run side by side, and tiny networks gain nothing by threads that wait for each other.
for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Numba's cache is no good to two processes that fill it at once: one's index can name the other's machine code, and
# librosa crashes. Each worker has its own.
worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / f"numba-{worker}")

# TensorFlow Serving's messages are in its own package, which the tests take, and generated here for the service:
# one process can't have both.
sys.modules["service.generated.serving.prediction_service_pb2"] = None  # type: ignore[assignment]

# The tests of a file share what they start, so that a file is for one worker. The longest go first: none is left alone
# with one of them at the end.
LONGEST = (
    "test_bare_machine", "test_systems", "test_vocoders", "test_commands", "test_lifecycle", "test_encoders",
    "test_command_line", "test_graph", "test_export", "test_readme", "test_versions", "test_render_everywhere",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
