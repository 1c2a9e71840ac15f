"""Every system, as published and for small data: latent to waveform on one thread, side by side."""

from __future__ import annotations

from bench.child import Child
from bench.report import Cell, Measurement, Table
from bench.sampling import median
from bench.workbench import Workbench

SMALL = ("digits", "street", "wavegan_small", "specgan_small", "gansynth_small")
PUBLISHED = ("wavegan", "specgan", "gansynth", "report")
ROUNDS = 3


def measure(bench: Workbench) -> Measurement:
    """Time each exported generator with fresh weights, in turn."""
    names = (*SMALL, *PUBLISHED)
    samples: dict[str, list[float]] = {name: [] for name in names}
    with Child("bench.systems_process", {"KERAS_BACKEND": "tensorflow"}) as child:
        facts = {name: child.ask(do="open", recipe=name) for name in names}
        for _ in range(ROUNDS):
            for name in names:
                samples[name] += child.ask(do="time", recipe=name, seconds=bench.seconds / (ROUNDS * len(names)))
    base = median(samples["digits"]) / facts["digits"]["clip_seconds"]
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        taken, seconds = median(samples[name]), facts[name]["clip_seconds"]
        million, megabytes = facts[name]["weights"] / 1e6, facts[name]["bytes"] / 1e6
        rows.append((name, million, megabytes, seconds, 1000 * taken, seconds / taken, taken / seconds / base))
    columns = ("recipe", "weights, M", "MB", "clip, s", "ms a clip", "x real time", "cost of a second, x digits")
    note = "fresh weights, one clip a call, one thread. Medians, interleaved"
    return Measurement("systems", [Table("Latent to waveform, by system", columns, rows, note)], dict(samples))
