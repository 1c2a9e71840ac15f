"""Specifications: frozen, checked when made, saved beside every run.

Data flows one way: a recipe holds a RunSpec, the command line replaces fields of it, and the resolved RunSpec is
written to the run's folder and travels in the exported contract.
"""

from __future__ import annotations

import ast
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
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {what} {name!r}; {hint}known: {', '.join(names)}"


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


def override(spec: RunSpec, text: str) -> RunSpec:
    """Return `spec` with one field changed, from text such as "game.critic_learning_rate=3e-4".

    Raises: SpecError naming the field and what is known.
    """
    path, separator, value = text.partition("=")
    check(bool(separator), f"--set {text}: write FIELD=VALUE, such as game.critic_learning_rate=3e-4")
    section, _, name = path.rpartition(".")
    target: Any = getattr(spec, section, None) if section else spec
    fields = list(typing.get_type_hints(type(target))) if isinstance(target, Spec) else []
    check(name in fields, f"--set {path}: {unknown('field', name if fields else section, fields or vars(spec))}")
    try:
        parsed = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        parsed = value  # a word
    current = getattr(target, name)
    fits = (
        current is None
        or parsed is None
        or isinstance(parsed, type(current))
        or (isinstance(current, float) and isinstance(parsed, int))
    )
    check(fits, f"--set {text}: {name} is of type {type(current).__name__}, such as {current}")
    try:
        changed = target.replace(**{name: parsed})
    except TypeError as error:  # a comparison with a value of the wrong kind
        raise SpecError(f"--set {text}: {error}") from None
    return spec.replace(**{section: changed}) if section else changed


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
        check(self.crops_per_recording >= 1, f"crops_per_recording={self.crops_per_recording} must be 1 or more")
        check(self.crop == "random" or self.crops_per_recording == 1, "crops_per_recording needs crop='random'")
        check(0.0 <= self.overlap <= 0.9, f"overlap={self.overlap} is not in 0..0.9")
        check(self.crop == "slices" or self.overlap == 0.0, "overlap needs crop='slices'")
        check(
            0.0 <= self.held_out_fraction <= 0.5,
            f"held_out_fraction={self.held_out_fraction} is not in 0..0.5",
        )


@dataclass(frozen=True, kw_only=True)
class LogMelSpec(Spec):
    """The log-mel spectrogram: mel power in dB over db_range below db_max, scaled to [-1, 1]."""

    n_fft: int = 1024
    hop_samples: int = 256
    n_mels: int = 64
    fmin_hz: float = 0.0
    fmax_hz: float | None = None  # None is the Nyquist frequency
    db_range: float = 80.0
    db_max: float | None = None  # None is taken from the corpus
    inversion_steps: int = 20
    griffin_lim_iterations: int = 8

    def __post_init__(self) -> None:
        check(
            16 <= self.n_fft <= 16_384 and self.n_fft % 2 == 0,
            f"n_fft={self.n_fft} is not an even number in 16..16384",
        )
        check(
            self.hop_samples >= 1 and self.n_fft % self.hop_samples == 0,
            f"n_fft={self.n_fft} is not a multiple of hop_samples={self.hop_samples}",
        )
        check(
            self.n_fft // self.hop_samples in (2, 4, 8, 16),
            f"n_fft / hop_samples = {self.n_fft / self.hop_samples}: 2, 4, 8 and 16 are supported",
        )
        check(1 <= self.n_mels <= 1024, f"n_mels={self.n_mels} is not in 1..1024")
        check(
            0.0 <= self.fmin_hz < (self.fmax_hz or float("inf")),
            f"fmin_hz={self.fmin_hz} is not below fmax_hz={self.fmax_hz}",
        )
        check(20.0 <= self.db_range <= 200.0, f"db_range={self.db_range} is not in 20..200")
        check(0 <= self.inversion_steps <= 200, f"inversion_steps={self.inversion_steps} is not in 0..200")
        check(
            0 <= self.griffin_lim_iterations <= 500,
            f"griffin_lim_iterations={self.griffin_lim_iterations} is not in 0..500",
        )


@dataclass(frozen=True, kw_only=True)
class MelspecSpec(Spec):
    """Widths of the melspec networks, from the 4-high grid outwards; the last width repeats on larger grids."""

    latent_size: int = 96
    label_size: int = 32
    generator_widths: tuple[int, ...] = (128, 128, 96, 32, 16)
    critic_widths: tuple[int, ...] = (128, 128, 96, 64, 32)

    def __post_init__(self) -> None:
        check(1 <= self.latent_size <= 4096, f"latent_size={self.latent_size} is not in 1..4096")
        check(
            bool(self.generator_widths) and bool(self.critic_widths),
            "generator_widths and critic_widths need one width at least",
        )


