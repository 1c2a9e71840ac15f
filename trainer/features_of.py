"""Whose features a vocoder is trained for: those of a model or a run that is there, taken as they are.

Standard library only, so that mistakes are answered before a backend is imported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from trainer.errors import LatentoneError
from trainer.run import CONTRACT, Run, find_source, is_model
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import MelSpec, described_mel, is_mel
from trainer.specs.run import RunSpec


@dataclass(frozen=True, kw_only=True)
class FeaturesOf:
    """The mel scale of a model or a run, and the sound that it is computed from.

    place: models/<name>/<version> or runs/<name>, as a command names it.
    """

    place: str
    audio: AudioSpec
    mel: MelSpec

    @classmethod
    def find(cls, folder: Path) -> Self:
        """Of a run, a model's version, or the newest version of a model's folder.

        Raises: LatentoneError where it is none of these, or its features are not of a mel scale of any length.
        """
        folder = find_source(folder)
        return cls._of_model(folder) if is_model(folder) else cls._of_run(Run.open(folder))

    @classmethod
    def _of_run(cls, run: Run) -> Self:
        if not is_mel(run.spec.representation):
            raise LatentoneError(_unfit(run.folder))
        return cls(place=run.place, audio=run.spec.audio, mel=run.spec.representation)

    @classmethod
    def _of_model(cls, folder: Path) -> Self:
        contract = json.loads((folder / CONTRACT).read_text())
        mel = described_mel(contract["features"])
        if mel is None:
            raise LatentoneError(_unfit(folder))
        place = f"models/{contract['name']}/{contract['version']}"
        return cls(place=place, audio=AudioSpec.from_json(contract["audio"]), mel=mel)

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


def _unfit(folder: Path) -> str:
    return f"{folder}: a vocoder wants features of a mel scale and of any length, and these are not"
