"""The command that makes a model again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath

from trainer.run import Run, example_of
from trainer.vocoder_source import VocoderSource

BUDGET = ("loop.minutes=", "loop.steps=", "loop.seed=")  # have options of their own


def command_of(run: Run, name: str, vocoder: VocoderSource | None = None) -> str:
    """The command line that trains and exports a run as model `name`, with all that its recipe leaves open.

    vocoder: the vocoder that decodes it.
    """
    decoding = () if vocoder is None else ("--vocoder", vocoder.features.place)
    exporting = ("--export", "models", "--name", name, *decoding)
    return shlex.join(["python", "-m", "trainer", "train", *_arguments(run), *exporting])


def command_of_chain(model: str, vocoder: VocoderSource, name: str) -> str:
    """The command line that exports a model once more as model `name`, decoded by a vocoder."""
    return shlex.join(["python", "-m", "trainer", "export", model, "--vocoder", vocoder.features.place, "--name", name])


def _arguments(run: Run) -> Iterator[str]:
    corpus, loop = run.corpus, run.spec.loop
    yield from ("--recipe", run.spec.recipe)
    yield from ("--corpus", example_of(corpus["name"]))
    if run.features_of is not None:
        yield from ("--features-of", run.features_of)
    for option, value in corpus.get("options", {}).items():
        known = f"path/to/{PurePath(value).name}" if option == "table" else value
        yield from ("--option", f"{option}={known}")
    for change in run.changes:
        if not change.startswith(BUDGET):
            yield from ("--set", change)
    yield from ("--minutes", f"{loop.minutes:g}") if loop.minutes is not None else ("--steps", str(loop.steps))
    if loop.seed:
        yield from ("--seed", str(loop.seed))