@dataclass(frozen=True, kw_only=True)
class GameSpec(Spec):
    """How generator and critic play. The defaults were measured to converge on 200 to 3000 clips."""

    objective: Literal["logistic", "hinge", "wgan", "lsgan", "bce"] = "logistic"
    critic_steps: int = 1
    r1_weight: float = 0.2
    r2_weight: float = 0.0
    gradient_penalty_weight: float = 0.0
    penalty_every: int = 16  # lazy regularisation: the penalty every so many steps, multiplied by as many
    class_weight: float = 0.5  # auxiliary classification, where the corpus has labels
    generator_learning_rate: float = 2.5e-4
    critic_learning_rate: float = 5e-4
    beta_1: float = 0.0
    beta_2: float = 0.99
    ema: float = 0.999

    def __post_init__(self) -> None:
        check(
            self.objective in ("logistic", "hinge", "wgan", "lsgan", "bce"),
            unknown("objective", self.objective, ("logistic", "hinge", "wgan", "lsgan", "bce")),
        )
        check(self.critic_steps >= 1, f"critic_steps={self.critic_steps} must be 1 or more")
        check(self.penalty_every >= 1, f"penalty_every={self.penalty_every} must be 1 or more")
        for name in ("generator_learning_rate", "critic_learning_rate"):
            check(0.0 < getattr(self, name) < 1.0, f"{name}={getattr(self, name)} is not in 0..1")
        check(0.0 <= self.ema < 1.0, f"ema={self.ema} is not in 0..1")

    @property
    def has_penalty(self) -> bool:
        """Whether any penalty on the critic's gradient is asked for."""
        return max(self.r1_weight, self.r2_weight, self.gradient_penalty_weight) > 0.0


@dataclass(frozen=True, kw_only=True)
class AugmentSpec(Spec):
    """Differentiable augmentation of features [B, T, M], each with probability p, for real and generated alike."""

    probability: float = 0.6
    shift_frames: int = 8
    shift_bins: int = 2
    gain: float = 0.15
    mask_frames: int = 10
    mask_bins: int = 8
    adaptive: bool = True  # raise p while the mean sign of D(real) passes `target`, lower it below
    target: float = 0.5
    adapt_clips: int = 50_000  # clips shown for p to go from 0 to 1

    def __post_init__(self) -> None:
        check(
            0.0 <= self.probability <= 0.9,
            f"probability={self.probability} is not in 0..0.9: above, augmentation leaks into the sound",
        )
        check(0.0 <= self.gain < 1.0, f"gain={self.gain} is not in 0..1")
        check(
            min(self.shift_frames, self.shift_bins, self.mask_frames, self.mask_bins) >= 0,
            "shifts and masks must not be negative",
        )


@dataclass(frozen=True, kw_only=True)
class LoopSpec(Spec):
    """How long, how often, where from."""

    steps: int | None = None
    minutes: float | None = None  # of training time, earlier sittings of a resumed run included
    batch: int = 32
    seed: int = 0
    checkpoint_seconds: float = 60.0
    preview_seconds: float = 120.0
    log_every: int = 10
    patience: int | None = 10  # previews without a better distance before the early stop; None never stops early

    def __post_init__(self) -> None:
        check(self.steps is not None or self.minutes is not None, "a budget is missing: give steps or minutes")
        check(self.steps is None or self.steps >= 1, f"steps={self.steps} must be 1 or more")
        check(self.minutes is None or self.minutes > 0, f"minutes={self.minutes} must be above 0")
        check(2 <= self.batch <= 4096, f"batch={self.batch} is not in 2..4096")
        check(self.log_every >= 1, f"log_every={self.log_every} must be 1 or more")
        check(self.patience is None or self.patience >= 1, f"patience={self.patience} must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class RunSpec(Spec):
    """Everything that decides a training run."""

    name: str
    recipe: str
    audio: AudioSpec = field(default_factory=AudioSpec)
    preparation: PreparationSpec = field(default_factory=PreparationSpec)
    log_mel: LogMelSpec = field(default_factory=LogMelSpec)
    melspec: MelspecSpec = field(default_factory=MelspecSpec)
    game: GameSpec = field(default_factory=GameSpec)
    augment: AugmentSpec = field(default_factory=AugmentSpec)
    loop: LoopSpec
