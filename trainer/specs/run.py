"""Everything that decides a training run."""

from __future__ import annotations

from dataclasses import dataclass, field

from trainer.errors import check
from trainer.specs.architectures import AnyArchitectureSpec, MelspecSpec
from trainer.specs.audio import AudioSpec, PreparationSpec
from trainer.specs.game import AugmentSpec, GameSpec
from trainer.specs.representations import LogMelSpec, RepresentationSpec
from trainer.specs.spec import Spec


@dataclass(frozen=True, kw_only=True)
class LoopSpec(Spec):
    """How long, how often, where from."""

    steps: int | None = None
    minutes: float | None = None  # of training time, earlier sittings of a resumed run included
    batch: int = 16
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

    recipe: str
    audio: AudioSpec = field(default_factory=AudioSpec)
    preparation: PreparationSpec = field(default_factory=PreparationSpec)
    representation: RepresentationSpec = field(default_factory=LogMelSpec)
    architecture: AnyArchitectureSpec = field(default_factory=MelspecSpec)
    game: GameSpec = field(default_factory=GameSpec)
    augment: AugmentSpec = field(default_factory=AugmentSpec)
    loop: LoopSpec
