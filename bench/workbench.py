"""What every measurement is given: how long it may take, which model, which sounds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.child import ROOT, Child

CONTRACT = Path("assets.extra") / "contract.json"
DEFAULT_MODEL = ROOT / "models" / "digits"


class NoModelError(Exception):
    """The folder that was named holds no model."""


@dataclass(frozen=True)
class Model:
    """A version folder and what its contract says, as far as it matters for speed."""

    folder: Path
    contract: dict[str, Any]
    is_trained: bool

    @property
    def title(self) -> str:
        """Name and version; the speed of untrained weights is that of trained ones."""
        return f"{self.contract['name']} {self.contract['version']}{'' if self.is_trained else ' (untrained)'}"

    @property
    def clip_seconds(self) -> float:
        """Length of a generated clip."""
        audio = self.contract["audio"]
        return float(audio["clip_samples"]) / float(audio["sample_rate_hz"])


class Workbench:
    """Shared by the measurements of one run."""

    def __init__(self, scratch: Path, *, seconds: float, model: Path | None, sounds: Path | None) -> None:
        """scratch: an empty folder that is removed afterwards. seconds: about how long a measurement measures."""
        self.scratch, self.seconds, self.sounds = scratch, seconds, sounds
        self._wanted = model

    @cached_property
    def model(self) -> Model:
        """The model to measure: the one asked for, else the newest `digits`, else one with untrained weights.

        Raises: NoModelError.
        """
        if self._wanted is None and not newest(DEFAULT_MODEL):
            with Child("bench.untrained", {"KERAS_BACKEND": "tensorflow"}) as child:
                folder = Path(child.ask(scratch=str(self.scratch)))
            return _read(folder, is_trained=False)
        folder = self._wanted or DEFAULT_MODEL
        version = folder if (folder / CONTRACT).is_file() else newest(folder)
        if version is None:
            raise NoModelError(f"--model {folder}: neither a version folder (models/<name>/<version>) nor a model's")
        return _read(version, is_trained=True)

    @cached_property
    def models_folder(self) -> Path:
        """A folder for the service that holds this model alone."""
        root = self.scratch / "served"
        place = root / self.model.contract["name"]
        place.mkdir(parents=True)
        (place / str(self.model.contract["version"])).symlink_to(self.model.folder.resolve())
        return root


def newest(folder: Path) -> Path | None:
    """Newest version below a model's folder, None where there is none."""
    versions = [path for path in folder.glob("*") if path.name.isdecimal() and (path / CONTRACT).is_file()]
    return max(versions, key=lambda path: int(path.name), default=None)


def _read(folder: Path, *, is_trained: bool) -> Model:
    return Model(folder, json.loads((folder / CONTRACT).read_text()), is_trained)
