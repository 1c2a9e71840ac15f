"""Samples to sound files and back. The files are those that the service writes, byte for byte."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO, Literal, get_args

import numpy as np
import soundfile
from numpy.typing import NDArray

from latentone_client.errors import Internal, Invalid

FloatArray = NDArray[np.float32]
AudioFormat = Literal["wav", "wav_float", "flac", "ogg", "opus", "mp3", "pcm", "f32"]

BLOCK = 65_536  # samples a write; the Vorbis encoder's stack does not take minutes at once


@dataclass(frozen=True)
class Encoding:
    """How libsndfile calls a format. No `container` means raw samples."""

    suffix: str
    container: str = ""
    subtype: str = ""


ENCODINGS: dict[AudioFormat, Encoding] = {
    "wav": Encoding("wav", "WAV", "PCM_16"),
    "wav_float": Encoding("wav", "WAV", "FLOAT"),
    "flac": Encoding("flac", "FLAC", "PCM_16"),
    "ogg": Encoding("ogg", "OGG", "VORBIS"),
    "opus": Encoding("opus", "OGG", "OPUS"),
    "mp3": Encoding("mp3", "MP3", "MPEG_LAYER_III"),
    "pcm": Encoding("pcm"),
    "f32": Encoding("f32"),
}
FORMATS: tuple[AudioFormat, ...] = get_args(AudioFormat)


def format_of(path: str | PurePath) -> AudioFormat:
    """Return the format that a file's suffix stands for.

    Raises: Invalid for a suffix that stands for none.
    """
    suffix = PurePath(path).suffix[1:].lower()
    for form, encoding in ENCODINGS.items():
        if encoding.suffix == suffix:
            return form
    known = ", ".join(dict.fromkeys(encoding.suffix for encoding in ENCODINGS.values()))
    raise Invalid(f"{path}: which format is that? known suffixes: {known}; or name the format")


def encode(samples: FloatArray, *, sample_rate_hz: int, form: AudioFormat, tags: Mapping[str, str]) -> bytes:
    """Return a sound as a file.

    samples: float32 [samples] or [samples, channels]; what lies outside [-1, 1] is clipped.
    tags: title, comment and software, written where the format has room for them (all but raw samples).
    Raises: Invalid for a format that is unknown or can't hold the rate.
    """
    buffer = io.BytesIO()
    channels = samples.shape[1] if samples.ndim > 1 else 1
    with written(buffer, sample_rate_hz=sample_rate_hz, channels=channels, form=form, tags=tags) as write:
        write(samples)
    return buffer.getvalue()


@contextmanager
def written(
    file: BinaryIO, *, sample_rate_hz: int, channels: int, form: AudioFormat, tags: Mapping[str, str]
) -> Iterator[Callable[[FloatArray], object]]:
    """Give what writes the pieces of a sound into a file, as `encode` does a whole one.

    file: of containers one that can be gone back in. Raises: Invalid.
    """
    if form not in ENCODINGS:
        raise Invalid(f"format: there is no {form!r}; known: {', '.join(FORMATS)}")
    encoding = ENCODINGS[form]
    if not encoding.container:
        yield lambda samples: file.write(_numbers(samples, form).tobytes())
        return
    try:
        container = soundfile.SoundFile(
            file, "w", sample_rate_hz, channels=channels, format=encoding.container, subtype=encoding.subtype
        )
    except soundfile.LibsndfileError:
        raise Invalid(f"format: {form} can't hold {sample_rate_hz} Hz; ask for flac or wav") from None

    def write(samples: FloatArray) -> None:
        numbers = _numbers(samples, form)
        for start in range(0, len(numbers), BLOCK):
            container.write(numbers[start : start + BLOCK])

    with container:
        for name, text in tags.items():
            setattr(container, name, text)
        yield write


def _numbers(samples: FloatArray, form: AudioFormat) -> NDArray[Any]:
    """Return samples as a format holds them; rounded here, so that every 16-bit format holds the same ones."""
    clipped = np.clip(samples, -1.0, 1.0)
    if form == "f32":
        return clipped.astype("<f4")
    is_whole = ENCODINGS[form].subtype in ("PCM_16", "")
    return np.rint(clipped * 32_767.0).astype("<i2") if is_whole else clipped


def decode(file: bytes) -> FloatArray:
    """Return the samples of a sound file: float32 [samples], or [samples, channels] where there are several.

    Raises: Internal for what the service should not have sent.
    """
    try:
        samples, _ = soundfile.read(io.BytesIO(file), dtype="float32")
    except soundfile.LibsndfileError:
        raise Internal("the service sent a sound that can't be read") from None
    return np.asarray(samples, np.float32)
