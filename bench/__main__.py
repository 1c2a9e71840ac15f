"""`python -m bench [names...]`: measure, print, and say which aims are met."""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine
from bench.child import ChildFailed
from bench.report import Measurement, show, show_summary
from bench.server import ServerFailed
from bench.workbench import NoModelError, Workbench

NAMES = ("decoder", "generation", "systems", "latency", "streams", "startup", "training")
WIDTH = 150  # of tables that do not go to a terminal
INTERRUPTED = 130


def main() -> None:
    """Exit 0 whether aims are met or not, 1 where a measurement failed, 130 after Ctrl-C."""
    options = _parser().parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    about = machine.describe()
    console.print(machine.headline(about), highlight=False, soft_wrap=True)
    scratch = Path(tempfile.mkdtemp(prefix="latentone-bench-"))
    bench = Workbench(scratch, seconds=options.seconds, model=options.model, sounds=options.sounds)
    done: list[Measurement] = []
    for number in (signal.SIGINT, signal.SIGTERM):  # both leave nothing behind
        signal.signal(number, signal.default_int_handler)
    code = 0
    try:
        for name in options.names or NAMES:
            code |= _measure(name, bench, done, console)
    except KeyboardInterrupt:
        console.print("interrupted; what was measured is above")
        code = INTERRUPTED
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        _save(options.json, about, done)
    show_summary(done, console)
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure speed on this machine, side by side. A quiet machine gives numbers worth keeping.",
    )
    help_names = f"what to measure: {', '.join(NAMES)}; all by default"
    parser.add_argument("names", nargs="*", metavar="name", type=_name, help=help_names)
    parser.add_argument("--seconds", type=_seconds, default=20.0, help="about how long each measures (default: 20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save everything, samples included")
    parser.add_argument("--model", type=Path, metavar="DIR", help="model or version folder (default: newest digits)")
    parser.add_argument("--sounds", type=Path, metavar="DIR", help="recordings to decode beside the built-in notes")
    return parser


def _name(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"unknown measurement {text!r}; known: {', '.join(NAMES)}")
    return text


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 600.0:
        raise argparse.ArgumentTypeError("must be in 0.1..600")
    return value


def _measure(name: str, bench: Workbench, done: list[Measurement], console: Console) -> int:
    start = time.monotonic()
    console.print(f"\n[bold]{name}[/bold] (load {machine.load():.2f})", highlight=False)
    try:
        measurement = importlib.import_module(f"bench.{name}").measure(bench)
    except (ChildFailed, ServerFailed, NoModelError) as error:
        console.print(f"{name} failed: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    done.append(measurement)
    show(measurement, console)
    console.print(f"{name} took {time.monotonic() - start:.0f} s", highlight=False)
    return 0


def _save(file: Path | None, about: dict[str, Any], done: list[Measurement]) -> None:
    if file is not None:
        measurements = {measurement.name: measurement.to_json() for measurement in done}
        file.write_text(json.dumps({"machine": about, "measurements": measurements}, indent=1))


if __name__ == "__main__":
    main()
