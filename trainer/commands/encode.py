"""encode: train the way back from sound to latent for a run's generator, and score it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from trainer.console import say
from trainer.corpus import PreparedCorpus
from trainer.errors import check
from trainer.hush import start_backend
from trainer.run import Run


def run(options: argparse.Namespace) -> int:
    """Train, unless that was done with the generator, and score. Returns 130 after Ctrl-C, when everything is saved."""
    check(options.minutes > 0, f"--minutes {options.minutes:g} must be above 0")
    trained = Run.open(options.run)
    corpus = PreparedCorpus.open(Path(options.corpus or trained.corpus["path"]))
    start_backend()
    from trainer import encoders

    outcome = None
    if trained.spec.architecture.has_encoder:
        say(f"the encoder of {trained.folder} was trained with its generator: nothing to train, here are its scores")
    else:
        outcome = encoders.play(trained, corpus, say, minutes=options.minutes)
        say(f"stopped: {outcome.reason}, {outcome.step} steps, {outcome.seconds / 60:.1f} minutes")
        if outcome.reason == "interrupted":
            say(f"go on: python -m trainer encode {trained.folder}")
            return 130
    for measure in encoders.score(trained, corpus, outcome, say):
        say(_line(measure))
    say(f"export it: python -m trainer export {trained.folder}")
    return 0


def _line(score: dict[str, Any]) -> str:
    if score["value"] is None:
        return f"{score['title']}: not measured, {score['reason']}"
    low, high = score["interval"]
    beside = "; ".join(f"{floor['title']}: {floor['value']:.3g}" for floor in score["floors"])
    return f"{score['title']}: {score['value']:.3g} ({low:.3g} to {high:.3g}); {beside}"
