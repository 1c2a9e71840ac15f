"""export: write a run as a SavedModel, or a generator's model once more, decoded by a vocoder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from trainer.console import say
from trainer.errors import LatentoneError
from trainer.hush import start_backend
from trainer.run import CONTRACT, Run, find_source, is_model
from trainer.vocoder_source import VocoderSource


def run(options: argparse.Namespace) -> int:
    """Export, or say where to."""
    vocoder = None if options.vocoder is None else VocoderSource.find(options.vocoder)
    model = _model_of(options.source)
    if model is not None:
        return _run_again(model, vocoder, options)
    trained = Run.open(options.source)
    if vocoder is not None:
        vocoder.check_run(trained.folder, trained.spec, trained.corpus["path"])
    if options.dry_run:
        say(f"would export {trained.folder} into {options.models / (options.name or trained.title)}")
        return 0
    export_run(trained, options.models, options.name, vocoder)
    return 0


def export_run(trained: Run, models: Path, name: str | None, vocoder: VocoderSource | None = None) -> None:
    """Write the next version and say how to hear it."""
    start_backend()
    from trainer.export.publish import export

    folder = export(trained, models, name=name, vocoder=vocoder)
    corpus = trained.corpus["path"]
    say(f"exported: {folder}")
    say(
        vocoder_hints(folder, corpus)
        if trained.spec.is_vocoder
        else _hints(folder, corpus, chained=vocoder is not None)
    )


def _model_of(source: Path) -> Path | None:
    """The version folder that is meant, where a model is."""
    versions = source.is_dir() and (is_model(source) or any(map(is_model, source.iterdir())))
    return find_source(source) if versions else None


def _run_again(model: Path, vocoder: VocoderSource | None, options: argparse.Namespace) -> int:
    """The same of a model."""
    if vocoder is None:
        raise LatentoneError(f"{model} is exported already; with --vocoder it is exported once more, decoded by one")
    vocoder.check_model(model)
    contract = json.loads((model / CONTRACT).read_text())
    if options.dry_run:
        say(f"would export {model} into {options.models / (options.name or contract['name'])}")
        return 0
    start_backend()
    from trainer.export.again import export_again

    folder = export_again(model, options.models, name=options.name, vocoder=vocoder)
    say(f"exported: {folder}")
    say(_hints(folder, f"corpora/{contract['corpus']['name']}-*", chained=True))
    return 0


def _hints(folder: Path, corpus: str, *, chained: bool) -> str:
    """How to hear it, and to score it where the run's scores are of another decoder."""
    model = folder.parent.name
    scoring = f"score it: python -m trainer evaluate {folder} --corpus {corpus} --update-card\n" if chained else ""
    varied = (
        f"vary a sound with it: make serve, then latentone vary sound.wav --model {model}"
        if "encode" in json.loads((folder / CONTRACT).read_text())["signatures"]
        else "it can't vary sounds: python -m trainer encode runs/<name>, then export again, adds that"
    )
    return (
        f"hear it: python -m trainer generate {folder} --count 3\n{scoring}"
        f"serve it: make serve, then curl -X POST localhost:3000/v1/generate -H 'content-type: application/json' "
        f'-d \'{{"model": "{model}"}}\' -o {model}.wav\n{varied}'
    )


def vocoder_hints(folder: Path, corpus: str) -> str:
    """How to hear it and to use it."""
    url, model = "localhost:3000/v1", folder.parent.name
    return (
        f"hear it: python -m trainer evaluate {folder} --corpus {corpus}\n"
        f"serve it: make serve, then curl -X POST '{url}/analyse?model={model}' --data-binary @sound.wav "
        f"-H 'accept: application/x-npy' -o mel.npy && curl -X POST '{url}/decode?model={model}' "
        "--data-binary @mel.npy -H 'content-type: application/x-npy' -o again.wav\n"
        f"decode a generator by it: python -m trainer export runs/<name> --vocoder {folder}"
    )
