"""UrbanSound8K in its own layout: audio/fold1..10 and metadata/UrbanSound8K.csv, or its file names alone.

Source: Salamon, Jacoby, Bello, "A Dataset and Taxonomy for Urban Sound Research", 2014.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trainer.corpus.account import LeftOut
from trainer.corpus.folder import audio_files, relative_name
from trainer.corpus.recording import AudioFile, Recording, Source
from trainer.errors import LatentoneError, SpecError, unknown

CLASSES = (
    "air_conditioner",
    "car_horn",
    "children_playing",
    "dog_bark",
    "drilling",
    "engine_idling",
    "gun_shot",
    "jackhammer",
    "siren",
    "street_music",
)
NAME = re.compile(r"^(?P<freesound>\d+)-(?P<class>\d)-\d+-\d+$")  # freesoundID-classID-occurrence-slice


@dataclass(frozen=True)
class _Slice:
    label: str
    freesound_id: str


def urbansound8k_source(
    path: Path,
    *,
    classes: tuple[str, ...] = (),
    folds: tuple[int, ...] = (),
    held_out_fold: int | None = None,
) -> Source:
    """Label: the class. Group: the Freesound recording that a slice was cut from, which never crosses folds.

    classes, folds: which to take; all where empty. held_out_fold: the last of the folds taken unless said; a
    single fold is split by group instead.
    Raises: SpecError for a class or fold that is not there.
    """
    for name in classes:
        if name not in CLASSES:
            raise SpecError(unknown("class", name, CLASSES))
    taken = _folds(path, folds)
    test_fold = _held_out_fold(taken, held_out_fold)
    metadata = _metadata(path)
    recordings: list[Recording] = []
    left_out: list[LeftOut] = []
    for fold in taken:
        for file in audio_files(path / "audio" / f"fold{fold}"):
            name = relative_name(file, path / "audio")
            known = metadata.get(file.stem) or _from_name(file.stem)
            if known is None:
                left_out.append(LeftOut(name, "no label", "not named freesoundID-classID-occurrence-slice"))
            elif not classes or known.label in classes:
                recordings.append(
                    Recording(
                        name=name,
                        sound=AudioFile(file),
                        label=known.label,
                        group=known.freesound_id,
                        held_out=None if test_fold is None else fold == test_fold,
                    )
                )
    return Source(
        name="urbansound8k",
        licence="CC BY-NC 3.0",
        recordings=tuple(recordings),
        label_names=tuple(name for name in CLASSES if not classes or name in classes),
        left_out=tuple(left_out),
    )


def is_urbansound8k(path: Path) -> bool:
    """Whether the folder has this corpus' folds."""
    return bool(_present_folds(path))


def _present_folds(path: Path) -> list[int]:
    folders = (path / "audio").glob("fold*")
    return sorted(int(folder.name[4:]) for folder in folders if folder.name[4:].isdecimal() and folder.is_dir())


def _folds(path: Path, wanted: Iterable[int]) -> list[int]:
    present = _present_folds(path)
    if not present:
        raise LatentoneError(f"no UrbanSound8K in {path}; it should hold audio/fold1, audio/fold2, ...")
    absent = sorted(set(wanted) - set(present))
    if absent:
        raise SpecError(f"folds {absent} are not in {path / 'audio'}, which has {present}")
    return sorted(set(wanted)) or present


def _held_out_fold(taken: list[int], wanted: int | None) -> int | None:
    if wanted is not None and wanted not in taken:
        raise SpecError(f"held_out_fold={wanted} is not among the folds taken: {taken}")
    if len(taken) == 1:
        return None
    return taken[-1] if wanted is None else wanted


def _from_name(stem: str) -> _Slice | None:
    match = NAME.match(stem)
    return _Slice(CLASSES[int(match["class"])], match["freesound"]) if match else None


def _metadata(path: Path) -> dict[str, _Slice]:
    """Rows by file name without its ending, since copies are often FLAC; empty where there is no CSV."""
    table = path / "metadata" / "UrbanSound8K.csv"
    if not table.is_file():
        return {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            return {
                Path(row["slice_file_name"]).stem: _Slice(CLASSES[int(row["classID"])], row["fsID"]) for row in rows
            }
    except (OSError, KeyError, ValueError, IndexError, csv.Error) as error:
        raise LatentoneError(
            f"{table} is damaged ({type(error).__name__}: {error}); remove it and the file names are used"
        ) from error
