"""How long a clip is, and how recordings become clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainer.errors import check
from trainer.specs.spec import Spec


@dataclass(frozen=True, kw_only=True)
class AudioSpec(Spec):
    """How long a clip is and how fast it runs. Saved in every contract."""

    sample_rate_hz: int = 16_000
    clip_samples: int = 16_384
    channels: int = 1

    def __post_init__(self) -> None:
        check(
            1_000 <= self.sample_rate_hz <= 192_000,
            f"sample_rate_hz={self.sample_rate_hz} is not in 1000..192000",
        )
        check(256 <= self.clip_samples <= 2**24, f"clip_samples={self.clip_samples} is not in 256..{2**24}")
        check(self.channels in (1, 2), f"channels={self.channels}: mono (1) and stereo (2) are supported")

    @property
    def clip_seconds(self) -> float:
        """Length of a clip in seconds."""
        return self.clip_samples / self.sample_rate_hz


@dataclass(frozen=True, kw_only=True)
class PreparationSpec(Spec):
    """How recordings become clips of one length.

    crop: "start" and "center" take one clip a recording, "random" takes `crops_per_recording` at seeded places,
    "slices" takes every clip that fits, `overlap` of a clip shared with the next (the tail padded when at least
    half a clip long). Shorter recordings are padded with silence at the end.
    """

    downmix: Literal["mean", "first"] = "mean"  # how more channels than wanted become one
    crop: Literal["start", "center", "random", "slices"] = "start"
    crops_per_recording: int = 1
    overlap: float = 0.0
    min_seconds: float = 0.05
    trim_silence_db: float | None = None  # cut edges this far below the loudest frame; None leaves them
    loudness_dbfs: float | None = None  # RMS to reach, peaks kept under full scale; None leaves it
    silence_dbfs: float = -60.0  # a recording whose peak is lower is left out as silent
    held_out_fraction: float = 0.1  # used where the corpus has no split of its own
    seed: int = 0

    def __post_init__(self) -> None:
        check(
            self.crop in ("start", "center", "random", "slices"),
            f"crop={self.crop!r} is not start, center, random or slices",
        )
        check(self.downmix in ("mean", "first"), f"downmix={self.downmix!r} is not mean or first")
        check(self.crops_per_recording >= 1, f"crops_per_recording={self.crops_per_recording} must be 1 or more")
        check(self.crop == "random" or self.crops_per_recording == 1, "crops_per_recording needs crop='random'")
        check(0.0 <= self.overlap <= 0.9, f"overlap={self.overlap} is not in 0..0.9")
        check(self.crop == "slices" or self.overlap == 0.0, "overlap needs crop='slices'")
        check(
            0.0 <= self.held_out_fraction <= 0.5,
            f"held_out_fraction={self.held_out_fraction} is not in 0..0.5",
        )
