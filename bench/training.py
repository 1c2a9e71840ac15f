"""Training steps a second of the `digits` recipe, on both backends."""

from __future__ import annotations

from typing import Any

from bench.child import Child
from bench.report import Cell, Measurement, Table
from bench.sampling import median
from bench.workbench import Workbench

RECIPE = "digits"
BACKENDS = ("tensorflow", "jax")


def measure(bench: Workbench) -> Measurement:
    """Run each backend in a process of its own."""
    found: dict[str, dict[str, Any]] = {}
    for backend in BACKENDS:
        with Child("bench.training_process", {"KERAS_BACKEND": backend}) as child:
            folder = str(bench.scratch / "training")
            found[backend] = child.ask(recipe=RECIPE, folder=folder, seconds=bench.seconds / len(BACKENDS))
    return Measurement("training", [_table(found)], found)


def _table(found: dict[str, dict[str, Any]]) -> Table:
    speeds = {backend: 1.0 / _mean_step(result) for backend, result in found.items()}
    first = speeds[BACKENDS[0]]
    rows: list[tuple[Cell, ...]] = []
    for backend, result in found.items():
        plain, speed = median(result["plain_seconds"]), speeds[backend]
        penalty = 1000 * median(result["penalty_seconds"]) if result["penalty_seconds"] else "-"
        ratio, compiling = f"{speed / first:.2f}x", result["compile_seconds"]
        rows.append((backend, speed, ratio, speed * result["batch"], 1000 * plain, penalty, compiling))
    columns = ("backend", "steps a second", f"x {BACKENDS[0]}", "clips a second", "plain step, ms", "with penalty, ms")
    one = next(iter(found.values()))
    note = f"batch {one['batch']}, penalty every {one['penalty_every']} steps, {one['device']}; compilation not counted"
    return Table(f"Training, recipe {RECIPE} on built-in notes", (*columns, "compiling, s"), rows, note)


def _mean_step(result: dict[str, Any]) -> float:
    """Seconds of a step on average over a run, where every so many carry a penalty."""
    plain, every = median(result["plain_seconds"]), result["penalty_every"]
    if not every:
        return float(plain)
    return float(((every - 1) * plain + median(result["penalty_seconds"])) / every)
