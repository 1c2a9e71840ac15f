"""A run small enough for tests: real notes, real networks, a few widths."""

from __future__ import annotations

from pathlib import Path

from trainer import players
from trainer.corpus import PreparedCorpus, find_source, prepare
from trainer.run import Run
from trainer.specs.architectures import MelspecSpec
from trainer.specs.audio import AudioSpec
from trainer.specs.game import AugmentSpec, GameSpec
from trainer.specs.representations import LogMelSpec
from trainer.specs.run import LoopSpec, RunSpec

SPEC = RunSpec(
    recipe="quickstart",
    audio=AudioSpec(sample_rate_hz=8_000, clip_samples=2_048),
    representation=LogMelSpec(n_fft=512, hop_samples=128, n_mels=16, inversion_steps=5, griffin_lim_iterations=4),
    architecture=MelspecSpec(latent_size=8, label_size=4, generator_widths=(8, 8), critic_widths=(8, 8)),
    game=GameSpec(penalty_every=2, generator_learning_rate=1e-3, critic_learning_rate=1e-3),
    augment=AugmentSpec(time_shift=2, bin_shift=1, time_mask=3, bin_mask=3),
    loop=LoopSpec(steps=4, batch=4, log_every=1),
)


def corpus(folder: Path, *, count: int = 60) -> PreparedCorpus:
    """Short built-in notes at 8 kHz, labelled by family."""
    source = find_source("notes", {"count": count, "seconds": 0.3})
    return prepare(source, SPEC.audio, SPEC.preparation, folder, workers=1, progress=False)


def run(folder: Path, prepared: PreparedCorpus, spec: RunSpec = SPEC) -> Run:
    """A new run in `folder`."""
    return players.begin(folder, spec, prepared)
