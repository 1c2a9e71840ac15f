"""Specifications: frozen, checked when made, saved beside every run.

Data flows one way: a recipe holds a RunSpec, the command line replaces fields of it, and the resolved RunSpec is
written to the run's folder and travels in the exported contract.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self


class LatentoneError(Exception):
    """What the person at the command line can mend; its text says how."""


class SpecError(LatentoneError):
    """A specification that contradicts itself or lies outside what is supported."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Sentence for a name that is not in a registry, with the nearest one that is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {name!r}{hint} known: {', '.join(names)}"


def check(condition: bool, message: str) -> None:
    """Raise SpecError with `message` unless `condition` holds."""
    if not condition:
        raise SpecError(message)


class Spec:
    """Base of the frozen specifications: plain JSON out, checked values back in."""

    def to_json(self) -> dict[str, Any]:
        """Return nested plain dictionaries that `from_json` takes."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Build the specification from what `to_json` gave.

        Raises: SpecError for a field that is unknown or whose value is refused.
        """
        hints = typing.get_type_hints(cls)
        for name in values:
            check(name in hints, f"{cls.__name__}: {unknown('field', name, hints)}")
        return cls(**{name: _revive(hints[name], value) for name, value in values.items()})

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


def _revive(hint: Any, value: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        specs = [option for option in typing.get_args(hint) if isinstance(option, type) and issubclass(option, Spec)]
        hint = specs[0] if specs else hint
    if isinstance(hint, type) and issubclass(hint, Spec) and isinstance(value, Mapping):
        return hint.from_json(value)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(value)
    return value


@dataclass(frozen=True, kw_only=True)
class AudioSpec(Spec):
    """How long a clip is and how fast it runs. Saved in every contract."""

    sample_rate_hz: int = 16_000
    clip_samples: int = 16_384
    channels: int = 1

    def __post_init__(self) -> None:
        check(1_000 <= self.sample_rate_hz <= 192_000, f"sample_rate_hz={self.sample_rate_hz} is not in 1000..192000")
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
        check(self.crop in ("start", "center", "random", "slices"), f"crop={self.crop!r} is not start, center, random or slices")
        check(self.crops_per_recording >= 1, f"crops_per_recording={self.crops_per_recording} must be 1 or more")
        check(self.crop == "random" or self.crops_per_recording == 1, "crops_per_recording needs crop='random'")
        check(0.0 <= self.overlap <= 0.9, f"overlap={self.overlap} is not in 0..0.9")
        check(self.crop == "slices" or self.overlap == 0.0, "overlap needs crop='slices'")
        check(0.0 <= self.held_out_fraction <= 0.5, f"held_out_fraction={self.held_out_fraction} is not in 0..0.5")
