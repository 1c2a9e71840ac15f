"""Requests of the shapes that cost a worker most memory, as endless streams: what `python -m bench.memory` sends."""

from __future__ import annotations

import io
import itertools
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import soundfile

RATE_HZ, BANDS = 8_000, 64  # of the model digits
MINUTE = 60 * RATE_HZ
NPY = "application/x-npy"


@dataclass(frozen=True)
class Post:
    """One request over HTTP."""

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def _json(path: str, fields: dict[str, object], accept: str = "*/*") -> Post:
    return Post(path, json.dumps(fields).encode(), {"content-type": "application/json", "accept": accept})


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def small() -> Iterator[Post]:
    """What is usual: one clip from a seed."""
    for seed in itertools.count():
        yield _json("/v1/generate?model=digits", {"seed": seed})


def frames() -> Iterator[Post]:
    """Decode, each of another number of frames: a graph that is compiled for a shape would be kept for each."""
    for number in itertools.cycle(range(4, 900)):
        yield Post("/v1/decode?model=digits", _npy(np.zeros((1, number, BANDS), np.float32)))


def vocoder() -> Iterator[Post]:
    """The same, through a network of convolutions."""
    for number in itertools.cycle(range(4, 900)):
        yield Post("/v1/decode?model=digits-vocos", _npy(np.zeros((1, number, BANDS), np.float32)))


def minutes() -> Iterator[Post]:
    """Analyse, each nearly a minute of sound of another length."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, MINUTE).astype(np.float32)
    for cut in itertools.cycle(range(0, MINUTE // 2, 997)):
        buffer = io.BytesIO()
        soundfile.write(buffer, noise[cut:], RATE_HZ, format="WAV")
        yield Post("/v1/analyse?model=digits", buffer.getvalue())


def definitions() -> Iterator[Post]:
    """Griffin-Lim, each of another definition of mel."""
    for hop, number in zip(itertools.cycle(range(64, 512)), itertools.cycle(range(40, 400)), strict=False):
        path = f"/v1/decode?definition.n_fft={4 * hop}&definition.hop_samples={hop}&iterations=2"
        yield Post(path, _npy(np.zeros((1, number, 32), np.float32)))


def largest_mel() -> Iterator[Post]:
    """Griffin-Lim of as many cells as one request may have."""
    for number in itertools.cycle(range(7_000, 8_000, 13)):
        path = "/v1/decode?definition.sample_rate_hz=192000&iterations=1"
        yield Post(path, _npy(np.zeros((1, number, 128), np.float32)))


def pictures() -> Iterator[Post]:
    """Pictures of few bytes and millions of pixels."""
    for width in itertools.cycle(range(4_000, 16_384, 64)):
        yield Post("/v1/decode?definition.sample_rate_hz=192000&black=-80&white=0", _bomb(width, 512))


def _bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes((1 + width) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def numbers() -> Iterator[Post]:
    """JSON of as many numbers as a body holds, which no model wants."""
    body = b'{"latents": [[' + b"0.5," * 7_000_000 + b"1]]}"
    while True:
        yield Post("/v1/generate", body)


def brackets() -> Iterator[Post]:
    """JSON of as many empty lists as a body holds."""
    body = b'{"latents": [' + b"[]," * 10_000_000 + b"[]]}"
    while True:
        yield Post("/v1/generate", body)


def answers() -> Iterator[Post]:
    """Features of as many clips as one request may have, as numbers in JSON."""
    for seed in itertools.count():
        yield _json("/v1/sample?model=urban", {"seed": seed, "count": 64, "format": "json"})


def clips() -> Iterator[Post]:
    """As many clips as one request may have, in another format each time."""
    for seed, form in enumerate(itertools.cycle(("wav", "flac", "ogg", "mp3"))):
        yield _json("/v1/generate?model=urban", {"seed": seed, "count": 64, "format": form}, "application/json")


def noise() -> Iterator[Post]:
    """Bodies as large as they may be, which are nothing."""
    for byte in itertools.cycle(range(1, 256)):
        yield Post("/v1/analyse", bytes([byte]) * (32 * 2**20 - 1))


def bytes_as_numbers() -> Iterator[Post]:
    """An array of bytes, each of which would become four."""
    body = _npy(np.zeros((1, 262_143, 127), np.uint8))
    while True:
        yield Post("/v1/decode?model=digits", body)


def tunes() -> Iterator[Post]:
    """MIDI files of as many notes as one may have."""
    track = b"".join(bytes([0, 0x90, 40 + note % 40, 100, 10, 0x80, 40 + note % 40, 0]) for note in range(4_000))
    track += b"\x00\xff\x2f\x00"
    body = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 960) + b"MTrk" + struct.pack(">I", len(track)) + track
    for seed in itertools.count():
        yield Post(f"/v1/render?model=notes&seed={seed}", body)


def names() -> Iterator[Post]:
    """Models, labels and paths that are not there, each another one."""
    for number in itertools.count():
        yield _json(f"/v1/generate?x{number}=1" if number % 2 else f"/nowhere/{number}", {"model": f"no{number}"})


SHAPES: dict[str, tuple[Callable[[], Iterator[Post]], int]] = {  # with how many clients at a time
    "small": (small, 8),
    "frames": (frames, 8),
    "vocoder": (vocoder, 4),
    "minutes": (minutes, 8),
    "definitions": (definitions, 8),
    "largest_mel": (largest_mel, 8),
    "pictures": (pictures, 16),
    "numbers": (numbers, 16),
    "brackets": (brackets, 16),
    "answers": (answers, 8),
    "clips": (clips, 8),
    "noise": (noise, 32),
    "bytes_as_numbers": (bytes_as_numbers, 16),
    "tunes": (tunes, 8),
    "names": (names, 16),
}
