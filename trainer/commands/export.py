"""export: write a run as a SavedModel."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.console import say
from trainer.hush import start_backend
from trainer.run import Run


def run(options: argparse.Namespace) -> int:
    """Export, or say where to."""
    trained = Run.open(options.run)
    if options.dry_run:
        say(f"would export {trained.folder} into {options.models / (options.name or trained.title)}")
        return 0
    export_run(trained, options.models, options.name)
    return 0


def export_run(trained: Run, models: Path, name: str | None) -> None:
    """Write the next version and say how to hear it."""
    start_backend()
    from trainer.export.publish import export

    folder = export(trained, models, name=name)
    model = folder.parent.name
    say(f"exported: {folder}\n{_hints(trained, folder, model)}")


def _hints(trained: Run, folder: Path, model: str) -> str:
    """How to hear it."""
    if trained.spec.is_vocoder:
        return vocoder_hints(folder, trained.corpus["path"])
    return (
        f"hear it: python -m trainer generate {folder} --count 3\n"
        f"serve it: make serve, then curl -X POST localhost:3000/v1/generate -H 'content-type: application/json' "
        f'-d \'{{"model": "{model}"}}\' -o {model}.wav'
    )


def vocoder_hints(folder: Path, corpus: str) -> str:
    """The same of a vocoder. corpus: a prepared one that fits it."""
    url, model = "localhost:3000/v1", folder.parent.name
    return (
        f"hear it: python -m trainer evaluate {folder} --corpus {corpus}\n"
        f"serve it: make serve, then curl -X POST '{url}/analyse?model={model}' --data-binary @sound.wav "
        f"-H 'accept: application/x-npy' -o mel.npy && curl -X POST '{url}/decode?model={model}' "
        "--data-binary @mel.npy -H 'content-type: application/x-npy' -o again.wav"
    )
