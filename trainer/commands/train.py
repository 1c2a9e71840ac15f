"""train: train, evaluate, and export where asked."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.commands.corpora import borrowed_features, budget_of, corpus_of, is_prepared, show_plan, source_of, spec_of
from trainer.console import console, say
from trainer.corpus import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.hush import start_backend
from trainer.run import Run, next_folder, title
from trainer.specs.run import RunSpec
from trainer.vocoder_source import VocoderSource

if TYPE_CHECKING:
    from trainer.evaluation.evaluate import Plan


def run(options: argparse.Namespace) -> int:
    """Train. Returns 130 after Ctrl-C, when everything is saved."""
    if options.resume is not None:
        return _resume(options)
    spec, source, vocoder = spec_of(options), source_of(options), _vocoder(options)
    if vocoder is not None:
        _check_vocoder(vocoder, spec, options)
    if options.dry_run:
        return show_plan(spec, source, options)
    _say_device(options)
    from trainer import players

    plan = _plan(options)
    corpus = corpus_of(options, spec, source)
    folder = options.runs / options.run if options.run else next_folder(options.runs, title(corpus.name, spec.recipe))
    begun = players.begin(folder, spec, corpus, borrowed_features(options))
    return _play(begun, corpus, options, plan, vocoder)


def _resume(options: argparse.Namespace) -> int:
    begun, vocoder = Run.open(options.resume), _vocoder(options)
    if vocoder is not None:
        vocoder.check_run(begun.folder, begun.spec, begun.corpus["path"])
    if options.dry_run:
        console.print_json(json.dumps(begun.spec.to_json()))
        return 0
    changes = budget_of(options)
    begun = begun.with_budget(changes) if changes else begun
    corpus = PreparedCorpus.open(Path(begun.corpus["path"] if options.corpus == "notes" else options.corpus))
    _say_device(options)
    return _play(begun, corpus, options, _plan(options), vocoder)


def _vocoder(options: argparse.Namespace) -> VocoderSource | None:
    """The vocoder that decodes the exported model: found first, so that a mistake is answered before the training."""
    if options.vocoder is None:
        return None
    if options.export is None:
        raise LatentoneError("--vocoder decodes an exported model: add --export models")
    return VocoderSource.find(options.vocoder)


def _check_vocoder(vocoder: VocoderSource, spec: RunSpec, options: argparse.Namespace) -> None:
    """Hold a run that is to begin to its vocoder; clips that are prepared already have the rate that they have."""
    prepared = PreparedCorpus.open(Path(options.corpus)).audio if is_prepared(options.corpus) else spec.audio
    folder = options.runs / (options.run or title(Path(options.corpus).name, spec.recipe))
    vocoder.check_run(folder, spec.replace(audio=prepared), options.corpus)


def _plan(options: argparse.Namespace) -> Plan:
    """Of the evaluation at the end: made first, so that a mistake is answered before hours of training."""
    from trainer.evaluation.evaluate import Plan

    return Plan(samples=options.samples)


def _say_device(options: argparse.Namespace) -> None:
    start_backend()
    from trainer.autodiff import BACKEND, devices

    device, is_gpu = devices()
    if options.device == "gpu" and not is_gpu:
        raise LatentoneError(
            f"--device gpu: Keras on {BACKEND} finds no GPU here; make install GPU={BACKEND} adds the CUDA wheels"
        )
    say(f"device: {device}, Keras on {BACKEND}")


def _play(
    begun: Run, corpus: PreparedCorpus, options: argparse.Namespace, plan: Plan, vocoder: VocoderSource | None
) -> int:
    from trainer import players
    from trainer.preview import Preview
    from trainer.views.registry import view_of

    resume = options.resume is not None
    say(f"corpus: {corpus.summary()}\nrun: {begun.folder}")
    if begun.spec.architecture.conditional and len(corpus.label_names) == 1:
        say(f"note: all clips are {corpus.label_names[0]!r}, so the model is not told labels")
    game = players.game(begun, corpus)
    with Preview(begun, view_of(begun, corpus, game, console.print), console, resume=resume) as preview:
        outcome = players.play(begun, corpus, game, preview, resume=resume)
    say(f"stopped: {outcome.reason}, {outcome.step} steps, {outcome.seconds / 60:.1f} minutes")
    if outcome.reason == "interrupted":
        say(f"go on: python -m trainer train --resume {begun.folder}")
        return 130
    if not _evaluate(begun, corpus, plan):
        return 130
    if options.export is None:
        say(f"export it: python -m trainer export {begun.folder}")
        return 0
    from trainer.commands.export import export_run

    export_run(begun, options.export, options.name, vocoder)
    return 0


def _evaluate(begun: Run, corpus: PreparedCorpus, plan: Plan) -> bool:
    """Score the run, so that export can write it on the card; what can't be scored says why and fails nothing.

    Returns: False after Ctrl-C.
    """
    from trainer.commands.evaluate import evaluate_and_report

    try:
        evaluate_and_report([begun.folder], corpus, plan, begun.folder)
    except LatentoneError as error:
        say(f"not scored: {error}")
    except KeyboardInterrupt:
        say(f"trained and saved, but not scored; python -m trainer evaluate {begun.folder}, or export it as it is")
        return False
    return True
