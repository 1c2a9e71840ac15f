"""Every system, as published and for small data, on one thread, side by side: latent or mel to waveform."""

from __future__ import annotations

from bench.child import Child
from bench.report import Aim, Cell, Measurement, Table
from bench.sampling import median
from bench.workbench import Workbench

SMALL = ("digits", "street", "wavegan_small", "specgan_small", "gansynth_small")
PUBLISHED = ("wavegan", "specgan", "gansynth", "report")
VOCODERS = ("melgan", "vocos", "melgan_small", "vocos_small")
FASTER = 8.0  # vocos, of melgan
ROUNDS = 3


def measure(bench: Workbench) -> Measurement:
    """Time each exported network with fresh weights, in turn."""
    generators, names = (*SMALL, *PUBLISHED), (*SMALL, *PUBLISHED, *VOCODERS)
    samples: dict[str, list[float]] = {name: [] for name in names}
    with Child("bench.systems_process", {"KERAS_BACKEND": "tensorflow"}) as child:
        facts = {name: child.ask(do="open", recipe=name) for name in names}
        for _ in range(ROUNDS):
            for name in names:
                samples[name] += child.ask(do="time", recipe=name, seconds=bench.seconds / (ROUNDS * len(names)))
    cost = {name: median(samples[name]) / facts[name]["clip_seconds"] for name in names}  # of a second of sound

    def table(title: str, chosen: tuple[str, ...], base: str) -> Table:
        rows = [(*_row(name, facts[name], cost[name]), cost[name] / cost[base]) for name in chosen]
        columns = ("recipe", "weights, M", "MB", "clip, s", "ms a clip", "x real time", f"cost of a second, x {base}")
        return Table(title, columns, rows, "fresh weights, one clip a call, one thread. Medians, interleaved")

    faster = Aim("vocos: faster than melgan", cost["melgan"] / cost["vocos"], FASTER, "x", at_most=False)
    tables = [
        table("Latent to waveform, by system", generators, "digits"),
        table("Mel to waveform, by vocoder", VOCODERS, "melgan"),
        Table("Both published", ("what", "measured"), [("a second of sound by vocos, of melgan", faster)]),
    ]
    return Measurement("systems", tables, dict(samples))


def _row(name: str, facts: dict[str, float], cost: float) -> tuple[Cell, ...]:
    seconds = facts["clip_seconds"]
    return name, facts["weights"] / 1e6, facts["bytes"] / 1e6, seconds, 1000 * cost * seconds, 1.0 / cost
