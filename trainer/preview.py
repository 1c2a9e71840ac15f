"""What a person sees and hears of a run: progress bar, TensorBoard, pictures and sounds from fixed latents."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from trainer import pictures, wav
from trainer.autodiff import compiled
from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.frechet import frechet_distance
from trainer.games import LatentGame, generator_at
from trainer.run import Run

SHOWN = 10  # sounds in a preview
WATCHED = 256  # sounds behind the distance
LOG_SECONDS = 30.0  # between lines where there is no terminal for a bar
PREVIEW_SEED = 2**32  # apart from every training step's stream


class Preview:
    """Watches a run; a context manager, because the progress bar and TensorBoard must be closed."""

    def __init__(self, run: Run, corpus: PreparedCorpus, game: LatentGame, console: Console) -> None:
        self.run, self.game, self.console = run, game, console
        self.representation = run.representation()
        average = game.average
        self._sample = compiled(lambda latent, label: average(latent, label if run.label_names else None))
        self._decode = compiled(self.representation.decode)
        rng = generator_at(PREVIEW_SEED, 0)
        self.latent = rng.standard_normal((WATCHED, game.latent_size), dtype="float32")
        self.label = (np.arange(WATCHED) % max(1, len(run.label_names))).astype("int32")
        self.real = self._real(corpus)
        self.tensorboard = _tensorboard(run.folder / "tensorboard", console)
        self.logged = time.monotonic()
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
        if self.tensorboard is not None:
            self.tensorboard.close()

    def scores(self, step: int, scores: dict[str, float], left: float) -> None:
        """Move the bar and write the scalars."""
        names = {"critic_loss": "critic", "generator_loss": "generator", "real_sign": "D(real)"}
        text = "  ".join(f"{short} {scores[name]:.2f}" for name, short in names.items())
        self.bar.update(self.task, completed=step + 1, text=text, left=_duration(left))
        if not self.console.is_terminal and time.monotonic() - self.logged >= LOG_SECONDS:
            self.console.print(f"step {step + 1}: {text}, {_duration(left)} left", highlight=False)
            self.logged = time.monotonic()
        if self.tensorboard is not None:
            for name, value in scores.items():
                self.tensorboard.add_scalar(f"game/{name}", value, step)

    def preview(self, step: int) -> float | None:
        """Write a picture and sounds, and return the distance to the held-out clips in log-mel statistics."""
        features = np.concatenate(
            [np.asarray(self._sample(self.latent[i : i + 32], self.label[i : i + 32])) for i in range(0, WATCHED, 32)]
        )
        sounds = np.asarray(self._decode(features[:SHOWN]))
        folder = self.run.folder / "previews"
        rate = self.run.spec.audio.sample_rate_hz
        wav.write(folder / f"step-{step:06d}.wav", sounds.reshape(-1), rate)
        if self.has_pictures:
            path = folder / f"step-{step:06d}.png"
            pictures.grid({"generated": features[:SHOWN], "real": self.real[:SHOWN]}, path, titles=self._titles())
        distance = frechet_distance(_statistics(features), _statistics(self.real))
        self._to_tensorboard(step, features, sounds, distance)
        self.console.print(f"step {step}: distance {distance:.3f} (log-mel statistics), preview in {folder}")
        return distance if math.isfinite(distance) else None

    def _to_tensorboard(self, step: int, features: np.ndarray, sounds: np.ndarray, distance: float) -> None:
        if self.tensorboard is None:
            return
        self.tensorboard.add_scalar("preview/distance", distance, step)
        picture = np.concatenate([item.T[::-1] for item in features[:SHOWN]], axis=1)
        with contextlib.suppress(ImportError):  # tensorboardX wants Pillow and soundfile for these
            self.tensorboard.add_image("preview/generated", (picture + 1.0) / 2.0, step, dataformats="HW")
            rate = self.run.spec.audio.sample_rate_hz
            self.tensorboard.add_audio("preview/generated", sounds.reshape(-1, 1), step, sample_rate=rate)

    def _titles(self) -> list[str]:
        names = self.run.label_names
        return [names[label] for label in self.label[:SHOWN]] if names else []

    def _real(self, corpus: PreparedCorpus) -> np.ndarray:
        """Held-out features (training ones where nothing is held out), labels in the order of the preview's."""
        pool = corpus.held_out if len(corpus.held_out) >= 2 else corpus.train
        pool = pool[np.argsort(generator_at(PREVIEW_SEED, 1).random(len(pool)))][:WATCHED]
        wanted = [pool[corpus.labels[pool] == label][:1] for label in self.label[:SHOWN]]
        order = np.concatenate([*wanted, pool]) if self.run.label_names else pool
        return np.asarray(self.representation.encode(corpus.waveforms(order.astype("int64"))))


def _statistics(features: np.ndarray) -> np.ndarray:
    """Mean and deviation over time of each mel band, in groups of four bands: [N, T, M] to [N, M / 2]."""
    groups = features.reshape(len(features), features.shape[1], -1, 4).mean(axis=-1)
    return np.concatenate([groups.mean(axis=1), groups.std(axis=1)], axis=-1)


def _tensorboard(folder: Path, console: Console) -> Any | None:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        console.print("tensorboardX is not installed: no TensorBoard log")
        return None
    return SummaryWriter(str(folder))


def _duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
