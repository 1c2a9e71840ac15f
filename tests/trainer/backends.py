"""A function called on both Keras backends: here, and in a process of its own on the one that is not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.autodiff import BACKEND

ROOT = Path(__file__).parents[2]
CALL = """
import importlib, json, sys
module, name, *arguments = sys.argv[1:]
print("ANSWER" + json.dumps(getattr(importlib.import_module(module), name)(*arguments)))
"""


def on_both(function: Callable[..., Any], *arguments: Path) -> dict[str, Any]:
    """Return a function's answers by backend, `tensorflow` and `jax`.

    function: of a module that imports neither backend itself; takes paths and answers what JSON holds.
    """
    texts = [str(argument) for argument in arguments]
    other = {"tensorflow": "jax", "jax": "tensorflow"}[BACKEND]
    done = subprocess.run(
        [sys.executable, "-c", CALL, function.__module__, function.__name__, *texts],
        env={
            **os.environ,
            "KERAS_BACKEND": other,
            "PYTHONPATH": str(ROOT),
            "CUDA_VISIBLE_DEVICES": "-1",
            "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiles in half the time
        },
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("ANSWER"))
    return {BACKEND: function(*texts), other: json.loads(line.removeprefix("ANSWER"))}
