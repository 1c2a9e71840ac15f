"""Processes of our own that measure: questions in, answers out, a line of JSON each.

Thread counts, backends and Keras' switches hold for a whole process, so whatever varies them needs one for each.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[1]
LONGEST_S = 300.0  # an answer that takes longer will not come
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore"}
# For what does its arithmetic in NumPy and SciPy; TensorFlow is told by its own settings.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class ChildFailed(Exception):  # noqa: N818
    """A measuring process ended before it answered; the text is the end of what it said."""


class Child:
    """A process that runs `serve` in a module of this package."""

    def __init__(self, module: str, environment: Mapping[str, str] | None = None) -> None:
        """Start it. environment: what to change in ours."""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**os.environ, **QUIET, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            start_new_session=True,  # Ctrl-C is for us; we end it
        )

    def __enter__(self) -> Self:
        """Nothing to do: it runs since it was made."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever it does."""
        end_group(self._process)
        self._said.close()

    def ask(self, **question: Any) -> Any:
        """Return its answer.

        Raises: ChildFailed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        patience = threading.Timer(LONGEST_S, end_group, (self._process,))
        patience.start()
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            patience.cancel()
        if not line:
            code = self._process.wait()  # first: it closes its answers before it says why it fails
            self._said.seek(0)
            said = self._said.read()[-3000:].decode(errors="replace")
            raise ChildFailed(f"{said}\nthe process ended with {code}")
        return json.loads(line)


def serve(answer: Callable[..., Any]) -> None:
    """Answer questions from standard input until it is closed. What libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)
        for line in sys.stdin:
            out.write(json.dumps(answer(**json.loads(line))) + "\n")
            out.flush()


def end_group(process: subprocess.Popen[Any]) -> None:
    """Kill a process that was started in a session of its own, with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
