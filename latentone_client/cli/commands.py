"""What the commands do: one call each, its result into a file, and a line about it."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

import numpy as np

from latentone_client.answers import Features, Model, Sound, Tune, Varied
from latentone_client.cli.connection import connection
from latentone_client.cli.console import Output, Progress, read, read_array
from latentone_client.client import Client
from latentone_client.errors import Invalid
from latentone_client.retries import Retries
from latentone_client.sound_files import AudioFormat, format_of

LABELS_SHOWN = 12
DEFINITION = (  # of a mel: options named as the fields of the request
    "sample_rate_hz", "n_fft", "window_samples", "hop_samples", "n_mels", "fmin_hz", "fmax_hz", "power", "mel_scale",
    "mel_norm", "log", "scale_from", "scale_to",
)  # fmt: skip


def generate(options: argparse.Namespace) -> int:
    """Make clips."""
    form = sound_form(options)
    drawn = _drawn(options)
    with client_of(options) as client:
        sound = client.generate(**drawn)
    return _write_sound(options, sound, form)


def sample(options: argparse.Namespace) -> int:
    """Make features."""
    output = _features_output(options)
    drawn = _drawn(options)
    with client_of(options) as client:
        features = client.sample(**drawn)
    return _write_features(options, output, features)


def decode(options: argparse.Namespace) -> int:
    """Make features audible."""
    form = sound_form(options)
    features = read(options.features)
    definition = {name: getattr(options, name) for name in DEFINITION if getattr(options, name) is not None}
    names = ("black", "white", "low", "iterations", "peak")
    with client_of(options) as client:
        sound = client.decode(
            features,
            definition=definition or None,
            **{name: getattr(options, name) for name in names},
            **model_of(options),
        )
    return _write_sound(options, sound, form)


def analyse(options: argparse.Namespace) -> int:
    """Describe a sound."""
    output = _features_output(options)
    audio = read(options.audio)
    with client_of(options) as client:
        features = client.analyse(audio, **model_of(options))
    return _write_features(options, output, features)


def vary(options: argparse.Namespace) -> int:
    """Make variations of a sound."""
    form = sound_form(options)
    audio = read(options.audio)
    names = ("count", "distance", "seed", "label", "pitch")
    with client_of(options) as client:
        varied = client.vary(audio, **{name: getattr(options, name) for name in names}, **model_of(options))
    return _write_sound(options, varied, form)


def interpolate(options: argparse.Namespace) -> int:
    """Make clips along a path."""
    form = sound_form(options)
    sounds = [read(name) for name in options.sound]
    names = ("steps", "label", "pitch")
    with client_of(options) as client:
        sound = client.interpolate(
            options.seeds, sounds=sounds, **{name: getattr(options, name) for name in names}, **model_of(options)
        )
    return _write_sound(options, sound, form)


def render(options: argparse.Namespace) -> int:
    """Play a MIDI file."""
    form = sound_form(options)
    midi = read(options.midi)
    with client_of(options) as client:
        tune = client.render(
            midi,
            seed=options.seed,
            programs=options.programs,
            channels=options.channels,
            latent_seconds=options.latent_seconds,
            attack_seconds=options.attack_seconds,
            release_seconds=options.release_seconds,
            out_of_range=options.out_of_range,
            percussion=options.percussion,
            **model_of(options),
        )
    return _write_sound(options, tune, form)


def models(options: argparse.Namespace) -> int:
    """List the models, or show one."""
    with client_of(options) as client:
        if options.model:
            print(json.dumps(asdict(client.model(options.model, version=options.version)), indent=2))
            return 0
        found = client.models()
    if options.json:
        print(json.dumps([{k: v for k, v in asdict(model).items() if k != "contract"} for model in found]))
    else:
        _print_table([_row(model) for model in found])
    return 0


def completion(options: argparse.Namespace) -> int:
    """Print a shell's completion."""
    import shtab

    from latentone_client.cli.options import make_parser

    print(shtab.complete(make_parser(), options.shell))
    return 0


@contextmanager
def client_of(options: argparse.Namespace) -> Iterator[Client]:
    """Give a client whose calls are seen to go on."""
    retries = Retries(most=options.retries)
    with (
        Progress(options.command) as progress,
        Client(options.url, **connection(options), retries=retries, watch=progress.watch) as client,
    ):
        yield client


