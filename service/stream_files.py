"""Sound as bytes that go out before its end is known: WAV with an open end, or raw samples."""

from __future__ import annotations

import struct

from service.audio_files import FloatArray, write_audio
from service.stream_requests import StreamFormat

OPEN = 0xFFFFFFFF  # a length that is not known yet, as ffmpeg writes it and players take it
PCM, FLOAT = 1, 3  # codes of a WAV file's samples
RAW: dict[StreamFormat, StreamFormat] = {"wav": "pcm", "wav_float": "f32", "pcm": "pcm", "f32": "f32"}
BYTES = {"pcm": 2, "f32": 4}  # of a sample


def header(form: StreamFormat, *, sample_rate_hz: int, channels: int) -> bytes:
    """Return what stands before the samples: the header of a WAV file whose length is open, or nothing.

    Source: RIFF WAVE, Microsoft and IBM 1991; for float samples a fact chunk, as revision 3 of 1994 wants.
    """
    if form == RAW[form]:
        return b""
    width = BYTES[RAW[form]]
    code, fact = (FLOAT, b"fact" + struct.pack("<II", 4, OPEN)) if form == "wav_float" else (PCM, b"")
    frame = width * channels
    described = struct.pack("<HHIIHH", code, channels, sample_rate_hz, sample_rate_hz * frame, frame, 8 * width)
    if fact:
        described += struct.pack("<H", 0)  # no extension
    chunks = b"fmt " + struct.pack("<I", len(described)) + described + fact + b"data" + struct.pack("<I", OPEN)
    return b"RIFF" + struct.pack("<I", OPEN) + b"WAVE" + chunks


def samples(sound: FloatArray, form: StreamFormat, *, sample_rate_hz: int) -> bytes:
    """Return a piece of sound [S(, C)] as samples, those of the raw format; what lies outside [-1, 1] is clipped."""
    return write_audio(sound, sample_rate_hz=sample_rate_hz, form=RAW[form], tags={})
