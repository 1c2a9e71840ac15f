"""What one number of a mel spectrogram stands for, and which definitions can be turned into each other.

Standard library only, so that mistakes are answered before a backend is imported.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, Self

from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec, MelSpec

SCALE = ("log_base", "gain", "offset", "floor", "ceiling")  # what an affine map and clips make of each other
CLOSE = 1e-6  # relative: what is nearer is rounding
WHY = {
    "quantity": "a band of power is a sum of squares, a band of magnitude a sum, and neither follows from the other",
    "n_mels": "bands of another number sum other frequencies",
    "hop_samples": "frames at other times hear other sound",
}


@dataclass(frozen=True, kw_only=True)
class MelDefinition:
    """gain * log(clip(mel, floor, ceiling)) + offset, the logarithm that of log_base.

    mel: n_mels sums of |STFT| (quantity magnitude) or |STFT|^2 (power) under triangles from fmin_hz to fmax_hz.
    Frames stand on a grid of whole hops, with (n_fft - hop_samples) / 2 samples beyond each end: padding says which.
    ceiling: None where values have no upper end.
    """

    sample_rate_hz: int
    n_fft: int
    window: Literal["hann"] = "hann"  # of n_fft samples
    hop_samples: int
    padding: Literal["zeros", "mirrored"]
    n_mels: int
    fmin_hz: float
    fmax_hz: float
    mel_scale: Literal["slaney"] = "slaney"
    mel_norm: Literal["slaney"] = "slaney"
    quantity: Literal["power", "magnitude"]
    log_base: float
    gain: float
    offset: float
    floor: float
    ceiling: float | None

    @classmethod
    def of(cls, spec: MelSpec, audio: AudioSpec) -> Self:
        """Of a specification whose constants are complete."""
        same: dict[str, Any] = {name: getattr(spec, name) for name in ("n_fft", "hop_samples", "n_mels", "fmin_hz")}
        same |= {"sample_rate_hz": audio.sample_rate_hz, "fmax_hz": spec.fmax_hz or audio.sample_rate_hz / 2}
        if not isinstance(spec, LogMelSpec):
            same |= {"padding": "mirrored", "quantity": "magnitude"}
            return cls(**same, log_base=10.0, gain=1.0, offset=0.0, floor=spec.floor, ceiling=None)
        assert spec.db_max is not None
        db_min = spec.db_max - spec.db_range
        return cls(
            **same,
            padding="zeros",
            quantity="power",
            log_base=10.0,
            gain=20.0 / spec.db_range,
            offset=-2.0 * db_min / spec.db_range - 1.0,
            floor=10.0 ** (db_min / 10.0),
            ceiling=10.0 ** (spec.db_max / 10.0),
        )

    def value(self, mel: float) -> float:
        """What stands for a mel of the quantity, clipped."""
        clipped = min(max(mel, self.floor), math.inf if self.ceiling is None else self.ceiling)
        return self.gain * math.log(clipped) / math.log(self.log_base) + self.offset

    def differences(self, other: MelDefinition) -> tuple[str, ...]:
        """Names of the fields that differ."""
        names = (field.name for field in dataclasses.fields(self))
        return tuple(name for name in names if not _same(getattr(self, name), getattr(other, name)))

    def convertible(self, other: MelDefinition) -> bool:
        """Whether they differ in the scale of the values at most."""
        return set(self.differences(other)) <= set(SCALE)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=1e-12)
    return bool(one == other)


def side_by_side(first: str, one: MelDefinition, second: str, other: MelDefinition) -> str:
    """A table of both, with their titles, a field a line; what differs is marked, and whether it can be converted."""
    differing = one.differences(other)
    marks = {name: "  differs, can be converted" if name in SCALE else "  differs" for name in differing}
    rows = [("", first, second)]
    rows += [
        (field.name, _shown(getattr(one, field.name)), _shown(getattr(other, field.name)))
        for field in dataclasses.fields(one)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + marks.get(row[0], "")
        for row in rows
    )
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def reasons(one: MelDefinition, other: MelDefinition) -> str:
    """Why what differs can't be converted, where more is to be said than the table does."""
    return "; ".join(WHY[name] for name in one.differences(other) if name in WHY)


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
