"""The vocoder that decodes what a generator makes, in the place of Griffin-Lim.

Standard library only, so that mistakes are answered before a backend is imported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from trainer.errors import LatentoneError
from trainer.features_of import FeaturesOf
from trainer.run import CONTRACT, example_of, find_source, is_vocoder
from trainer.specs.run import RunSpec


@dataclass(frozen=True, kw_only=True)
class VocoderSource:
    """A vocoder's run or version folder, and the features that it decodes."""

    folder: Path
    features: FeaturesOf

    @classmethod
    def find(cls, folder: Path) -> Self:
        """Of a run, a model's version, or the newest version of a model's folder.

        Raises: LatentoneError where it is none of these, or a generator.
        """
        folder = find_source(folder)
        if not is_vocoder(folder):
            raise LatentoneError(
                f"--vocoder: {folder} is a generator; a vocoder turns features into sound, such as one trained with "
                "--recipe vocos_small"
            )
        return cls(folder=folder, features=FeaturesOf.find(folder))

    def check_run(self, folder: Path, spec: RunSpec, corpus: str) -> None:
        """Hold a run to what this decodes; the run need not be there yet.

        corpus: for the command that is proposed.
        Raises: LatentoneError with both definitions where the features can't be converted, or the run is a vocoder's.
        """
        if spec.is_vocoder:
            raise LatentoneError(_IS_VOCODER)
        FeaturesOf.of_spec(folder, spec).check_decodable_by(self.features, corpus)

    def check_model(self, folder: Path) -> None:
        """The same for a model's version."""
        if is_vocoder(folder):
            raise LatentoneError(_IS_VOCODER)
        corpus = json.loads((folder / CONTRACT).read_text())["corpus"]["name"]
        FeaturesOf.find(folder).check_decodable_by(self.features, example_of(corpus))


_IS_VOCODER = "--vocoder is for the export of a generator, and this is a vocoder itself"
