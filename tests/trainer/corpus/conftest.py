"""Sounds and small corpora, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE_HZ = 16_000

Writer = Callable[..., Path]


@pytest.fixture
def tone() -> Callable[..., np.ndarray]:
    """A sine of some frequency, length, rate and amplitude, float32 [S]."""

    def make(hz: float = 440.0, seconds: float = 0.5, rate_hz: int = RATE_HZ, peak: float = 0.5) -> np.ndarray:
        time = np.arange(round(seconds * rate_hz)) / rate_hz
        return (peak * np.sin(2 * np.pi * hz * time)).astype(np.float32)

    return make


@pytest.fixture
def write(tone: Callable[..., np.ndarray], tmp_path: Path) -> Writer:
    """Write a file under tmp_path/corpus; its own tone where no samples are given."""
    made: list[Path] = []

    def make(name: str, samples: np.ndarray | None = None, rate_hz: int = RATE_HZ, subtype: str | None = None) -> Path:
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = tone(200 + 10 * len(made), rate_hz=rate_hz) if samples is None else samples
        made.append(path)
        soundfile.write(path, samples, rate_hz, subtype=subtype)
        return path

    return make


@pytest.fixture
def corpus_folder(tmp_path: Path) -> Path:
    """Where `write` puts its files."""
    return tmp_path / "corpus"
