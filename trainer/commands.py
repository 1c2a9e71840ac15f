"""What the commands do. Heavy imports wait until they are needed, so that --help and mistakes answer at once."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from trainer import recipes
from trainer.config import LatentoneError, RunSpec, override
from trainer.corpus import PreparedCorpus, Source, find_source
from trainer.corpus import prepare as prepare_corpus
from trainer.corpus.preparation import fingerprint
from trainer.files import write_json

if TYPE_CHECKING:
    from trainer.run import Run

console = Console()


def prepare(options: argparse.Namespace) -> int:
    """Cut a corpus into clips."""
    spec = _spec(options)
    if options.dry_run:
        return _show(spec, _source(options), options)
    corpus = prepare_corpus(_source(options), spec.audio, spec.preparation, options.corpora, workers=options.workers)
    console.print(
        f"{corpus.summary()}\ntrain on it: python -m trainer train --recipe {spec.recipe} --corpus {corpus.folder}",
        soft_wrap=True,
        highlight=False,
    )
    return 0


def train(options: argparse.Namespace) -> int:
    """Train, evaluate where there are labels, and export where asked."""
    if options.resume is None:
        spec, source = _spec(options), None if _is_prepared(options.corpus) else _source(options)
        if options.dry_run:
            return _show(spec, source, options)
    from trainer.autodiff import BACKEND, devices
    from trainer.preview import Preview
    from trainer.run import Run

    device, is_gpu = devices()
    if options.device == "gpu" and not is_gpu:
        raise LatentoneError(
            f"--device gpu: Keras on {BACKEND} finds no GPU here; make install GPU={BACKEND} adds the CUDA wheels"
        )
    console.print(f"device: {device}, Keras on {BACKEND}", highlight=False)
    if options.resume is not None:
        run = Run.open(options.resume)
        run = run.with_budget(_budget(options)) if _budget(options) else run
        corpus = PreparedCorpus.open(Path(run.corpus["path"]) if options.corpus == "notes" else Path(options.corpus))
        if options.dry_run:
            console.print_json(json.dumps(run.spec.to_json()))
            return 0
    else:
        corpus = _corpus(options, spec, source)
        run = Run.create(_run_folder(options, spec, corpus), spec, corpus)
    console.print(f"corpus: {corpus.summary()}\nrun: {run.folder}", highlight=False, soft_wrap=True)
    game = run.game(corpus)
    with Preview(run, corpus, game, console) as preview:
        outcome = run.train(corpus, game, preview, resume=options.resume is not None)
    console.print(
        f"stopped: {outcome.reason}, {outcome.step} steps, {outcome.seconds / 60:.1f} minutes",
        highlight=False,
    )
    if outcome.reason == "interrupted":
        console.print(f"go on: python -m trainer train --resume {run.folder}", soft_wrap=True, highlight=False)
        return 130
    _score(run, corpus)
    if options.export is not None:
        _export(run, options.export, options.name)
    else:
        console.print(f"export it: python -m trainer export {run.folder}", soft_wrap=True, highlight=False)
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Score a run or a model."""
    from trainer.evaluation.classifier import classifier_of
    from trainer.evaluation.evaluate import evaluate as scores_of
    from trainer.sampler import open_sampler

    sampler = open_sampler(options.source)
    corpus = PreparedCorpus.open(_corpus_of(options))
    if corpus.label_names != sampler.label_names or corpus.audio.sample_rate_hz != sampler.sample_rate_hz:
        raise LatentoneError(
            f"{corpus.folder} does not fit {options.source}: the model has labels {list(sampler.label_names)} at "
            f"{sampler.sample_rate_hz} Hz, the corpus {list(corpus.label_names)} at {corpus.audio.sample_rate_hz} Hz"
        )
    classifier = classifier_of(corpus, console.print)
    scores = scores_of(sampler, sampler.latent_size, corpus, classifier, count=options.samples, seed=options.seed)
    if (options.source / "run.json").exists():
        write_json(options.source / "scores.json", scores)
    _print_scores(scores)
    return 0


def export(options: argparse.Namespace) -> int:
    """Export a run."""
    from trainer.run import Run

    run = Run.open(options.run)
    if options.dry_run:
        console.print(
            f"would export {run.folder} into {options.models / (options.name or run.corpus['name'])}",
            highlight=False,
        )
        return 0
    _export(run, options.models, options.name)
    return 0


