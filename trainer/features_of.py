"""Whose features a vocoder is trained for, and which vocoder decodes whose features.

Standard library only, so that mistakes are answered before a backend is imported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from trainer.errors import LatentoneError
from trainer.mel_definition import MelDefinition, reasons, side_by_side
from trainer.run import CONTRACT, Run, find_source, is_model
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec, MelSpec, described_mel, is_mel
from trainer.specs.run import RunSpec


@dataclass(frozen=True, kw_only=True)
class FeaturesOf:
    """The mel scale of a model or a run, and the sound that it is computed from.

    folder: where it is. place: models/<name>/<version> or runs/<name>, as a card names it.
    """

    folder: Path
    place: str
    audio: AudioSpec
    mel: MelSpec

    @classmethod
    def find(cls, folder: Path) -> Self:
        """Of a run, a model's version, or the newest version of a model's folder.

        Raises: LatentoneError where it is none of these, or its features are not of a mel scale of any length.
        """
        folder = find_source(folder)
        if not is_model(folder):
            return cls.of_spec(folder, Run.open(folder).spec)
        contract = json.loads((folder / CONTRACT).read_text())
        mel = described_mel(contract["features"])
        if mel is None:
            raise LatentoneError(_unfit(folder))
        place = f"models/{contract['name']}/{contract['version']}"
        return cls(folder=folder, place=place, audio=AudioSpec.from_json(contract["audio"]), mel=mel)

    @classmethod
    def of_spec(cls, run: Path, spec: RunSpec) -> Self:
        """Of what decides a run in that folder, which need not be there yet. Raises: LatentoneError as `find` does."""
        if not is_mel(spec.representation):
            raise LatentoneError(_unfit(run))
        return cls(folder=run, place=f"runs/{run.resolve().name}", audio=spec.audio, mel=spec.representation)

    @property
    def definition(self) -> MelDefinition:
        """What the features are; a level that is still to be taken from the corpus counts as 0 dB."""
        is_open = isinstance(self.mel, LogMelSpec) and self.mel.db_max is None
        return MelDefinition.of(self.mel.replace(db_max=0.0) if is_open else self.mel, self.audio)

    def given_to(self, spec: RunSpec) -> RunSpec:
        """The recipe of a vocoder with these features and this audio in the place of its own.

        Raises: LatentoneError where the recipe is of a generator.
        """
        if not spec.is_vocoder:
            raise LatentoneError(
                f"--features-of: recipe {spec.recipe} is of a generator and has features of its own; take a vocoder's, "
                "such as vocos_small"
            )
        return spec.replace(audio=self.audio, representation=self.mel)

    def check_rate(self, audio: AudioSpec) -> None:
        """Raise LatentoneError where clips are of another rate: the features would be other ones."""
        if audio.sample_rate_hz != self.audio.sample_rate_hz:
            raise LatentoneError(
                f"--features-of: the features of {self.place} are of sound at {self.audio.sample_rate_hz} Hz, and the "
                f"clips are at {audio.sample_rate_hz} Hz: prepare the corpus at {self.audio.sample_rate_hz} Hz"
            )

    def check_decodable_by(self, vocoder: FeaturesOf, corpus: str) -> None:
        """Hold these features to those that a vocoder takes.

        corpus: of the generator, for the command that is proposed.
        Raises: LatentoneError with both definitions where one can't be turned into the other.
        """
        own, other = self.definition, vocoder.definition
        if own.convertible(other):
            return
        why = reasons(own, other)
        raise LatentoneError(
            f"--vocoder: {vocoder.folder} decodes other features than those of {self.folder}\n"
            f"{side_by_side(str(self.folder), own, str(vocoder.folder), other)}\n"
            f"{f'This is not converted: {why}. ' if why else ''}Train a vocoder for these features: python -m trainer "
            f"train --recipe vocos_small --features-of {self.folder} --corpus {corpus} --export models"
        )


def _unfit(folder: Path) -> str:
    return f"{folder}: a vocoder wants features of a mel scale and of any length, and these are not"
