"""Mel to waveform: our decoder beside librosa.feature.inverse.mel_to_audio, its time and its three errors."""

from __future__ import annotations

from typing import Any

from bench.child import ONE_THREAD, Child
from bench.decoder_process import RIVAL, RIVAL_ITERATIONS
from bench.machine import cores
from bench.report import Aim, Cell, Measurement, Table
from bench.sampling import median
from bench.sound_errors import NAMES
from bench.workbench import Workbench

SETTINGS = ((20, 16), (30, 32))  # mel inversion steps, Griffin-Lim iterations
FASTER = 25.0


def measure(bench: Workbench) -> Measurement:
    """Compare with one thread on both sides, and with as many as each takes by itself."""
    users = _users()
    settings = sorted({*SETTINGS, *users})
    sounds = str(bench.sounds.resolve()) if bench.sounds else None
    results: dict[str, list[dict[str, Any]]] = {}
    environment = {"KERAS_BACKEND": "tensorflow"}
    for name, threads, more in (("1", 1, ONE_THREAD), (f"all ({cores()})", 0, {})):
        with Child("bench.decoder_process", {**environment, **more}) as child:
            results[name] = child.ask(threads=threads, seconds=bench.seconds / 2, settings=settings, sounds=sounds)
    named = {f"{steps} + {iterations}": users.get((steps, iterations), "") for steps, iterations in settings}
    tables = [_table(found, threads, named) for threads, materials in results.items() for found in materials]
    return Measurement("decoder", tables, results)


def _users() -> dict[tuple[int, int], str]:
    """Who uses which setting: the default of LogMelSpec and the recipes."""
    from trainer.recipes import RECIPES
    from trainer.specs.representations import LogMelSpec

    specs = {name: recipe.spec.representation for name, recipe in RECIPES.items()}
    mels = {name: spec for name, spec in specs.items() if isinstance(spec, LogMelSpec)}
    users: dict[tuple[int, int], list[str]] = {}
    for name, spec in ({"default": LogMelSpec()} | mels).items():
        users.setdefault((spec.inversion_steps, spec.griffin_lim_iterations), []).append(name)
    return {setting: ", ".join(names) for setting, names in users.items()}


def _table(found: dict[str, Any], threads: str, named: dict[str, str]) -> Table:
    title = f"Decoder against librosa ({RIVAL_ITERATIONS} iterations): {found['material']}, threads: {threads}"
    times = ("mel steps + Griffin-Lim", "ms a clip", "x real time", "faster than librosa", "range")
    columns = (*times, *(f"{name} (ratio)" for name in NAMES), "worst ratio", "used by")
    where = f"one thread, {found['material']}" if threads == "1" else ""
    rows = [_row(name, found, where, named) for name in found["seconds_a_clip"]]
    count = len(found["seconds_a_clip"][RIVAL])
    note = f"{count} rounds, all decoders on one sound and the same mel in turn; medians. Ratios: ours / librosa's"
    if not where:
        note += "\nNot judged: librosa's BLAS threads get in each other's way, the more so on a busy machine"
    return Table(title, columns, rows, note)


def _row(name: str, found: dict[str, Any], where: str, named: dict[str, str]) -> tuple[Cell, ...]:
    taken, rival = found["seconds_a_clip"][name], found["seconds_a_clip"][RIVAL]
    errors, rival_errors = found["errors"][name], found["errors"][RIVAL]
    own = 1000 * median(taken)
    speed = 1000 * found["clip_seconds"] / own
    if name == RIVAL:
        return (name, own, speed, "1.0x", "", *(f"{error:.3f}" for error in errors), "", "")
    ratios = [error / reference for error, reference in zip(errors, rival_errors, strict=True)]
    faster = sorted(theirs / ours for theirs, ours in zip(rival, taken, strict=True))
    cells = (f"{error:.3f} ({ratio:.2f})" for error, ratio in zip(errors, ratios, strict=True))
    headline = bool(named[name])  # what nobody uses is there to show the trade
    what = f"decoder {name} ({named[name]}), {where}"
    time_aim: Cell = f"{median(faster):.1f}x"
    worst: Cell = f"{max(ratios):.2f}"
    if where:
        time_aim = Aim(f"{what}: faster than librosa", median(faster), FASTER, "x", at_most=False, headline=headline)
        worst = Aim(f"{what}: worst error, of librosa's", max(ratios), 1.0, "x", True, digits=2, headline=headline)
    return (name, own, speed, time_aim, f"{faster[0]:.1f} to {faster[-1]:.1f}", *cells, worst, named[name])
