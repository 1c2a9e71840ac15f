"""The training signals that a report draws, panel by panel, and how to read each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Signals on one axis. signals: {name in the history: title}. limits: of the axis, None to follow the values.

    is_log: a logarithmic axis, where all values are above 0.
    """

    title: str
    reading: str
    signals: dict[str, str]
    limits: tuple[float, float] | None = None
    is_log: bool = False


PANELS = (
    Panel(
        title="Losses",
        reading="What each player minimises. Neither measures quality: balance shows as two level lines.",
        signals={"critic_loss": "critic", "generator_loss": "generator"},
    ),
    Panel(
        title="Critic's verdict on real clips",
        reading="Mean sign of the critic's output. Near 1 it may be learning the clips by heart.",
        signals={"real_sign": "sign of D(real)"},
        limits=(-1.05, 1.05),
    ),
    Panel(
        title="Real above generated",
        reading="How often the critic puts a real clip above a generated one. 0.5 is a guess.",
        signals={"real_above_fake": "P(real > generated)"},
        limits=(-0.03, 1.03),
    ),
    Panel(
        title="Penalty",
        reading="Weighted penalty on the critic's gradient, such as R1.",
        signals={"penalty": "penalty"},
        is_log=True,
    ),
    Panel(
        title="Gradient norms",
        reading="How hard each player is pushed. A steady climb warns of divergence.",
        signals={"critic_gradient": "critic", "generator_gradient": "generator"},
        is_log=True,
    ),
    Panel(
        title="Augmentation strength",
        reading="Probability of each augmentation. It rises while the critic is too sure.",
        signals={"augmentation": "probability"},
        limits=(-0.03, 1.03),
    ),
    Panel(
        title="Distance to held-out clips",
        reading="From the previews during training; lower is better.",
        signals={"distance": "distance", "griffin_lim_distance": "Griffin-Lim"},
        is_log=True,
    ),
    Panel(
        title="Likeness to the real clips",
        reading="How far what a vocoder makes is from what it should be: to the critics' layers, and in spectrograms.",
        signals={"feature_loss": "critics' layers", "spectral_loss": "spectrograms"},
        is_log=True,
    ),
    Panel(
        title="Spread",
        reading="Variety of generated clips over that of real ones. Falling towards 0 is a collapse.",
        signals={"deviation_ratio": "within a batch", "class_diversity": "inside a class"},
    ),
    Panel(
        title="Copying",
        reading="How far samples repeat training clips.",
        signals={"copying": "copying"},
    ),
)
