"""A training run: its folder, its players, and how it is begun, resumed and read back.

runs/<name>/run.json holds the resolved specification, the corpus and the versions; checkpoint.npz the state.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np

from trainer import checkpoint, loop
from trainer.architectures import melspec
from trainer.autodiff import BACKEND, compiled, devices
from trainer.config import LatentoneError, LoopSpec, RunSpec
from trainer.corpus.store import PreparedCorpus
from trainer.files import write_json
from trainer.games import LatentGame
from trainer.representations.log_mel import LogMel, fit_db_max
from trainer.versions import versions

FITTING_CLIPS = 512


@dataclass(frozen=True)
class Run:
    """What run.json says."""

    folder: Path
    spec: RunSpec
    label_names: tuple[str, ...]
    corpus: dict[str, Any]  # path, name, licence, fingerprint, clips
    made_with: dict[str, str]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a run folder.

        Raises: LatentoneError where it is not one.
        """
        try:
            values = json.loads((folder / "run.json").read_text())
            return cls(
                folder=folder,
                spec=RunSpec.from_json(values["spec"]),
                label_names=tuple(values["label_names"]),
                corpus=values["corpus"],
                made_with=values["made_with"],
            )
        except FileNotFoundError:
            raise LatentoneError(f"{folder} is not a run: it has no run.json. Runs are the folders in runs/") from None
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise LatentoneError(f"{folder / 'run.json'} is damaged: {error}") from None

    @classmethod
    def create(cls, folder: Path, spec: RunSpec, corpus: PreparedCorpus) -> Self:
        """Resolve what the corpus decides and write run.json into a folder that must be new."""
        if folder.exists():
            raise LatentoneError(
                f"{folder} is there already: resume it with --resume {folder}, or choose another --run"
            )
        if len(corpus.train) == 0:
            raise LatentoneError(f"corpus {corpus.name} has no clips to train on: lower held_out_fraction")
        sample = corpus.waveforms(corpus.train[:: max(1, len(corpus.train) // FITTING_CLIPS)][:FITTING_CLIPS])
        spec = spec.replace(audio=corpus.audio, log_mel=fit_db_max(spec.log_mel, corpus.audio, sample))
        run = cls(
            folder=folder,
            spec=spec,
            label_names=tuple(corpus.label_names),
            corpus={
                "path": os.path.relpath(corpus.folder),
                "name": corpus.name,
                "licence": corpus.licence,
                "fingerprint": corpus.fingerprint,
                "clips": len(corpus.train),
                "held_out_clips": len(corpus.held_out),
            },
            made_with=versions(),
        )
        run.generator()  # an architecture that does not fit says so before a folder appears
        run.write()
        return run

    def write(self) -> None:
        """Write run.json."""
        write_json(
            self.folder / "run.json",
            {
                "spec": self.spec.to_json(),
                "label_names": self.label_names,
                "corpus": self.corpus,
                "backend": BACKEND,
                "device": devices()[0],
                "made_with": self.made_with,
            },
        )

    def representation(self) -> LogMel:
        """The bridge between sound and tensors of this run."""
        return LogMel(self.spec.log_mel, self.spec.audio)

    def generator(self) -> keras.Model:
        """A generator with fresh weights."""
        return melspec.Generator(self.spec.melspec, self.representation().shape, len(self.label_names))

    def trained_generator(self) -> keras.Model:
        """The averaged generator of the checkpoint."""
        state, _ = checkpoint.load(self.folder)
        generator = self.generator()
        weights = [state[name] for name in sorted(state) if name.startswith("average/")]
        generator.set_weights(weights)
        return generator

    def game(self, corpus: PreparedCorpus) -> LatentGame:
        """Generator and critic at the table, fed from the corpus."""
        spec, representation = self.spec, self.representation()
        keras.utils.set_random_seed(spec.loop.seed)
        encode = compiled(representation.encode)

        def real_batch(rng: np.random.Generator, count: int) -> tuple[Any, np.ndarray]:
            chosen = corpus.train[rng.integers(0, len(corpus.train), count)]
            return encode(corpus.waveforms(chosen)), np.maximum(corpus.labels[chosen], 0)

        return LatentGame(
            self.generator,
            lambda: melspec.Critic(spec.melspec, representation.shape, len(self.label_names)),
            real_batch,
            latent_size=spec.melspec.latent_size,
            game=spec.game,
            augmentation=spec.augment,
            batch=spec.loop.batch,
            seed=spec.loop.seed,
        )

    def train(self, corpus: PreparedCorpus, game: LatentGame, watcher: loop.Watcher, *, resume: bool) -> loop.Outcome:
        """Play until a budget ends.

        Raises: LatentoneError where the corpus is not the one that the run began with.
        """
        if corpus.fingerprint != self.corpus["fingerprint"]:
            raise LatentoneError(
                f"run {self.folder} was begun with another corpus ({self.corpus['name']}, fingerprint "
                f"{self.corpus['fingerprint'][:12]}); this one is {corpus.fingerprint[:12]}. Begin a new run"
            )
        return loop.run(game, self.spec.loop, self.folder, watcher, resume=resume)

    def with_budget(self, changes: dict[str, Any]) -> Run:
        """The same run with another budget, written down."""
        loop_spec: LoopSpec = self.spec.loop.replace(**changes)
        run = Run(self.folder, self.spec.replace(loop=loop_spec), self.label_names, self.corpus, self.made_with)
        run.write()
        return run


def next_folder(runs: Path, name: str) -> Path:
    """First free runs/<name>-<number>."""
    taken = [
        int(match[1])
        for path in runs.glob(f"{name}-*")
        if (match := re.fullmatch(rf"{re.escape(name)}-(\d+)", path.name))
    ]
    return runs / f"{name}-{max(taken, default=0) + 1}"
