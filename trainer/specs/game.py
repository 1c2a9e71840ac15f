"""How generator and critic play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from trainer.errors import check, unknown
from trainer.specs.spec import Spec

Objective = Literal["relativistic", "logistic", "hinge", "wgan", "lsgan", "bce", "report", "report_as_written"]
OBJECTIVES = get_args(Objective)


@dataclass(frozen=True, kw_only=True)
class OpponentsSpec(Spec):
    """How each of two networks learns, in any game."""

    generator_learning_rate: float = 5e-4
    critic_learning_rate: float = 5e-4
    beta_1: float = 0.0
    beta_2: float = 0.99
    gradient_clip: float | None = None  # largest norm of each network's gradient
    weight_clip: float | None = None  # largest weight of the critic, as the first Wasserstein GAN had it
    ema: float = 0.998

    def __post_init__(self) -> None:
        for name in ("gradient_clip", "weight_clip"):
            value = getattr(self, name)
            check(value is None or value > 0.0, f"{name}={value} must be above 0")
        for name in ("generator_learning_rate", "critic_learning_rate"):
            check(0.0 < getattr(self, name) < 1.0, f"{name}={getattr(self, name)} is not in 0..1")
        check(0.0 <= self.ema < 1.0, f"ema={self.ema} is not in 0..1")


@dataclass(frozen=True, kw_only=True)
class GameSpec(OpponentsSpec):
    """Latent to sound. The defaults were measured to converge on 200 to 3000 clips."""

    kind: Literal["latent"] = "latent"
    objective: Objective = "relativistic"
    critic_steps: int = 1
    generator_steps: int = 1
    r1_weight: float = 0.2
    r2_weight: float = 0.2
    gradient_penalty_weight: float = 0.0
    one_sided_penalty: bool = False  # only gradients longer than 1 are punished
    drift_weight: float = 0.0  # times the mean squared logit of real items: keeps a Wasserstein critic near 0
    penalty_every: int = 16  # lazy regularisation: the penalty every so many steps, multiplied by as many
    standardise: bool = True  # the critic sees features less the corpus' mean, divided by its deviation
    class_weight: float = 1.0  # auxiliary classification, where the corpus has labels
    # Whether the critic learns classes from generated items too: both players soon agree on classes of their own then.
    classify_fakes: bool = False
    real_noise: float = 0.0  # deviation of the noise added to what the critic sees
    fake_noise: float = 0.0
    # Of the mean absolute difference between what is made with the code of a spectrogram and that spectrogram.
    reconstruction_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.objective in OBJECTIVES, unknown("objective", self.objective, OBJECTIVES))
        for name in ("critic_steps", "generator_steps"):
            check(getattr(self, name) >= 1, f"{name}={getattr(self, name)} must be 1 or more")
        check(self.penalty_every >= 1, f"penalty_every={self.penalty_every} must be 1 or more")
        check(self.reconstruction_weight >= 0.0, f"reconstruction_weight={self.reconstruction_weight} is negative")

    @property
    def has_penalty(self) -> bool:
        """Whether any penalty on the critic's gradient is asked for."""
        return max(self.r1_weight, self.r2_weight, self.gradient_penalty_weight) > 0.0


@dataclass(frozen=True, kw_only=True)
class InversionSpec(OpponentsSpec):
    """Features to the sound that they came from; the defaults are MelGAN's as published.

    segment_samples: of each crop of a clip; features are those of the crop. gain_min, gain_max: crops are multiplied by
    a number between them. skip_silence: a crop without sound is drawn again, a few times. feature_weight: of the
    distance between what the critics' layers hear. spectral_weight: of the distance between spectrograms, not
    published for MelGAN: small budgets need it. alone_steps: of the generator, before the critics play.
    """

    kind: Literal["inversion"] = "inversion"
    objective: Objective = "hinge"
    segment_samples: int = 8_192
    gain_min: float = 0.3
    gain_max: float = 1.0
    skip_silence: bool = False
    feature_weight: float = 10.0
    spectral_weight: float = 0.0
    alone_steps: int = 0
    generator_learning_rate: float = 1e-4
    critic_learning_rate: float = 1e-4
    beta_1: float = 0.5
    beta_2: float = 0.9
    ema: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.objective in OBJECTIVES, unknown("objective", self.objective, OBJECTIVES))
        check(256 <= self.segment_samples <= 2**20, f"segment_samples={self.segment_samples} is not in 256..{2**20}")
        check(
            0.0 < self.gain_min <= self.gain_max <= 1.0,
            f"gain_min={self.gain_min} and gain_max={self.gain_max} are not in 0..1, the lesser first",
        )
        check(min(self.feature_weight, self.spectral_weight) >= 0.0, "weights must not be negative")
        check(
            self.alone_steps == 0 or self.spectral_weight > 0.0,
            f"alone_steps={self.alone_steps}: without critics the generator learns by spectral_weight, which is 0",
        )


AnyGameSpec = GameSpec | InversionSpec


@dataclass(frozen=True, kw_only=True)
class AugmentSpec(Spec):
    """Differentiable augmentation, each operation with probability p, for real and generated alike.

    Times are frames of a spectrogram or samples of a waveform, which has no bins.
    """

    probability: float = 0.4
    time_shift: int = 8
    bin_shift: int = 2
    gain: float = 0.15
    time_mask: int = 10
    bin_mask: int = 8
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
            min(self.time_shift, self.bin_shift, self.time_mask, self.bin_mask) >= 0,
            "shifts and masks must not be negative",
        )
