"""From one recording to clips of one length."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.corpus.account import LeftOut
from trainer.corpus.audio import decibels, level, peak, resample, to_channels, trim_silence
from trainer.corpus.recording import Recording, Samples, UnreadableError
from trainer.specs.audio import AudioSpec, PreparationSpec


@dataclass(frozen=True)
class Clips:
    """The clips of one recording.

    waveforms: float16 [n, clip_samples, channels] in [-1, 1]. offsets: where each begins, in samples at the
    corpus' rate, after trimming. silent: how many more were dropped because they are silent.
    """

    waveforms: NDArray[np.float16]
    offsets: tuple[int, ...]
    silent: int


def cut(recording: Recording, audio: AudioSpec, preparation: PreparationSpec) -> Clips | LeftOut:
    """Read a recording and cut it into clips, or say why it gives none."""
    try:
        samples, rate_hz = recording.sound.read()
    except UnreadableError as error:
        return LeftOut(recording.name, "unreadable", str(error))
    refused = _refusal(recording.name, samples, preparation)
    if refused:
        return refused
    samples = to_channels(samples, audio.channels, preparation.downmix)
    samples = resample(samples, rate_hz, audio.sample_rate_hz)
    if preparation.trim_silence_db is not None:
        samples = trim_silence(samples, audio.sample_rate_hz, preparation.trim_silence_db)
    seconds = len(samples) / audio.sample_rate_hz
    if seconds < preparation.min_seconds:
        return LeftOut(recording.name, "too short", f"{seconds:.3f} s, less than {preparation.min_seconds} s")
    if decibels(peak(samples)) < preparation.silence_dbfs:  # stereo whose sides cancel in the mix
        return LeftOut(recording.name, "silent", "its channels cancel each other")
    return _clips(recording.name, level(samples, preparation.loudness_dbfs), audio, preparation)


def _refusal(name: str, samples: Samples, preparation: PreparationSpec) -> LeftOut | None:
    if not samples.size:
        return LeftOut(name, "empty")
    if not np.isfinite(samples).all():
        return LeftOut(name, "not finite", f"{np.count_nonzero(~np.isfinite(samples))} samples are NaN or infinite")
    if decibels(peak(samples)) < preparation.silence_dbfs:
        return LeftOut(name, "silent", f"peak {decibels(peak(samples)):.1f} dBFS")
    return None


def _clips(name: str, samples: Samples, audio: AudioSpec, preparation: PreparationSpec) -> Clips | LeftOut:
    length = audio.clip_samples
    starts = offsets(name, len(samples), length, preparation)
    pieces = [samples[start : start + length] for start in starts]
    loud = [decibels(peak(piece)) >= preparation.silence_dbfs for piece in pieces]
    if not any(loud):
        return LeftOut(name, "silent", f"nothing to hear in what crop={preparation.crop!r} takes; try trimming")
    waveforms = np.zeros((sum(loud), length, audio.channels), np.float16)
    heard = [(start, piece) for start, piece, keep in zip(starts, pieces, loud, strict=True) if keep]
    for waveform, (_, piece) in zip(waveforms, heard, strict=True):
        waveform[: len(piece)] = piece
    return Clips(waveforms, tuple(start for start, _ in heard), len(pieces) - len(heard))


def offsets(name: str, samples: int, length: int, preparation: PreparationSpec) -> list[int]:
    """Where clips of `length` begin in a recording of `samples`; a shorter recording gives one clip.

    Random places depend on the seed and the recording's name alone, so neither order nor company changes
    them.
    """
    spare = samples - length
    if spare <= 0:
        return [0]
    if preparation.crop == "center":
        return [spare // 2]
    if preparation.crop == "random":
        drawn = _generator(name, preparation.seed).integers(0, spare, preparation.crops_per_recording, endpoint=True)
        return [int(start) for start in np.unique(drawn)]
    if preparation.crop == "slices":
        stride = max(1, round(length * (1 - preparation.overlap)))
        return [
            start
            for start in range(0, samples, stride)
            if start <= spare or _worth_padding(start, samples, length, stride)
        ]
    return [0]


def _worth_padding(start: int, samples: int, length: int, stride: int) -> bool:
    """Whether a clip that reaches past the end has samples that no earlier one has, and is half full."""
    covered = start - stride + length
    return covered < samples and samples - start >= length / 2


def _generator(name: str, seed: int) -> np.random.Generator:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
