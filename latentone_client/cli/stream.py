"""`latentone stream`: a sound that is written, or heard, while it is made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentone_client import operations
from latentone_client.cli.commands import client_of, model_of, sound_form
from latentone_client.cli.console import Output
from latentone_client.client import Client
from latentone_client.errors import Invalid
from latentone_client.files import whole_file
from latentone_client.sound_files import AudioFormat, written
from latentone_client.streams import SoundStream
from latentone_client.transport import Request

PIPED = ("wav", "wav_float", "pcm", "f32")  # what the service sends as it is
NAMES = ("seed", "label", "pitch", "seconds", "latent_seconds", "crossfade_seconds")


def stream(options: argparse.Namespace) -> int:
    """Write a sound as it comes; Ctrl-C ends it, and a file keeps what came."""
    form, output = sound_form(options), Output(options.output)
    request = operations.generate_stream(**{name: getattr(options, name) for name in NAMES}, **model_of(options))
    with client_of(options) as client:
        facts = _pipe(client, request, form) if output.is_standard else _record(client, request, form, output.name)
    made = f"{facts['model']} version {facts['version']}, seed {facts['seed']}"
    label = f", label {facts['label']}" if facts["label"] else ""
    heard = f"{facts['seconds']:.2f} seconds at {facts['sample_rate_hz']} Hz"
    output.tell(f"{output.name}: {heard}, {made}{label}", {"files": [output.name], **facts}, as_json=options.json)
    return 0


def _pipe(client: Client, request: Request[dict[str, Any]], form: AudioFormat) -> dict[str, Any]:
    """Write the service's own bytes to standard output, each as soon as it is there."""
    if form not in PIPED:
        raise Invalid(f"--format: standard output takes {', '.join(PIPED)}, which need not know their length")
    asked = Request(request.operation, {**request.fields, "format": form}, request.read)
    with client.open(asked) as sound:
        for part in sound.parts:
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
    return _facts(sound, sound.seconds or 0.0)


def _record(client: Client, request: Request[dict[str, Any]], form: AudioFormat, name: str) -> dict[str, Any]:
    samples = 0
    with client.open(request) as sound, whole_file(Path(name)) as file:
        rate, tags = sound.sample_rate_hz, _tags(_facts(sound, 0.0))
        with written(file, sample_rate_hz=rate, channels=sound.channels, form=form, tags=tags) as write:
            try:
                for piece in sound:
                    write(piece)
                    samples += len(piece)
            except KeyboardInterrupt:
                print("interrupted; what came is kept", file=sys.stderr)
    return _facts(sound, samples / rate)


def _facts(sound: SoundStream, seconds: float) -> dict[str, Any]:
    return {
        "model": sound.model,
        "version": sound.version,
        "seed": sound.seeds[0],
        "label": "".join(sound.labels),
        "seconds": seconds,
        "sample_rate_hz": sound.sample_rate_hz,
    }


def _tags(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return what a file says of itself, in the words of other sounds."""
    said = "; ".join(f"{name}={facts[name]}" for name in ("model", "version", "seed", "label") if facts[name] != "")
    return {
        "title": f"{facts['model']} {facts['label']}".strip(),
        "comment": f"{said}; stream",
        "software": "latentone",
    }
