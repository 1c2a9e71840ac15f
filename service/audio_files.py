"""Sound files: WAV, FLAC, Ogg Vorbis, Opus, MP3 and raw samples, to and from arrays."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import soundfile
from numpy.typing import NDArray

from service.errors import Invalid, TooLarge, Unsupported

FloatArray = NDArray[np.float32]
AudioFormat = Literal["wav", "wav_float", "flac", "ogg", "opus", "mp3", "pcm", "f32"]

MOST_CHANNELS = 8  # a header may claim 1024, and every one costs memory
BLOCK = 65_536  # samples a write; the Vorbis encoder's stack does not take minutes at once
OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


@dataclass(frozen=True)
class Encoding:
    """How a format is written. No `container` means raw samples."""

    media_type: str
    suffix: str
    container: str | None = None
    subtype: str | None = None
    rates_hz: tuple[int, ...] | None = None  # None: any


ENCODINGS: dict[AudioFormat, Encoding] = {
    "wav": Encoding("audio/wav", "wav", "WAV", "PCM_16"),
    "wav_float": Encoding("audio/wav", "wav", "WAV", "FLOAT"),
    "flac": Encoding("audio/flac", "flac", "FLAC", "PCM_16"),
    "ogg": Encoding("audio/ogg", "ogg", "OGG", "VORBIS"),
    "opus": Encoding("audio/ogg; codecs=opus", "opus", "OGG", "OPUS", OPUS_RATES_HZ),
    "mp3": Encoding("audio/mpeg", "mp3", "MP3", "MPEG_LAYER_III", MP3_RATES_HZ),
    "pcm": Encoding("audio/pcm", "pcm"),
    "f32": Encoding("application/octet-stream", "f32"),
}
FORMATS: tuple[AudioFormat, ...] = get_args(AudioFormat)


def check_rate(form: AudioFormat, sample_rate_hz: int) -> None:
    """Raise Invalid where the format can't hold the rate; called before any work is done."""
    rates = ENCODINGS[form].rates_hz
    if rates is not None and sample_rate_hz not in rates:
        known = ", ".join(map(str, rates))
        raise Invalid(f"{form} can't hold {sample_rate_hz} Hz, only {known} Hz; ask for flac or wav", field="format")


def write_audio(waveform: FloatArray, *, sample_rate_hz: int, form: AudioFormat, tags: Mapping[str, str]) -> bytes:
    """Return the sound as a file.

    waveform: float32 [samples] or, with channels, [samples, channels]; what lies outside [-1, 1] is clipped.
    tags: title and comment, written where the format has room for them (all but raw samples).
    """
    encoding = ENCODINGS[form]
    channels = waveform.shape[1] if waveform.ndim > 1 else 1
    clipped = np.clip(waveform, -1.0, 1.0)
    if form == "f32":
        return clipped.astype("<f4").tobytes()
    # Rounded here, so that every 16-bit format holds the same samples.
    samples = np.rint(clipped * 32_767.0).astype("<i2") if encoding.subtype in ("PCM_16", None) else clipped
    if encoding.container is None:
        return samples.tobytes()
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", sample_rate_hz, channels=channels, format=encoding.container, subtype=encoding.subtype
    ) as file:
        for name, text in tags.items():
            setattr(file, name, text)
        for start in range(0, len(samples), BLOCK):
            file.write(samples[start : start + BLOCK])
    return buffer.getvalue()


class _Bytes(io.BytesIO):
    """A file in which libsndfile may ask for places that there are not, as a damaged header has it do."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go there, or stay."""
        try:
            return super().seek(offset, whence)
        except (ValueError, OSError):
            return self.tell()


def read_audio(body: bytes, *, sample_rate_hz: int, most_seconds: float, channels: int = 1) -> FloatArray:
    """Return the sound of a file with so many channels: averaged for one, and a single one doubled for two.

    channels: 1 or 2.
    Returns: float32 [samples], or [samples, 2] for two channels.
    Raises: Unsupported for what is no sound file, Invalid for another rate than `sample_rate_hz`, more than
    eight channels (more than two, where two are wanted), no samples or NaN; TooLarge for more than `most_seconds`.
    """
    try:
        with soundfile.SoundFile(_Bytes(body)) as file:
            if file.samplerate != sample_rate_hz:
                raise Invalid(
                    f"the sound has {file.samplerate} Hz, the model wants {sample_rate_hz} Hz; resample it",
                    field="audio",
                )
            most = MOST_CHANNELS if channels == 1 else channels
            if file.channels > most:
                raise Invalid(
                    f"the sound has {file.channels} channels; at most {most} are taken",
                    field="audio",
                )
            longest = int(most_seconds * sample_rate_hz)
            samples = file.read(longest + 1, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, ValueError, TypeError):
        raise Unsupported("the body is no sound file that can be read: WAV, FLAC, Ogg, MP3 and AIFF can") from None
    if len(samples) > longest:
        raise TooLarge(f"the sound is longer than {most_seconds:g} seconds", field="audio")
    if not len(samples):
        raise Invalid("the sound is empty", field="audio")
    if not np.isfinite(samples).all():
        raise Invalid("the sound holds NaN or infinity", field="audio")
    if channels == 1:
        return np.asarray(samples.mean(axis=1, dtype=np.float32))
    return np.ascontiguousarray(np.broadcast_to(samples, (len(samples), channels)))