def generate(options: argparse.Namespace) -> int:
    """Write WAV files."""
    import numpy as np

    from trainer import wav
    from trainer.games import generator_at
    from trainer.sampler import open_sampler

    if options.count < 1:
        raise LatentoneError(f"--count {options.count}: 1 or more sounds")
    sampler = open_sampler(options.source)
    label = sampler.label(options.label)
    for item in range(options.count):
        latent = generator_at(options.seed, item).standard_normal((1, sampler.latent_size), dtype="float32")
        chosen = label if label is not None else item % max(1, len(sampler.label_names))
        waveform = sampler(latent, np.array([chosen], "int32"))[0]
        name = f"{sampler.label_names[chosen]}-" if sampler.label_names else ""
        path = options.output / f"{name}seed{options.seed}-{item:03d}.wav"
        wav.write(path, waveform, sampler.sample_rate_hz)
        console.print(str(path), highlight=False, soft_wrap=True)
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "prepare": prepare,
    "train": train,
    "evaluate": evaluate,
    "export": export,
    "generate": generate,
}


def _spec(options: argparse.Namespace) -> RunSpec:
    spec = recipes.find(options.recipe)
    for text in options.set:
        spec = override(spec, text)
    budget = _budget(options)
    return spec.replace(loop=spec.loop.replace(**budget)) if budget else spec


def _budget(options: argparse.Namespace) -> dict[str, Any]:
    """Fields of the loop that have an option of their own; a budget that is given replaces the other."""
    given = {name: getattr(options, name, None) for name in ("steps", "minutes", "seed")}
    changes = {name: value for name, value in given.items() if value is not None}
    if "steps" in changes or "minutes" in changes:
        changes = {"steps": None, "minutes": None} | changes
    return changes


def _pairs(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise LatentoneError(f"--option {text}: write KEY=VALUE")
    return dict(text.split("=", 1) for text in texts)


def _is_prepared(corpus: str) -> bool:
    return (Path(corpus) / "corpus.json").is_file()


def _source(options: argparse.Namespace) -> Source:
    return find_source(options.corpus, _pairs(options.option), layout=options.layout)


def _corpus(options: argparse.Namespace, spec: RunSpec, source: Source | None) -> PreparedCorpus:
    if source is None:
        return PreparedCorpus.open(Path(options.corpus))
    return prepare_corpus(source, spec.audio, spec.preparation, options.corpora, workers=options.workers)


def _corpus_of(options: argparse.Namespace) -> Path:
    if options.corpus is not None:
        return Path(options.corpus)
    if not (options.source / "run.json").exists():
        raise LatentoneError(
            "--corpus is missing: give the prepared corpus (a folder in corpora/) to score a model against"
        )
    from trainer.run import Run

    return Path(Run.open(options.source).corpus["path"])


def _run_folder(options: argparse.Namespace, spec: RunSpec, corpus: PreparedCorpus) -> Path:
    from trainer.run import next_folder

    runs: Path = options.runs
    return runs / options.run if options.run else next_folder(runs, f"{corpus.name}-{spec.recipe}")


def _show(spec: RunSpec, source: Source | None, options: argparse.Namespace) -> int:
    """The plan of a dry run."""
    if source is None:
        console.print(f"corpus: {options.corpus}, prepared already", highlight=False)
    else:
        folder = options.corpora / f"{source.name}-{fingerprint(source, spec.audio, spec.preparation)[:12]}"
        state = "prepared already" if folder.exists() else "to be prepared"
        console.print(
            f"corpus: {len(source.recordings)} recordings, {folder}, {state}", highlight=False, soft_wrap=True
        )
    console.print_json(json.dumps(spec.to_json()))
    return 0


def _score(run: Run, corpus: PreparedCorpus) -> None:
    """Score a labelled run, so that export can write it on the card; a corpus that can't be scored says why."""
    from trainer.evaluation.classifier import classifier_of
    from trainer.evaluation.evaluate import evaluate as scores_of
    from trainer.sampler import open_sampler

    try:
        classifier = classifier_of(corpus, console.print)
        sampler = open_sampler(run.folder)
        scores = scores_of(sampler, sampler.latent_size, corpus, classifier)
    except LatentoneError as error:
        console.print(f"not scored: {error}", highlight=False, soft_wrap=True)
        return
    write_json(run.folder / "scores.json", scores)
    _print_scores(scores)


def _print_scores(scores: dict[str, Any]) -> None:
    for name in ("class_accuracy", "frechet_distance"):
        line = f"{name.replace('_', ' ')} {scores[name]:.3f} (real held-out clips {scores[f'{name}_of_held_out']:.3f})"
        console.print(line, highlight=False)
    console.print(f"class diversity {scores['class_diversity']:.3f} (real training clips 1)", highlight=False)


def _export(run: Run, models: Path, name: str | None) -> None:
    from trainer.export.publish import export as export_run

    folder = export_run(run, models, name=name or run.corpus["name"])
    console.print(
        f"exported: {folder}\n"
        f"hear it: python -m trainer generate {folder} --count 3\n"
        f"serve it: make serve, then curl -X POST localhost:3000/v1/generate -H 'content-type: application/json' "
        f'-d \'{{"model": "{folder.parent.name}"}}\' -o {folder.parent.name}.wav',
        soft_wrap=True,
        highlight=False,
    )
