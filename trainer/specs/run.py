"""Everything that decides a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from trainer.errors import check
from trainer.specs.architectures import AnyGeneratorSpec, MelspecSpec
from trainer.specs.audio import AudioSpec, PreparationSpec
from trainer.specs.game import AnyGameSpec, AugmentSpec, GameSpec, InversionSpec
from trainer.specs.representations import LogMelSpec, MelSpec, RepresentationSpec, is_mel
from trainer.specs.spec import Spec
from trainer.specs.vocoders import AnyVocoderSpec, VocoderSpec


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


class GeneratorPart(NamedTuple):
    """What decides the training of a generator alone."""

    architecture: AnyGeneratorSpec
    game: GameSpec
    augment: AugmentSpec


class VocoderPart(NamedTuple):
    """What decides the training of a vocoder alone."""

    architecture: AnyVocoderSpec
    game: InversionSpec
    mel: MelSpec


@dataclass(frozen=True, kw_only=True)
class RunSpec(Spec):
    """Everything that decides a training run."""

    recipe: str
    audio: AudioSpec = field(default_factory=AudioSpec)
    preparation: PreparationSpec = field(default_factory=PreparationSpec)
    representation: RepresentationSpec = field(default_factory=LogMelSpec)
    architecture: AnyGeneratorSpec | AnyVocoderSpec = field(default_factory=MelspecSpec)
    game: AnyGameSpec = field(default_factory=GameSpec)
    augment: AugmentSpec | None = field(default_factory=AugmentSpec)  # vocoders have none: their game changes the gain
    loop: LoopSpec

    def __post_init__(self) -> None:
        kind, vocoder = self.architecture.kind, self.is_vocoder
        check(isinstance(self.game, InversionSpec) == vocoder, f"{kind} does not play the game {self.game.kind}")
        check((self.augment is None) == vocoder, f"{kind} {'takes no' if vocoder else 'wants an'} augment")
        check(
            is_mel(self.representation) or not vocoder,
            f"{kind} wants features of a mel scale, not {self.representation.kind}",
        )
        reconstructs = isinstance(self.game, GameSpec) and self.game.reconstruction_weight > 0.0
        check(
            self.architecture.has_encoder == reconstructs,
            "game.reconstruction_weight trains the encoder of architecture.has_encoder: both or neither",
        )

    @property
    def is_vocoder(self) -> bool:
        """Whether the network turns features into sound, and not latents into features."""
        return isinstance(self.architecture, VocoderSpec)

    @property
    def generator(self) -> GeneratorPart:
        """The parts of a generator's run."""
        assert not isinstance(self.architecture, VocoderSpec)
        assert isinstance(self.game, GameSpec)
        assert self.augment is not None
        return GeneratorPart(self.architecture, self.game, self.augment)

    @property
    def vocoder(self) -> VocoderPart:
        """The parts of a vocoder's run."""
        assert isinstance(self.architecture, VocoderSpec)
        assert isinstance(self.game, InversionSpec)
        assert is_mel(self.representation)
        return VocoderPart(self.architecture, self.game, self.representation)
