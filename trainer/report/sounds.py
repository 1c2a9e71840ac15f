"""Sounds in a page: 16-bit WAV, which every browser plays."""

from __future__ import annotations

from trainer import wav
from trainer.report.embed import data_uri
from trainer.report.subject import Clip


def sound_uri(clip: Clip) -> str:
    """The clip as a WAV file in a data URI."""
    return data_uri("audio/wav", wav.encode(clip.waveform, clip.rate_hz))
