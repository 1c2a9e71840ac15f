"""What a person sees and hears of a run: progress bar, TensorBoard, pictures and sounds."""

from __future__ import annotations

import contextlib
import math
import time
from types import TracebackType
from typing import Any, Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from trainer import checkpoint, pictures, wav
from trainer.evaluation.warnings import warnings
from trainer.history import History
from trainer.run import Run
from trainer.views.view import Glance, View

SHORT = {"critic_loss": "critic", "generator_loss": "generator", "real_sign": "D(real)"}  # scores beside the bar
GROWING_UP = 3  # previews of a sitting in which alike samples are no sign of anything
LOG_SECONDS = 30.0  # between lines where there is no terminal for a bar


class Preview:
    """Watches a run; a context manager, because the progress bar and the logs must be closed."""

    def __init__(self, run: Run, view: View, console: Console, *, resume: bool) -> None:
        self.run, self.console = run, console
        self.view = view
        done = checkpoint.load(run.folder)[1][0] if resume else 0
        self.history = History(run.folder, before=done)
        self.tensorboard = _tensorboard(run, console)
        self.logged = time.monotonic()
        self.warned: set[str] = set()
        self.latest: dict[str, float] = {}
        self.previews = 0
        self.has_pictures = pictures.available()
        if not self.has_pictures:
            console.print("matplotlib is not installed: previews are sounds only")
        self.bar = Progress(
            TextColumn("[bold]step {task.completed:.0f}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]} left"),
            console=console,
        )
        self.task = self.bar.add_task("training", total=run.spec.loop.steps, text="compiling the first step", left="?")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()
        self.history.close()
        if self.tensorboard is not None:
            self.tensorboard.close()

    def scores(self, step: int, scores: dict[str, float], left: float) -> None:
        """Move the bar and write the signals down."""
        text = "  ".join(f"{short} {scores[name]:.2f}" for name, short in SHORT.items() if name in scores)
        if "level" in scores:
            text += f"  level {scores['level']:.0f} ({scores['fade']:.0%})"
        self.bar.update(self.task, completed=step + 1, text=text, left=_duration(left))
        if not self.console.is_terminal and time.monotonic() - self.logged >= LOG_SECONDS:
            self.console.print(f"step {step + 1}: {text}, {_duration(left)} left", highlight=False)
            self.logged = time.monotonic()
        self.history.add(step, scores)
        self.latest = scores
        if self.tensorboard is not None:
            for name, value in scores.items():
                self.tensorboard.add_scalar(f"game/{name}", value, step)

    def preview(self, step: int) -> float | None:
        """Write a picture and sounds, and return the distance to the held-out clips."""
        glance = self.view.look(step)
        folder = self.run.folder / "previews"
        wav.write(folder / f"step-{step:06d}.wav", glance.sounds, self.run.spec.audio.sample_rate_hz)
        if self.has_pictures:
            pictures.grid(glance.rows, folder / f"step-{step:06d}.png", titles=glance.titles)
        self._to_tensorboard(step, glance)
        distance = glance.found["distance"]
        if math.isfinite(distance):
            self.history.add(step, glance.found)
        self.console.print(f"step {step}: {glance.text}, preview in {folder}", highlight=False, soft_wrap=True)
        self.previews += 1
        if self.previews > GROWING_UP:
            self._warn(warnings(self.latest | glance.found))
        return distance if math.isfinite(distance) else None

    def _warn(self, sentences: list[str]) -> None:
        """Say each kind of warning once a sitting; the report has them all."""
        for sentence in sentences:
            kind = sentence.split("(")[0].split(":")[0]
            if kind not in self.warned:
                self.warned.add(kind)
                self.console.print(f"[yellow]warning:[/yellow] {sentence}", highlight=False, soft_wrap=True)

    def _to_tensorboard(self, step: int, glance: Glance) -> None:
        if self.tensorboard is None:
            return
        for name, value in glance.found.items():
            self.tensorboard.add_scalar(f"preview/{name}", value, step)
        name, made = next(iter(glance.rows.items()))
        picture = np.concatenate([item.T[::-1] for item in made], axis=1)
        with contextlib.suppress(ImportError):  # tensorboardX wants Pillow and soundfile for these
            self.tensorboard.add_image(f"preview/{name}", (picture + 1.0) / 2.0, step, dataformats="HW")
            rate, sounds = self.run.spec.audio.sample_rate_hz, glance.sounds
            self.tensorboard.add_audio(f"preview/{name}", sounds.reshape(len(sounds), -1), step, sample_rate=rate)


def _tensorboard(run: Run, console: Console) -> Any | None:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        console.print("tensorboardX is not installed: no TensorBoard log")
        return None
    return SummaryWriter(str(run.folder / "tensorboard"))


def _duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
