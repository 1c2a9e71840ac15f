"""How sound becomes the tensors that networks see. Constants of None are taken from the corpus when a run begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from trainer.errors import check
from trainer.specs.spec import Spec


@dataclass(frozen=True, kw_only=True)
class WaveformSpec(Spec):
    """The samples themselves."""

    kind: Literal["waveform"] = "waveform"


@dataclass(frozen=True, kw_only=True)
class LogMelSpec(Spec):
    """The log-mel spectrogram: mel power in dB over db_range below db_max, scaled to [-1, 1]."""

    kind: Literal["log_mel"] = "log_mel"
    n_fft: int = 1024
    hop_samples: int = 256
    n_mels: int = 64
    fmin_hz: float = 0.0
    fmax_hz: float | None = None  # None is the Nyquist frequency
    db_range: float = 80.0
    db_max: float | None = None  # None is taken from the corpus
    inversion_steps: int = 20
    griffin_lim_iterations: int = 8
    size: tuple[int, int] | None = None  # frames and bands that the picture is resized to; None leaves it

    def __post_init__(self) -> None:
        _check_frames(self.n_fft, self.hop_samples)
        _check_bands(self.n_mels, self.fmin_hz, self.fmax_hz)
        check(20.0 <= self.db_range <= 200.0, f"db_range={self.db_range} is not in 20..200")
        check(0 <= self.inversion_steps <= 200, f"inversion_steps={self.inversion_steps} is not in 0..200")
        _check_iterations(self.griffin_lim_iterations)
        check(
            self.size is None or (len(self.size) == 2 and min(self.size) >= 2),
            f"size={self.size} is not (frames, bands), each 2 or more",
        )


@dataclass(frozen=True, kw_only=True)
class MagnitudeMelSpec(Spec):
    """log10 of mel magnitudes, as MelGAN defines them; the defaults are the published ones, for 22.05 kHz.

    floor: of the magnitudes, before the logarithm. The last two are of the decoder without a network.
    Source: Kumar et al. 2019, section 3.1, and the code published with it.
    """

    kind: Literal["magnitude_mel"] = "magnitude_mel"
    n_fft: int = 1024
    hop_samples: int = 256
    n_mels: int = 80
    fmin_hz: float = 0.0
    fmax_hz: float | None = None  # None is the Nyquist frequency
    floor: float = 1e-5
    inversion_steps: int = 20
    griffin_lim_iterations: int = 32

    def __post_init__(self) -> None:
        _check_frames(self.n_fft, self.hop_samples)
        _check_bands(self.n_mels, self.fmin_hz, self.fmax_hz)
        check(1e-8 <= self.floor <= 0.1, f"floor={self.floor} is not in 1e-8..0.1")
        check(0 <= self.inversion_steps <= 200, f"inversion_steps={self.inversion_steps} is not in 0..200")
        _check_iterations(self.griffin_lim_iterations)


@dataclass(frozen=True, kw_only=True)
class LogSpectrogramSpec(Spec):
    """The log-magnitude spectrogram without its Nyquist bin, each bin standardised over the corpus, clipped to [-1, 1].

    Source: Donahue, McAuley and Puckette 2019 (SpecGAN), section 3.3.
    """

    kind: Literal["log_spectrogram"] = "log_spectrogram"
    n_fft: int = 256
    hop_samples: int = 128
    epsilon: float = 1e-6  # added to the magnitude before the natural logarithm
    clip_deviations: float = 3.0  # what lies farther from its bin's mean is clipped
    means: tuple[float, ...] | None = None  # of each bin's log magnitude
    deviations: tuple[float, ...] | None = None
    griffin_lim_iterations: int = 16

    def __post_init__(self) -> None:
        _check_frames(self.n_fft, self.hop_samples)
        check(0.0 < self.epsilon < 1.0, f"epsilon={self.epsilon} is not in 0..1")
        check(0.5 <= self.clip_deviations <= 10.0, f"clip_deviations={self.clip_deviations} is not in 0.5..10")
        _check_iterations(self.griffin_lim_iterations)
        for name in ("means", "deviations"):
            values = getattr(self, name)
            check(
                values is None or len(values) == self.n_fft // 2,
                f"{name} needs one number for each of the {self.n_fft // 2} bins",
            )
        check(self.deviations is None or min(self.deviations) > 0.0, "deviations must be above 0")


@dataclass(frozen=True, kw_only=True)
class PhaseSpec(Spec):
    """Log magnitude and instantaneous frequency without the DC bin: two channels, each brought to about [-0.8, 0.8].

    n_mels maps both onto that many mel bands (HTK, 0 Hz to Nyquist); None keeps the n_fft / 2 bins. A band's frequency
    is, by mel_frequency, the filter's "sum" over its bins, as published: it wants about as many bands as bins; or that
    of its "power": fewer bands keep the pitch, too. frequency_origin: what 0 stands for: 0 Hz, as published, or the
    middle of the "band", so that at the peak of a partial, whatever its pitch, the frequency is near 0. gate_db: fades
    the frequency to 0 where the level is so far below the clip's loudest: it is noise there. frames: of the grid; where
    the clip has fewer, silence comes before it. The constants are gain * value + offset.
    Source: Engel et al. 2019 (GANSynth), section 2.1.
    """

    kind: Literal["phase"] = "phase"
    n_fft: int = 2048
    hop_samples: int = 512
    n_mels: int | None = None
    mel_frequency: Literal["sum", "power"] = "sum"
    frequency_origin: Literal["zero", "band"] = "zero"
    gate_db: float | None = None
    frames: int | None = None
    epsilon: float = 1e-6  # added to the magnitude (mel: to the power) before the natural logarithm
    level_gain: float | None = None
    level_offset: float | None = None
    frequency_gain: float = 0.8
    frequency_offset: float = 0.0

    def __post_init__(self) -> None:
        _check_frames(self.n_fft, self.hop_samples)
        check(
            self.n_mels is None or 1 <= self.n_mels <= 2048,
            f"n_mels={self.n_mels} is not in 1..2048",
        )
        check(0.0 < self.epsilon < 1.0, f"epsilon={self.epsilon} is not in 0..1")
        check(self.mel_frequency in ("sum", "power"), f"mel_frequency={self.mel_frequency!r} is not sum or power")
        check(
            self.frequency_origin in ("zero", "band"), f"frequency_origin={self.frequency_origin!r} is not zero or band"
        )
        check(
            self.frequency_origin == "zero" or self.n_mels is None or self.mel_frequency == "power",
            "frequency_origin='band' wants mel_frequency='power': the sum of a band has no middle",
        )
        check(
            self.frequency_origin == "zero" or self.gate_db is not None,
            "frequency_origin='band' wants gate_db, 60 for example: silence has no frequency",
        )
        check(self.gate_db is None or self.gate_db > 0.0, f"gate_db={self.gate_db} must be above 0")
        check(self.frames is None or self.frames >= 2, f"frames={self.frames} must be 2 or more")
        check(
            (self.level_gain is None) == (self.level_offset is None),
            "level_gain and level_offset are stated together or not at all",
        )
        check(self.level_gain is None or self.level_gain > 0.0, f"level_gain={self.level_gain} must be above 0")
        check(self.frequency_gain > 0.0, f"frequency_gain={self.frequency_gain} must be above 0")


MelSpec = LogMelSpec | MagnitudeMelSpec
RepresentationSpec = WaveformSpec | LogMelSpec | MagnitudeMelSpec | LogSpectrogramSpec | PhaseSpec


def is_mel(spec: RepresentationSpec) -> TypeGuard[MelSpec]:
    """Whether features are of a mel scale and of any length."""
    return isinstance(spec, MagnitudeMelSpec) or (isinstance(spec, LogMelSpec) and spec.size is None)


def described_mel(features: Mapping[str, Any] | None) -> MelSpec | None:
    """The mel scale that entry `features` of a contract describes; None where it is none, or not of any length."""
    if features is None or features["kind"] != "log_mel" or features["shape"][0] is not None:
        return None
    same = {name: features[name] for name in ("n_fft", "hop_samples", "n_mels", "fmin_hz", "fmax_hz")}
    inversion = features["inversion"]
    same |= {
        "inversion_steps": inversion["mel_steps"],
        "griffin_lim_iterations": inversion["griffin_lim_iterations"],
    }
    if features["quantity"] == "magnitude":
        return MagnitudeMelSpec(**same, floor=features["floor"])
    lowest, highest = features["db_min"], features["db_max"]
    return LogMelSpec(**same, db_range=highest - lowest, db_max=highest)


def _check_frames(n_fft: int, hop_samples: int) -> None:
    check(16 <= n_fft <= 16_384 and n_fft % 2 == 0, f"n_fft={n_fft} is not an even number in 16..16384")
    check(
        hop_samples >= 1 and n_fft % hop_samples == 0, f"n_fft={n_fft} is not a multiple of hop_samples={hop_samples}"
    )
    check(
        n_fft // hop_samples in (2, 4, 8, 16),
        f"n_fft / hop_samples = {n_fft / hop_samples}: 2, 4, 8 and 16 are supported",
    )


def _check_bands(n_mels: int, fmin_hz: float, fmax_hz: float | None) -> None:
    check(1 <= n_mels <= 1024, f"n_mels={n_mels} is not in 1..1024")
    check(0.0 <= fmin_hz < (fmax_hz or float("inf")), f"fmin_hz={fmin_hz} is not below fmax_hz={fmax_hz}")


def _check_iterations(griffin_lim_iterations: int) -> None:
    check(0 <= griffin_lim_iterations <= 500, f"griffin_lim_iterations={griffin_lim_iterations} is not in 0..500")
