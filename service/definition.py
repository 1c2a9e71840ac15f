"""The definition of a mel spectrogram as a request states it, and the values that it gives a meaning."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from service.errors import Invalid
from service.mel_filters import MelNorm, MelScale, mel_filters

FloatArray = NDArray[np.float32]
FFT_SIZES, MOST_MELS = (64, 8192), 512
ITERATIONS, MOST_ITERATIONS = 16, 500  # of Griffin-Lim
ABSURD_DB = 120.0  # above the loudest sound in [-1, 1]: no mistake in the level, but in the meaning
ABOVE_FLOOR = 1.001  # above float rounding


def within(low: float, high: float) -> Any:
    """Annotation of a number's range; the refusal says the number and the range."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"{value} is not within {low} to {high}")
        return value

    return AfterValidator(check)


def _pair(value: object) -> object:
    """Take -1,1 for [-1, 1], as queries have no lists."""
    return value.split(",") if isinstance(value, str) else value


Hz = Annotated[float, within(0, 96_000)]
Pair = Annotated[
    tuple[Annotated[float, within(-1e6, 1e6)], Annotated[float, within(-1e6, 1e6)]], BeforeValidator(_pair)
]


class MelDefinition(BaseModel):
    """How a mel spectrogram was computed; the defaults are librosa's, with decibels (power_to_db)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_rate_hz: Annotated[int, within(1_000, 192_000)] = Field(default=22_050, description="samples a second")
    n_fft: Annotated[int, within(*FFT_SIZES)] = Field(default=2_048, description="length of the FFT, even")
    window_samples: Annotated[int, within(2, FFT_SIZES[1])] | None = Field(
        default=None, description="length of the Hann window, centred in the FFT; absent: n_fft"
    )
    hop_samples: Annotated[int, within(1, FFT_SIZES[1])] | None = Field(
        default=None, description="from frame to frame, at most half a window; absent: a quarter of n_fft"
    )
    n_mels: Annotated[int, within(1, MOST_MELS)] | None = Field(
        default=None, description="mel bands; absent: as many as the features have"
    )
    fmin_hz: Hz = Field(default=0.0, description="lower end of the lowest band")
    fmax_hz: Hz | None = Field(default=None, description="upper end of the highest band; absent: half the sample rate")
    power: Annotated[int, within(1, 2)] = Field(default=2, description="1: mel of magnitudes, 2: mel of power")
    mel_scale: MelScale = Field(default="slaney", description="slaney or htk")
    mel_norm: MelNorm = Field(default="slaney", description="slaney: filters of equal area, none: peaks of 1")
    log: Literal["db", "log10", "ln", "linear"] = Field(
        default="db", description="which logarithm of mel: db (10 log10 of power, 20 log10 of magnitude) or another"
    )
    scale_from: Pair | None = Field(
        default=None, description="two values of the features that stand for scale_to, as -1,1; absent: not scaled"
    )
    scale_to: Pair | None = Field(
        default=None, description="the logarithms of mel that scale_from stands for, as -80,0; the lower is silence"
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.n_fft % 2:
            raise ValueError(f"n_fft: {self.n_fft} is odd")
        if self.window > self.n_fft:
            raise ValueError(f"window_samples: {self.window} is more than n_fft={self.n_fft}")
        if self.hop > self.window // 2:
            raise ValueError(f"hop_samples: {self.hop} is more than half of window_samples={self.window}")
        if self.highest_hz > self.sample_rate_hz / 2:
            raise ValueError(f"fmax_hz: {self.highest_hz:g} is more than half of sample_rate_hz={self.sample_rate_hz}")
        if self.fmin_hz >= self.highest_hz:
            raise ValueError(f"fmin_hz: {self.fmin_hz:g} is not below fmax_hz={self.highest_hz:g}")
        if (self.scale_from is None) != (self.scale_to is None):
            raise ValueError("scale_from and scale_to: give both or neither")
        for name, ends in (("scale_from", self.scale_from), ("scale_to", self.scale_to)):
            if ends is not None and ends[0] == ends[1]:
                raise ValueError(f"{name}: {ends[0]:g},{ends[1]:g} are the same number twice")
        return self

    @property
    def window(self) -> int:
        """Samples of the window."""
        return self.window_samples or self.n_fft

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return self.hop_samples or self.n_fft // 4

    @property
    def highest_hz(self) -> float:
        """Upper end of the highest band."""
        return self.sample_rate_hz / 2 if self.fmax_hz is None else self.fmax_hz

    def of_bands(self, bands: int) -> Self:
        """Return the definition with its number of bands.

        Raises: Invalid where it states another.
        """
        if self.n_mels not in (None, bands):
            raise Invalid(f"features: {bands} bands came, the definition has n_mels={self.n_mels}", field="features")
        if bands > MOST_MELS:
            raise Invalid(f"features: {bands} bands came; at most {MOST_MELS} are decoded", field="features")
        definition = self.model_copy(update={"n_mels": bands})
        if not definition.loudest:
            raise Invalid("definition: no mel band holds an FFT bin: raise n_fft, or fmax_hz", field="definition")
        return definition

    def linear(self, features: FloatArray) -> FloatArray:
        """Return the mel that features [B, T, M] stand for, not negative.

        Raises: Invalid for values that no sound has under this definition.
        """
        values = self._unscaled(features.astype(np.float64))
        loudest = self._logarithm(self.loudest)
        if np.max(values) > self._logarithm(self.loudest * 10.0 ** (self.power * ABSURD_DB / 20.0)):
            raise Invalid(
                f"features: values up to {np.max(values):g} in {self.log} can't be mel, {loudest:g} is the loudest "
                "that a sound in [-1, 1] has; are log, power and scale right?",
                field="features",
            )
        if self.log == "linear" and np.min(values) < 0.0:
            raise Invalid(
                f"features: {np.min(values):g} is below 0, which linear mel never is; is log right?", field="features"
            )
        mel = self._exponential(values)
        if self.scale_to is not None:
            mel = np.maximum(mel - ABOVE_FLOOR * self._exponential(np.float64(min(self.scale_to))), 0.0)
        return np.asarray(mel, np.float32)

    def doubts(self, features: FloatArray) -> list[str]:
        """Return what is strange about features [B, T, M] that can be decoded all the same."""
        found = []
        if self.scale_from is not None:
            low, high = sorted(self.scale_from)
            if outside := strangers(features, low, high):
                found.append(f"features: {outside}; scale_from is {low:g} to {high:g}")
        values, loudest = self._unscaled(features.astype(np.float64)), self._logarithm(self.loudest)
        if np.max(values) > loudest + 1e-3 * abs(loudest):
            found.append(
                f"features: values up to {np.max(values):g} in {self.log} are louder than any sound in [-1, 1], which "
                f"has {loudest:.4g} at most: are log, power and scale right?"
            )
        if empty := int((self.filters().max(axis=1) == 0).sum()):
            found.append(f"definition: {empty} of {self.n_mels} mel bands hold no FFT bin and are not heard")
        return found

    def filters(self) -> FloatArray:
        """Return the mel filters, float32 [n_mels, n_fft // 2 + 1], of a definition with its number of bands."""
        return _filters(self)

    def hann(self) -> FloatArray:
        """Return the window in the middle of its FFT, float32 [n_fft], as librosa has it."""
        hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(self.window) / self.window)
        left = (self.n_fft - self.window) // 2
        return np.pad(hann, (left, self.n_fft - self.window - left)).astype(np.float32)

    @property
    def loudest(self) -> float:
        """Most mel that a sound in [-1, 1] can have."""
        return _loudest(self)

    def _unscaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.scale_from is None or self.scale_to is None:
            return values
        (first, last), (low, high) = self.scale_from, self.scale_to
        return low + (values - first) * ((high - low) / (last - first))

    def _exponential(self, values: Any) -> Any:
        match self.log:
            case "db":
                return 10.0 ** (values * (self.power / 20.0))
            case "log10":
                return 10.0**values
            case "ln":
                return np.exp(values)
            case "linear":
                return values

    def _logarithm(self, mel: float) -> float:
        match self.log:
            case "db":
                return float(20.0 / self.power * np.log10(mel))
            case "log10":
                return float(np.log10(mel))
            case "ln":
                return float(np.log(mel))
            case "linear":
                return mel


def strangers(features: FloatArray, low: float, high: float) -> str:
    """Return how far features lie outside a range, by more than a thousandth of it; empty where they do not."""
    least, most, slack = float(np.min(features)), float(np.max(features)), 1e-3 * (high - low)
    return f"values from {least:g} to {most:g}" if least < low - slack or most > high + slack else ""


@lru_cache(maxsize=8)
def _loudest(definition: MelDefinition) -> float:
    return float(definition.hann().sum() ** definition.power * np.max(definition.filters().sum(axis=1)))


@lru_cache(maxsize=8)
def _filters(definition: MelDefinition) -> FloatArray:
    assert definition.n_mels is not None
    return mel_filters(
        sample_rate_hz=definition.sample_rate_hz,
        n_fft=definition.n_fft,
        n_mels=definition.n_mels,
        fmin_hz=definition.fmin_hz,
        fmax_hz=definition.highest_hz,
        scale=definition.mel_scale,
        norm=definition.mel_norm,
    )
