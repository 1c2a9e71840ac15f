"""Who takes part in a run: representation, networks and game, made from what its folder says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from trainer import checkpoint, loop
from trainer.architectures import melspec
from trainer.autodiff import BACKEND, compiled, devices
from trainer.config import LatentoneError, RunSpec
from trainer.corpus.store import PreparedCorpus
from trainer.games import LatentGame
from trainer.representations.log_mel import LogMel, fit_db_max
from trainer.run import Run
from trainer.versions import versions

FITTING_CLIPS = 512


def begin(folder: Path, spec: RunSpec, corpus: PreparedCorpus) -> Run:
    """Resolve what the corpus decides and write run.json into a folder that must be new.

    Raises: LatentoneError where the folder is there already, or specification and corpus do not fit.
    """
    if folder.exists():
        raise LatentoneError(f"{folder} is there already: resume it with --resume {folder}, or choose another --run")
    if len(corpus.train) == 0:
        raise LatentoneError(f"corpus {corpus.name} has no clips to train on: lower held_out_fraction")
    run = Run(
        folder=folder,
        spec=spec.replace(audio=corpus.audio, log_mel=fit_db_max(spec.log_mel, corpus.audio, fitting_clips(corpus))),
        label_names=tuple(corpus.label_names),
        corpus={
            "path": os.path.relpath(corpus.folder),
            "name": corpus.name,
            "licence": corpus.licence,
            "fingerprint": corpus.fingerprint,
            "clips": len(corpus.train),
            "held_out_clips": len(corpus.held_out),
        },
        backend=BACKEND,
        device=devices()[0],
        made_with=versions(),
    )
    generator(run)  # an architecture that does not fit says so before a folder appears
    run.write()
    return run


def fitting_clips(corpus: PreparedCorpus) -> np.ndarray:
    """Training clips [at most 512, S], evenly taken, from which constants of the corpus are fitted."""
    every = max(1, len(corpus.train) // FITTING_CLIPS)
    return corpus.waveforms(corpus.train[::every][:FITTING_CLIPS])


def representation(run: Run) -> LogMel:
    """The bridge between sound and tensors of a run."""
    return LogMel(run.spec.log_mel, run.spec.audio)


def generator(run: Run) -> keras.Model:
    """A generator with fresh weights."""
    return melspec.Generator(run.spec.melspec, representation(run).shape, len(run.label_names))


def trained_generator(run: Run) -> keras.Model:
    """The averaged generator: the best by its distance to held-out clips, else as it was saved last."""
    network = generator(run)
    network.set_weights(checkpoint.load_result(run.folder)[0])
    return network


def game(run: Run, corpus: PreparedCorpus) -> LatentGame:
    """Generator and critic at the table, fed from the corpus."""
    spec, bridge = run.spec, representation(run)
    keras.utils.set_random_seed(spec.loop.seed)
    encode = compiled(bridge.encode)

    def real_batch(rng: np.random.Generator, count: int) -> tuple[Any, np.ndarray]:
        chosen = corpus.train[rng.integers(0, len(corpus.train), count)]
        return encode(corpus.waveforms(chosen)), np.maximum(corpus.labels[chosen], 0)

    return LatentGame(
        lambda: generator(run),
        lambda: melspec.Critic(spec.melspec, bridge.shape, len(run.label_names)),
        real_batch,
        latent_size=spec.melspec.latent_size,
        game=spec.game,
        augmentation=spec.augment,
        batch=spec.loop.batch,
        seed=spec.loop.seed,
    )


def play(run: Run, corpus: PreparedCorpus, players: LatentGame, watcher: loop.Watcher, *, resume: bool) -> loop.Outcome:
    """Train until a budget ends.

    Raises: LatentoneError where the corpus is not the one that the run began with.
    """
    if corpus.fingerprint != run.corpus["fingerprint"]:
        raise LatentoneError(
            f"run {run.folder} was begun with another corpus ({run.corpus['name']}, fingerprint "
            f"{run.corpus['fingerprint'][:12]}); this one is {corpus.fingerprint[:12]}. Begin a new run"
        )
    return loop.run(players, run.spec.loop, run.folder, watcher, resume=resume)