def model_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments that say which model."""
    return {"model": options.model, "version": options.version}


def _drawn(options: argparse.Namespace) -> dict[str, Any]:
    latents = None if options.latents is None else read_array(options.latents)
    names = ("seed", "count", "label", "pitch")
    return model_of(options) | {name: getattr(options, name) for name in names} | {"latents": latents}


def sound_form(options: argparse.Namespace) -> AudioFormat:
    """Return the format of the file.

    Raises: Invalid, OSError where it could not be written.
    """
    output = Output(options.output)
    output.check()
    if getattr(options, "split", False) and output.is_standard:
        raise Invalid("--split: standard output is one file; name one with -o")
    form: AudioFormat = options.format or ("wav" if output.is_standard else format_of(output.name))
    return form


def _features_output(options: argparse.Namespace) -> Output:
    output = Output(options.output)
    output.check()
    if not output.is_standard and PurePath(output.name).suffix != ".npy":
        raise Invalid(f"{output.name}: features are written as .npy")
    return output


def _write_sound(options: argparse.Namespace, sound: Sound, form: AudioFormat) -> int:
    output, names = Output(options.output), [options.output]
    if options.split:
        names = [str(path) for path in sound.write_each(options.output, form)]
    else:
        output.write(sound.file(form))
    where = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    words = f"{where}: {sound.seconds:.2f} seconds at {sound.sample_rate_hz} Hz, {_made_by(sound)}"
    facts = {"files": names, "seconds": sound.seconds, "sample_rate_hz": sound.sample_rate_hz, **_facts(sound)}
    if sound.sounds:
        facts["sounds"] = sound.sounds
    if isinstance(sound, Varied):
        words += f", at distance {sound.distance:g} from {sound.heard_seconds:.2f} of {sound.sound_seconds:.2f} seconds"
        facts |= {name: getattr(sound, name) for name in ("distance", "sound_seconds", "heard_seconds")}
    if isinstance(sound, Tune):
        words = "\n".join([words, *_account(sound)])
        facts |= {"notes": sound.notes, "folded": [asdict(entry) for entry in sound.folded]}
        facts |= {"skipped": [asdict(entry) for entry in sound.skipped]}
    if sound.warnings:
        facts |= {"warnings": list(sound.warnings)}
    for sentence in sound.warnings:
        print(f"warning: {sentence}", file=sys.stderr)
    output.tell(words, facts, as_json=options.json)
    return 0


def _write_features(options: argparse.Namespace, output: Output, features: Features) -> int:
    buffer = io.BytesIO()
    np.save(buffer, features.values, allow_pickle=False)
    output.write(buffer.getvalue())
    shape = list(features.values.shape)
    words = f"{output.name}: features {shape}, {_made_by(features)}"
    output.tell(words, {"files": [output.name], "shape": shape, **_facts(features)}, as_json=options.json)
    return 0


def _facts(made: Sound | Features) -> dict[str, Any]:
    facts = {"model": made.model, "version": made.version, "seeds": list(made.seeds), "labels": list(made.labels)}
    return {**facts, "timing": dict(made.timing)}


def _made_by(made: Sound | Features) -> str:
    labels = list(dict.fromkeys(made.labels))
    shown = ", ".join(labels[:LABELS_SHOWN]) + (", ..." if len(labels) > LABELS_SHOWN else "")
    words = [f"{made.model} version {made.version}"]
    words += [f"sounds passed {made.sounds}"] if isinstance(made, Sound) and made.sounds else []
    words += [f"seed {' to '.join(map(str, made.seeds))}"] if made.seeds else []
    return ", ".join([*words, f"label {shown}"] if labels else words)


def _account(tune: Tune) -> Iterator[str]:
    """Say what became of the notes, a line for each kind."""
    yield f"notes: {tune.notes}"
    if tune.folded:
        yield "folded: " + ", ".join(f"{entry.pitch} to {entry.to} ({entry.count})" for entry in tune.folded)
    for kind, percussion in (("skipped", False), ("skipped percussion", True)):
        left = [f"{entry.pitch} ({entry.count})" for entry in tune.skipped if entry.percussion == percussion]
        if left:
            yield f"{kind}: {', '.join(left)}"


def _row(model: Model) -> dict[str, str]:
    labels = ", ".join(model.labels[:LABELS_SHOWN]) + (", ..." if len(model.labels) > LABELS_SHOWN else "")
    return {
        "model": f"{model.name}{' (default)' if model.default else ''}",
        "version": str(model.version),
        "state": f"{model.state}: {model.reason}" if model.reason else model.state,
        "Hz": str(model.sample_rate_hz),
        "seconds": f"{model.clip_samples / model.sample_rate_hz:.2f}" if model.sample_rate_hz else "",
        "operations": ", ".join(model.operations),
        "labels": labels,
    }


def _print_table(rows: list[dict[str, str]]) -> None:
    """Print rows under their names, in columns."""
    if not rows:
        return
    table = [list(rows[0]), *[list(row.values()) for row in rows]]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
