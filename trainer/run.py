"""A run's folder: runs/<name>/run.json holds the resolved specification, the corpus and the versions.

Needs the standard library only, so that mistakes are answered before a backend is imported; players.py has the rest.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from trainer.errors import LatentoneError
from trainer.files import write_json
from trainer.specs.run import RunSpec

DOCUMENT = "run.json"
CONTRACT = Path("assets.extra/contract.json")  # within a model's version folder


@dataclass(frozen=True, kw_only=True)
class Run:
    """What run.json says."""

    folder: Path
    spec: RunSpec
    changes: tuple[str, ...] = ()  # to the recipe, as --set takes them
    features_of: str | None = None  # the model or run that a vocoder's features were taken from
    label_names: tuple[str, ...]  # that the model is conditioned on
    label_pitches: tuple[float, ...] | None  # MIDI pitch of each, where labels stand for pitches
    feature_mean: tuple[float, ...]  # of the training clips' features: one number a channel
    feature_deviation: tuple[float, ...]
    corpus: dict[str, Any]  # path, name, licence, options, fingerprint, clips
    backend: str  # of Keras
    device: str
    made_with: dict[str, str]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a run folder.

        Raises: LatentoneError where it is not one.
        """
        try:
            values = json.loads((folder / DOCUMENT).read_text())
            values["spec"] = RunSpec.from_json(values["spec"])
            lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
            return cls(folder=folder, **values | lists)
        except (FileNotFoundError, NotADirectoryError):
            raise LatentoneError(
                f"{folder} is not a run: it has no {DOCUMENT}. Runs are the folders in runs/"
            ) from None
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise LatentoneError(f"{folder / DOCUMENT} is damaged: {error}") from None

    def write(self) -> None:
        """Write run.json."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "folder"}
        write_json(self.folder / DOCUMENT, values | {"spec": self.spec.to_json()})

    @property
    def title(self) -> str:
        """Corpus and recipe, as a run's folder and an exported model are called by default."""
        return title(self.corpus["name"], self.spec.recipe)

    def with_budget(self, changes: dict[str, Any]) -> Run:
        """The same run with other fields of the loop, written down.

        Raises: LatentoneError for a seed that is not the run's: what was trained before was drawn from that one.
        """
        seed = self.spec.loop.seed
        if changes.get("seed", seed) != seed:
            raise LatentoneError(f"--seed {changes['seed']}: {self.folder} was begun with seed {seed} and keeps it")
        spec = self.spec.replace(loop=self.spec.loop.replace(**changes))
        run = dataclasses.replace(self, spec=spec)
        run.write()
        return run


def title(corpus: str, recipe: str) -> str:
    """Such as notes-quickstart."""
    return f"{corpus}-{recipe}"


def example_of(corpus: str) -> str:
    """How a command names a corpus, wherever it is."""
    return "notes" if corpus == "notes" else f"path/to/{corpus}"


def next_folder(runs: Path, name: str) -> Path:
    """First free runs/<name>-<number>."""
    taken = [
        int(match[1])
        for path in runs.glob(f"{name}-*")
        if (match := re.fullmatch(rf"{re.escape(name)}-(\d+)", path.name))
    ]
    return runs / f"{name}-{max(taken, default=0) + 1}"


def is_model(folder: Path) -> bool:
    """Whether a folder is an exported model's version."""
    return (folder / CONTRACT).is_file()


def find_source(folder: Path) -> Path:
    """A run, a model's version, or the newest version of a model's folder.

    Raises: LatentoneError where it is none of these.
    """
    versions = [path for path in folder.glob("*") if path.name.isdecimal() and is_model(path)]
    if versions:
        return max(versions, key=lambda path: int(path.name))
    check_source(folder)
    return folder


def check_source(folder: Path) -> None:
    """Raise LatentoneError where a folder is neither a run nor a model's version."""
    if not is_model(folder) and not (folder / DOCUMENT).is_file():
        raise LatentoneError(f"{folder} is neither a run (runs/<name>) nor a model's version (models/<name>/<version>)")


def is_vocoder(folder: Path) -> bool:
    """Whether a run or a model turns features into sound, and has no latents.

    Raises: LatentoneError where the folder is neither, or damaged.
    """
    check_source(folder)
    if not is_model(folder):
        return Run.open(folder).spec.is_vocoder
    try:
        return bool(json.loads((folder / CONTRACT).read_text())["kind"] == "vocoder")
    except (json.JSONDecodeError, KeyError) as error:
        raise LatentoneError(f"{folder / CONTRACT} is damaged: {error}") from None
