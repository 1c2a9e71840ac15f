"""Latent to waveform: how much faster than it plays, by batch and threads."""

from __future__ import annotations

from typing import Any

from bench.child import Child
from bench.machine import cores
from bench.report import Cell, Measurement, Table
from bench.sampling import median
from bench.workbench import Model, Workbench

BATCHES = (1, 8, 32)
ROUNDS = 3


def measure(bench: Workbench) -> Measurement:
    """Time the engine alone, with one thread and with all."""
    model = bench.model
    with Child("bench.engine_process") as one, Child("bench.engine_process") as every:
        engines = {"1": one, f"all ({cores()})": every}
        for engine, threads in ((one, 1), (every, 0)):
            signatures = engine.ask(do="open", folder=str(model.folder), threads=threads)
        samples = _interleaved(engines, ["generate", *{"sample"} & set(signatures)], bench.seconds)
    return Measurement(
        "generation", [_table(model, samples)], {"model": model.title, "seconds_a_call": _named(samples)}
    )


Samples = dict[tuple[str, int, str], list[float]]


def _interleaved(engines: dict[str, Child], signatures: list[str], seconds: float) -> Samples:
    samples: Samples = {}
    each = seconds / (ROUNDS * len(engines) * len(BATCHES) * len(signatures))
    for _ in range(ROUNDS):
        for batch in BATCHES:
            for threads, engine in engines.items():
                for signature in signatures:
                    timed = engine.ask(do="time", signature=signature, batch=batch, seconds=each)
                    samples.setdefault((threads, batch, signature), []).extend(timed["calls"])
    return samples


def _table(model: Model, samples: Samples) -> Table:
    rows: list[tuple[Cell, ...]] = []
    base = median(samples["1", 1, "generate"])
    for threads, batch, signature in samples:
        if signature != "generate":
            continue
        taken = median(samples[threads, batch, signature])
        network = samples.get((threads, batch, "sample"))
        share = f"{100 * median(network) / taken:.0f} %" if network else "-"
        factor = batch * model.clip_seconds / taken
        rows.append((threads, batch, 1000 * taken, 1000 * taken / batch, factor, base * batch / taken, share))
    columns = ("threads", "batch", "ms a call", "ms a clip", "x real time", "x batch 1, one thread", "network's share")
    note = f"clips of {model.clip_seconds:.3f} s; the rest of a call is the decoder. Medians, interleaved"
    return Table(f"Latent to waveform: {model.title}", columns, rows, note)


def _named(samples: Samples) -> dict[str, Any]:
    return {f"{signature}, batch {batch}, threads {threads}": v for (threads, batch, signature), v in samples.items()}
