"""Every operation of the service: its arguments become a Request, which knows how to read its answer.

Sync and async clients, over both transports, have these functions as their methods.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from latentone_client import reading
from latentone_client.answers import Features, Model, Sound, Tune, Varied
from latentone_client.errors import Invalid
from latentone_client.sound_files import FloatArray
from latentone_client.transport import Request

File = bytes | str | PathLike[str]  # what a file holds, or where it is
FILE = (bytes, str, PathLike)
PNG = b"\x89PNG\r\n\x1a\n"  # how such a file begins
ON_THE_WIRE = "wav_float"  # a form that says its channels and keeps every bit
SAMPLES = "f32"  # of a stream, which says its channels when it begins


def generate(
    *,
    model: str = "",
    version: int | str = 0,
    seed: int | None = None,
    count: int | None = None,
    label: str | int = "",
    pitch: float | None = None,
    latents: ArrayLike | None = None,
) -> Request[Sound]:
    """Make clips from a seed or from latents.

    model: empty for the default one. version: a number, a label such as "stable", or 0 for the newest that is ready.
    seed: absent, one is drawn and returned.
    label: a name or an index; empty: clip i has label (seed + i) modulo their number. pitch: MIDI pitch in place of
    a label. latents: [count, latent size] in place of a seed.
    """
    fields = _drawn(model=model, version=version, seed=seed, count=count, label=label, pitch=pitch, latents=latents)
    return Request("generate", {**fields, "format": ON_THE_WIRE}, reading.sound)


def generate_stream(
    *,
    model: str = "",
    version: int | str = 0,
    seed: int | None = None,
    label: str | int = "",
    pitch: float | None = None,
    seconds: float | None = None,
    latent_seconds: float | None = None,
    crossfade_seconds: float | None = None,
) -> Request[dict[str, Any]]:
    """Make a sound that lasts, from clips along a path that begins at a seed; iterate over it for its pieces.

    seconds: absent, as long as the service allows. label: a name or an index, of every clip; empty: the one that the
    seed alone would have. latent_seconds: from one latent to the next, between which the sound glides (four clips).
    crossfade_seconds: from one clip to the next (a quarter of a clip).
    """
    fields = _given(
        model=model,
        version=version,
        seed=seed,
        label=str(label),
        pitch=pitch,
        seconds=seconds,
        latent_seconds=latent_seconds,
        crossfade_seconds=crossfade_seconds,
        format=SAMPLES,
    )
    return Request("generate_stream", fields, reading.stream)


def decode_stream(*, model: str = "", version: int | str = 0) -> Request[dict[str, Any]]:
    """Return what is said of features that come bit by bit."""
    return Request("decode_stream", _given(model=model, version=version, format=SAMPLES), reading.stream)


def frames(values: ArrayLike) -> FloatArray:
    """Return the next features of a stream as an array. Raises: Invalid."""
    return _array(values, "features")


def sample(
    *,
    model: str = "",
    version: int | str = 0,
    seed: int | None = None,
    count: int | None = None,
    label: str | int = "",
    pitch: float | None = None,
    latents: ArrayLike | None = None,
) -> Request[Features]:
    """Make features from a seed or from latents; arguments as of `generate`."""
    return Request(
        "sample",
        _drawn(model=model, version=version, seed=seed, count=count, label=label, pitch=pitch, latents=latents),
        reading.features,
    )


def decode(
    features: ArrayLike | File,
    *,
    model: str = "",
    version: int | str = 0,
    black: float | None = None,
    white: float | None = None,
    low: Literal["bottom", "top"] = "bottom",
    definition: Mapping[str, Any] | None = None,
    iterations: int | None = None,
    peak: float | None = None,
) -> Request[Sound]:
    """Make features audible.

    features: [count, frames, bands(, channels)], or one item without count, in the units of the model's contract; or a
    file, as bytes or as a path: an .npy array, or a greyscale PNG, a frame a column.
    black, white: the values that a picture's black and white stand for; absent: what the picture itself says.
    low: where a picture has its low frequencies.
    definition: how the mel was computed, for the model griffin-lim, as in {"sample_rate_hz": 16000, "n_fft": 1024,
    "hop_samples": 256, "log": "ln"}; the service's MelDefinition has all names. iterations, peak: of griffin-lim.
    """
    fields = (
        _file_fields(_bytes(features)) if isinstance(features, FILE) else {"features": _array(features, "features")}
    )
    fields |= {"black": black, "white": white, "definition": definition and dict(definition)}
    fields |= {"iterations": iterations, "peak": peak, "low": low if "picture" in fields else None}
    return Request("decode", _given(model=model, version=version, **fields, format=ON_THE_WIRE), reading.sound)


def analyse(audio: File, *, model: str = "", version: int | str = 0) -> Request[Features]:
    """Describe a sound file by the features that `decode` takes.

    audio: a WAV, FLAC, Ogg or MP3 file at the model's sample rate, as bytes or as a path.
    """
    return Request("analyse", _given(model=model, version=version, audio=_bytes(audio)), reading.features)


def vary(
    audio: File,
    *,
    count: int | None = None,
    distance: float | None = None,
    seed: int | None = None,
    label: str | int = "",
    pitch: float | None = None,
    model: str = "",
    version: int | str = 0,
) -> Request[Varied]:
    """Make variations of a sound, with a model that has an encoder.

    audio: a WAV, FLAC, Ogg or MP3 file at the model's sample rate, as bytes or as a path; cut to the length of the
    model's clips, or followed by silence. count: how many (1). distance: from the sound, 0 (what the model makes of
    the sound itself) to 1 (any sound of the model); absent: 0.3. seed: absent, one is drawn and returned.
    label: a name or an index; empty: the one that the sound is heard as. pitch: MIDI pitch in place of a label.
    """
    fields = _given(
        model=model,
        version=version,
        audio=_bytes(audio),
        count=count,
        distance=distance,
        seed=seed,
        label=str(label),
        pitch=pitch,
        format=ON_THE_WIRE,
    )
    return Request("vary", fields, reading.varied)


def interpolate(
    seeds: Sequence[int] = (),
    *,
    sounds: Sequence[File] = (),
    steps: int | None = None,
    label: str | int = "",
    pitch: float | None = None,
    model: str = "",
    version: int | str = 0,
) -> Request[Sound]:
    """Make clips along a path through sounds and then through seeds.

    seeds and sounds: two or more in all; sounds as `vary` takes them, for a model that has an encoder.
    steps: clips in all, both ends included; absent: 8, or one for each station if more.
    label: of every clip; empty: the one that the first sound is heard as, or that the first seed alone would have.
    """
    fields = _given(
        model=model,
        version=version,
        seeds=list(seeds),
        sounds=[_bytes(sound) for sound in sounds],
        steps=steps,
        label=str(label),
        pitch=pitch,
        format=ON_THE_WIRE,
    )
    return Request("interpolate", fields, reading.sound)


def render(
    midi: File,
    *,
    model: str = "",
    version: int | str = 0,
    seed: int | None = None,
    programs: Mapping[int, int] | None = None,
    channels: Mapping[int, int] | None = None,
    latent_seconds: float | None = None,
    attack_seconds: float | None = None,
    release_seconds: float | None = None,
    out_of_range: Literal["fold", "skip"] = "fold",
    percussion: bool = False,
) -> Request[Tune]:
    """Play a MIDI file with a model whose labels stand for pitches.

    midi: a Standard MIDI file of format 0 or 1, as bytes or as a path. seed: program p sounds as seed + p.
    programs: seeds of programs (0 to 127). channels: seeds of channels (1 to 16), whatever their programs.
    latent_seconds: from one latent of a seed to the next, between which the sound glides (4).
    attack_seconds, release_seconds: fades of each note (0.01 and 0.3).
    out_of_range: what becomes of notes that the model lacks. percussion: whether channel 10 is played.
    """
    fields = _given(
        model=model,
        version=version,
        midi=_bytes(midi),
        seed=seed,
        programs=dict(programs or {}),
        channels=dict(channels or {}),
        latent_seconds=latent_seconds,
        attack_seconds=attack_seconds,
        release_seconds=release_seconds,
        out_of_range=out_of_range,
        percussion=percussion,
        format=ON_THE_WIRE,
    )
    return Request("render", fields, reading.tune)


def list_models() -> Request[tuple[Model, ...]]:
    """Return every version of every model that the service has."""
    return Request("list_models", {}, reading.models)


def get_model(name: str, *, version: int | str = 0) -> Request[Model]:
    """Return one model, with its whole contract. version: a number, a label, or 0 for the newest."""
    if not name:
        raise Invalid("model: which one? give its name")
    return Request("get_model", _given(model=name, version=version), reading.model)


def _drawn(*, latents: ArrayLike | None, label: str | int, **fields: Any) -> dict[str, Any]:
    array = None if latents is None else _array(latents, "latents")
    return _given(latents=array, label=str(label), **fields)


def _given(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something; the service knows the rest. A version that is a text is a label."""
    if isinstance(fields.get("version"), str):
        fields["version_label"] = fields.pop("version")
    return {name: value for name, value in fields.items() if value is not None}


def _file_fields(data: bytes) -> dict[str, Any]:
    """Return what a file holds as a field of `decode`: a picture as it is, or the features of an .npy file.

    Raises: Invalid for another file.
    """
    if data.startswith(PNG):
        return {"picture": data}
    try:
        return {"features": np.asarray(np.load(io.BytesIO(data), allow_pickle=False), np.float32)}
    except (ValueError, EOFError, TypeError):
        raise Invalid("features: this is neither an .npy file of numbers nor a PNG picture") from None


def _array(value: ArrayLike, name: str) -> FloatArray:
    try:
        return np.asarray(value, np.float32)
    except (TypeError, ValueError):
        raise Invalid(f"{name}: must be an array of numbers") from None


def _bytes(file: File) -> bytes:
    return file if isinstance(file, bytes) else Path(file).read_bytes()
