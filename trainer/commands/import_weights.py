"""import: write weights that others have published as a SavedModel."""

from __future__ import annotations

import argparse
import math
import shlex
from collections.abc import Iterator
from pathlib import Path

from trainer.console import say
from trainer.errors import LatentoneError, unknown
from trainer.hush import start_backend
from trainer.published import melgan, state_dict
from trainer.published.imported import Imported
from trainer.recipes.melgan import PUBLISHED
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import MagnitudeMelSpec

ARCHITECTURES = ("melgan",)
AUDIO, MEL = PUBLISHED.audio, MagnitudeMelSpec()
FRAMES = AUDIO.clip_samples // MEL.hop_samples  # of a clip that the model is scored on
OVERLAP = MEL.n_fft // MEL.hop_samples


def add_options(command: argparse.ArgumentParser) -> None:
    """Which file, and what it does not say itself: the mel that its network was trained on, and the licence."""
    command.add_argument("architecture", metavar="ARCHITECTURE", help=f"whose weights: {', '.join(ARCHITECTURES)}")
    command.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="file that torch.save wrote")
    mel = command.add_argument_group(
        "the mel that the network was trained on",
        "The file does not tell it; its shapes must agree with --hop and --bands.",
    )
    mel.add_argument(
        "--rate", type=int, default=AUDIO.sample_rate_hz, metavar="HZ", help="sample rate (default: %(default)s)"
    )
    mel.add_argument(
        "--hop", type=int, default=MEL.hop_samples, metavar="N", help="samples between frames (default: %(default)s)"
    )
    mel.add_argument("--bands", type=int, default=MEL.n_mels, metavar="N", help="mel bands (default: %(default)s)")
    mel.add_argument("--n-fft", type=int, metavar="N", help=f"samples of the window (default: {OVERLAP} hops)")
    mel.add_argument(
        "--fmin", type=float, default=MEL.fmin_hz, metavar="HZ", help="where bands begin (default: %(default)s)"
    )
    mel.add_argument("--fmax", type=float, metavar="HZ", help="where bands end (default: half the sample rate)")
    command.add_argument("--licence", metavar="TEXT", help="licence of the weights, for the card (default: not stated)")
    command.add_argument(
        "--models", type=Path, default=Path("models"), metavar="DIR", help="folder of models (default: models)"
    )
    command.add_argument("--name", help="name of the model (default: the architecture)")


def run(options: argparse.Namespace) -> int:
    """Import, or say what would be."""
    if options.architecture not in ARCHITECTURES:
        raise LatentoneError(unknown("architecture to import", options.architecture, ARCHITECTURES))
    name = options.name or options.architecture
    imported = _imported(options)
    if options.dry_run:
        spec = imported.architecture
        say(
            f"would import {options.checkpoint} into {options.models / name}: width {spec.width}, factors "
            f"{spec.factors}, {len(spec.dilations)} residual blocks in a stage"
        )
        return 0
    start_backend()
    from trainer.commands.export import vocoder_hints
    from trainer.export.imported import export_imported

    folder = export_imported(imported, options.models, name=name)
    say(f"imported: {folder}\n{vocoder_hints(folder, 'corpora/NAME')}")
    return 0


def _imported(options: argparse.Namespace) -> Imported:
    """What the options and the file say, checked against each other."""
    mel = MEL.replace(
        hop_samples=options.hop,
        n_fft=options.n_fft or OVERLAP * options.hop,
        n_mels=options.bands,
        fmin_hz=options.fmin,
        fmax_hz=options.fmax,
    )
    audio = AudioSpec(sample_rate_hz=options.rate, clip_samples=FRAMES * options.hop)
    checkpoint = state_dict.read(options.checkpoint)
    try:
        spec, bands = melgan.sizes_of(checkpoint.tensors)
        _check_mel(mel, math.prod(spec.factors), bands)
        weights = melgan.weights_of(checkpoint.tensors)
    except LatentoneError as error:
        raise LatentoneError(f"{options.checkpoint}: {error}") from None
    return Imported(
        architecture=spec,
        representation=mel,
        audio=audio,
        weights=weights,
        file=checkpoint.file,
        sha256=checkpoint.sha256,
        licence=options.licence,
        command=command_of(options),
    )


def _check_mel(mel: MagnitudeMelSpec, hop: int, bands: int) -> None:
    """A network of other sizes was trained on another mel, and its rate and window are not in the file."""
    if (hop, bands) != (mel.hop_samples, mel.n_mels):
        raise LatentoneError(
            f"the network takes {bands} mel bands every {hop} samples, not {mel.n_mels} every {mel.hop_samples}: "
            f"give --bands {bands} --hop {hop}, with --rate, --n-fft and --fmax as it was trained"
        )


def command_of(options: argparse.Namespace) -> str:
    """The command line that imports the same file again."""
    return shlex.join(["python", "-m", "trainer", "import", options.architecture, *_arguments(options)])


def _arguments(options: argparse.Namespace) -> Iterator[str]:
    yield f"path/to/{options.checkpoint.name}"
    given = {
        "--rate": (options.rate, AUDIO.sample_rate_hz),
        "--hop": (options.hop, MEL.hop_samples),
        "--bands": (options.bands, MEL.n_mels),
        "--n-fft": (options.n_fft, None),
        "--fmin": (options.fmin, MEL.fmin_hz),
        "--fmax": (options.fmax, None),
        "--licence": (options.licence, None),
        "--name": (options.name, None),
    }
    for option, (value, default) in given.items():
        if value != default:
            yield from (option, str(value))
