"""The training loop: steps, budgets, checkpoints, stopping. It knows nothing of audio."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from trainer import checkpoint
from trainer.autodiff import to_floats
from trainer.errors import LatentoneError
from trainer.specs.run import LoopSpec

StopReason = Literal["steps", "minutes", "early stop", "interrupted"]


class NotFiniteError(LatentoneError):
    """A loss or a weight became infinite or not a number."""


class Game(Protocol):
    """What the loop drives."""

    def step(self, step: int) -> dict[str, Any]:
        """Play one step and return scores."""

    def state(self) -> dict[str, np.ndarray]:
        """Everything to save."""

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over a saved state."""


class Watcher(Protocol):
    """What looks on: progress, logs, previews."""

    def scores(self, step: int, scores: dict[str, float], left: float) -> None:
        """Scores of a step that is done; `left` estimates the seconds to the end of the budget."""

    def preview(self, step: int) -> float | None:
        """Show where training stands; a returned number is a distance: the smallest is kept, the early stop watches."""


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    seconds: float = 0.0
    best: float = math.inf
    stale: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a sitting ended."""

    step: int
    seconds: float
    reason: StopReason


def run(game: Game, spec: LoopSpec, folder: Path, watcher: Watcher, *, resume: bool = False) -> Outcome:
    """Train until a budget ends, the early stop says so, or Ctrl-C; everything is saved in every case.

    Raises: NotFiniteError naming the step; the last good checkpoint stays.
    """
    progress = Progress()
    if resume:
        state, stood = checkpoint.load(folder)
        game.restore(state)
        progress = Progress(*stood)
    with _interruptible() as interrupted:
        return _Sitting(game, spec, folder, watcher, progress).play(interrupted)


class _Sitting:
    """One uninterrupted stretch of a run."""

    def __init__(self, game: Game, spec: LoopSpec, folder: Path, watcher: Watcher, progress: Progress) -> None:
        self.game, self.spec, self.folder, self.watcher = game, spec, folder, watcher
        self.progress = progress
        self.before = progress.seconds
        self.first_step = progress.step
        self.started = time.monotonic()
        self.pending: tuple[int, dict[str, Any]] | None = None

    def play(self, interrupted: list[int]) -> Outcome:
        progress, spec = self.progress, self.spec
        saved = previewed = self.started
        while True:
            reason = self._ending(bool(interrupted))
            if reason is not None:
                break
            scores = self.game.step(progress.step)
            self._settle()  # the step before, while the device works on this one
            self.pending = (progress.step, scores)
            progress.step += 1
            progress.seconds = self.before + time.monotonic() - self.started
            if time.monotonic() - previewed >= spec.preview_seconds:
                self._preview()
                previewed = time.monotonic()
            if time.monotonic() - saved >= spec.checkpoint_seconds:
                self._save()
                saved = time.monotonic()
        self._settle()
        if reason != "interrupted":
            self._preview()
        self._save()
        return Outcome(progress.step, progress.seconds, reason)

    def _ending(self, interrupted: bool) -> StopReason | None:
        spec, progress = self.spec, self.progress
        if interrupted:
            return "interrupted"
        if spec.steps is not None and progress.step >= spec.steps:
            return "steps"
        if spec.minutes is not None and progress.seconds >= 60.0 * spec.minutes:
            return "minutes"
        if spec.patience is not None and progress.stale >= spec.patience:
            return "early stop"
        return None

    def _settle(self) -> None:
        """Fetch the scores of the pending step and stop at anything that is not finite."""
        if self.pending is None:
            return
        step, scores = self.pending[0], to_floats(self.pending[1])
        self.pending = None
        odd = sorted(name for name, value in scores.items() if not math.isfinite(value))
        if odd:
            raise NotFiniteError(
                f"step {step}: {', '.join(odd)} not finite; {self.folder / checkpoint.NAME} keeps the last good state. "
                "Lower game.critic_learning_rate or raise game.r1_weight, then resume"
            )
        if step % self.spec.log_every == 0:
            self.watcher.scores(step, scores, self._seconds_left())

    def _seconds_left(self) -> float:
        """Time to the end of the nearer budget at the pace of this sitting."""
        progress, spec = self.progress, self.spec
        left = math.inf
        if spec.minutes is not None:
            left = 60.0 * spec.minutes - progress.seconds
        done = progress.step - self.first_step
        if spec.steps is not None and done:
            left = min(left, (spec.steps - progress.step) * (progress.seconds - self.before) / done)
        return max(0.0, left)

    def _save(self) -> None:
        self._settle()
        state, progress = self.game.state(), self.progress
        odd = [name for name, values in state.items() if not np.all(np.isfinite(values))]
        if odd:
            raise NotFiniteError(f"step {progress.step}: weight {odd[0]} not finite; the last good checkpoint is kept")
        checkpoint.save(
            self.folder,
            state,
            step=progress.step,
            seconds=progress.seconds,
            best=progress.best,
            stale=progress.stale,
        )

    def _preview(self) -> None:
        distance = self.watcher.preview(self.progress.step)
        if distance is None:
            return
        if distance < self.progress.best:
            self.progress.best, self.progress.stale = distance, 0
            checkpoint.save_best(self.folder, self.game.state(), step=self.progress.step, distance=distance)
        else:
            self.progress.stale += 1


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Collect the first Ctrl-C or SIGTERM instead of dying from it; a second one acts as usual."""
    received: list[int] = []
    previous: dict[int, Any] = {}

    def note(number: int, _frame: object) -> None:
        received.append(number)
        restore()

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, note)
    try:
        yield received
    finally:
        restore()
