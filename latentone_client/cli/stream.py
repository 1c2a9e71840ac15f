"""`latentone stream` and `decode-stream`: a sound that is written, or heard, while it is made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from latentone_client import operations
from latentone_client.cli.commands import client_of, model_of, sound_form
from latentone_client.cli.console import Output
from latentone_client.cli.frames import read_frames
from latentone_client.client import Client
from latentone_client.errors import Invalid
from latentone_client.files import whole_file
from latentone_client.sound_files import AudioFormat, FloatArray, written
from latentone_client.streams import SoundStream
from latentone_client.transport import Request

# What the service sends as it is: bytes before the samples, and of a sample.
PIPED = {"wav": (44, 2), "wav_float": (58, 4), "pcm": (0, 2), "f32": (0, 4)}
NAMES = ("seed", "label", "pitch", "seconds", "latent_seconds", "crossfade_seconds")


def stream(options: argparse.Namespace) -> int:
    """Make a sound that lasts."""
    form = _form(options)
    request = operations.generate_stream(**{name: getattr(options, name) for name in NAMES}, **model_of(options))
    with client_of(options) as client:
        return _write(options, client, request, form)


def decode_stream(options: argparse.Namespace) -> int:
    """Make features audible while they come."""
    form = _form(options)
    with client_of(options) as client:
        features = client.model(options.model, version=options.version).contract.get("features")
        if not features:
            raise Invalid(f"{options.model}: this model takes no features")
        frames = read_frames(options.features, tuple(features["shape"][1:]))
        return _write(options, client, operations.decode_stream(**model_of(options)), form, frames)


def _form(options: argparse.Namespace) -> AudioFormat:
    form = sound_form(options)
    if Output(options.output).is_standard and form not in PIPED:
        raise Invalid(f"--format: standard output takes {', '.join(PIPED)}, which need not know their length")
    return form


def _write(
    options: argparse.Namespace,
    client: Client,
    request: Request[dict[str, Any]],
    form: AudioFormat,
    frames: Iterable[FloatArray] | None = None,
) -> int:
    """Write a sound as it comes; Ctrl-C ends it, and a file keeps what came."""
    output = Output(options.output)
    if output.is_standard:
        request = replace(request, fields={**request.fields, "format": form})
    with client.open(request, frames) as sound:
        seconds = _pipe(sound, form) if output.is_standard else _record(sound, form, Path(output.name))
    for sentence in sound.warnings:
        print(f"warning: {sentence}", file=sys.stderr)
    heard = f"{seconds:.2f} seconds at {sound.sample_rate_hz} Hz"
    origin = [f"{sound.model} version {sound.version}"]
    origin += [f"{name} {value}" for name, value in _drawn(sound).items()]
    facts = {"seconds": seconds, "sample_rate_hz": sound.sample_rate_hz, "warnings": list(sound.warnings)}
    facts |= {"model": sound.model, "version": sound.version, **_drawn(sound)}
    output.tell(
        f"{output.name}: {', '.join([heard, *origin])}", {"files": [output.name], **facts}, as_json=options.json
    )
    return 0


def _pipe(sound: SoundStream, form: AudioFormat) -> float:
    """Write the service's own bytes to standard output, each as soon as it is there, and return how many seconds."""
    head, width = PIPED[form]
    size = -head
    for part in sound.parts:
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        size += len(part)
    return size / (width * sound.channels * sound.sample_rate_hz)


def _record(sound: SoundStream, form: AudioFormat, path: Path) -> float:
    """Write a file, and return how many seconds."""
    rate, samples = sound.sample_rate_hz, 0
    with (
        whole_file(path) as file,
        written(file, sample_rate_hz=rate, channels=sound.channels, form=form, tags=_tags(sound)) as write,
    ):
        try:
            for piece in sound:
                write(piece)
                samples += len(piece)
        except KeyboardInterrupt:
            print("interrupted; what came is kept", file=sys.stderr)
    return samples / rate


def _drawn(sound: SoundStream) -> dict[str, Any]:
    """Return the seed and the label, of a sound that has them."""
    seed = {"seed": sound.seeds[0]} if sound.seeds else {}
    label = {"label": sound.labels[0]} if any(sound.labels) else {}
    return {**seed, **label}


def _tags(sound: SoundStream) -> dict[str, str]:
    """Return what a file says of itself, in the words of other sounds."""
    origin = {"model": sound.model, "version": sound.version, **_drawn(sound)}
    said = "; ".join(f"{name}={value}" for name, value in origin.items())
    return {
        "title": " ".join([sound.model, *sound.labels]).strip(),
        "comment": f"{said}; stream",
        "software": "latentone",
    }
