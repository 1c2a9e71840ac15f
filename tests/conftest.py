"""For every test."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# A shell's background job ignores Ctrl-C, and so would every process that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests run side by side, and tiny networks gain nothing by threads that wait for each other.
for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Numba's cache is no good to two processes that fill it at once: one's index can name the other's machine code, and
# librosa crashes. Each worker has its own.
worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / f"numba-{worker}")
