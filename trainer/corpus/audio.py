"""From a file's samples to the samples a corpus keeps: decoding, channels, rate, trimming and level."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainer.corpus.recording import Samples, UnreadableError

TRIM_FRAME_SECONDS = 0.025


def decode(path: Path) -> tuple[Samples, int]:
    """Read a whole file with libsndfile (WAV, FLAC, Ogg, MP3, ...).

    Returns: samples float32 [S, C], nominally in [-1, 1], and the rate in Hz.
    Raises: UnreadableError, its text free of the path.
    """
    import soundfile

    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UnreadableError(error.error_string) from error
    except OSError as error:
        raise UnreadableError(error.strerror or "cannot be opened") from error
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:  # a header that lies about its length
        raise UnreadableError(type(error).__name__) from error
    return samples, int(rate_hz)


def to_channels(samples: Samples, channels: int, downmix: str = "mean") -> Samples:
    """Downmix to mono by the mean, or the "first" channel alone; repeat mono for stereo, keep the first two of more.

    [S, C] -> [S, channels].
    """
    if channels == 1:
        if downmix == "first":
            return samples[:, :1]
        return np.asarray(samples.mean(axis=1, keepdims=True), dtype=np.float32)
    return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]


def resample(samples: Samples, rate_hz: int, target_hz: int) -> Samples:
    """Band-limited resampling by soxr at very high quality. [S, C] -> [about S * target / rate, C]."""
    if rate_hz == target_hz:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate_hz, target_hz, quality="VHQ"), dtype=np.float32)


def peak(samples: Samples) -> float:
    """Largest magnitude, 0 where there are no samples."""
    return float(np.abs(samples).max(initial=0.0))


def decibels(ratio: float) -> float:
    """Amplitude ratio in decibels; 0 gives -inf."""
    return float(20 * np.log10(ratio)) if ratio > 0 else float("-inf")


def trim_silence(samples: Samples, rate_hz: int, below_db: float) -> Samples:
    """Cut both ends where the RMS of 25 ms frames is `below_db` or more under the loudest frame.

    Returns: a view [S', C] that begins and ends with a frame that is loud enough.
    """
    frame = max(1, round(TRIM_FRAME_SECONDS * rate_hz))
    starts = np.arange(0, len(samples), frame)
    energies = np.add.reduceat(np.square(samples, dtype=np.float64).sum(axis=1), starts)
    powers = energies / np.minimum(frame, len(samples) - starts)
    loud = np.flatnonzero(powers > powers.max() * 10 ** (-abs(below_db) / 10))
    if not loud.size:
        return samples
    return samples[starts[loud[0]] : starts[loud[-1]] + frame]


def level(samples: Samples, loudness_dbfs: float | None) -> Samples:
    """Bring the RMS to `loudness_dbfs` as far as the peaks allow; None only brings peaks down to full scale.

    Returns: samples in [-1, 1], scaled as a whole, so nothing is ever clipped.
    """
    highest = peak(samples)
    gain = 1.0
    if loudness_dbfs is not None:
        rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
        gain = 10 ** (loudness_dbfs / 20) / rms
    scaled = samples * np.float32(min(gain, 1 / highest))
    return scaled.clip(-1, 1)  # takes no more than float32's last bit
