"""The service's engine called directly, in a process of its own: what no transport can beat."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.child import serve
from bench.sampling import rounds

_engines: list[Any] = []


def answer(do: str, **question: Any) -> Any:
    """`open` a model, then `time` calls of it."""
    return open_model(**question) if do == "open" else time_calls(**question)


def open_model(folder: str, threads: int) -> list[str]:
    """Load a version folder as the service does, with so many threads (0: one a core); return the signatures."""
    from service.contract import read_contract
    from service.engine import SavedModel

    contract = read_contract(Path(folder))
    _engines.append(SavedModel(Path(folder), contract, threads=threads, op_threads=1))
    return sorted(contract.signatures)


def time_calls(signature: str, batch: int, seconds: float, callers: int = 1) -> dict[str, Any]:
    """Call from `callers` threads for so many seconds.

    Returns: the seconds of each call, and of all together.
    """
    (engine,) = _engines
    inputs = _inputs(engine, signature, batch)
    engine.run(signature, inputs)
    taken: list[float] = []

    def call() -> None:
        for _ in rounds(seconds, at_least=2):
            start = time.perf_counter()
            engine.run(signature, inputs)
            taken.append(time.perf_counter() - start)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"calls": taken, "wall": time.perf_counter() - start}


def _inputs(engine: Any, signature: str, batch: int) -> dict[str, Any]:
    contract = engine.contract
    rng = np.random.default_rng(0)
    if signature in ("generate", "sample"):
        inputs = {"latent": rng.standard_normal((batch, contract.latent.size), dtype="float32")}
        labels = {"label": np.arange(batch, dtype="int32") % len(contract.labels)} if contract.labels else {}
        return inputs | labels
    features = engine.run("sample", _inputs(engine, "sample", batch))
    return {"features": features}


if __name__ == "__main__":
    serve(answer)
