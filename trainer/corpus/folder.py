"""A folder of audio files, labelled by its sub-folders, a CSV or the file names."""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.corpus.account import LeftOut
from trainer.corpus.pitches import parse_pitch, pitch_label
from trainer.corpus.recording import AudioFile, Recording, Source
from trainer.errors import LatentoneError, SpecError, check, unknown

# What libsndfile reads, and what people expect it to: the latter end in the account as unreadable.
SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd"}
    | {".caf", ".w64", ".rf64", ".voc", ".m4a", ".aac", ".wma"}
)
LABELS_CSV = "labels.csv"
COLUMNS = ("file", "label", "group", "pitch", "split", "held_out")
HELD_OUT_WORDS = frozenset({"held_out", "test", "valid", "validation", "eval", "true", "yes", "1"})
TRAINING_WORDS = frozenset({"train", "training", "false", "no", "0"})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What sub-folders, a CSV or a pattern say of one file."""

    label: str | None = None
    group: str | None = None
    pitch: float | None = None
    held_out: bool | None = None


def folder_source(
    path: Path,
    *,
    table: Path | None = None,
    pattern: str = "",
    held_out: str = "",
    label: Literal["given", "pitch"] = "given",
) -> Source:
    """Every audio file under a folder.

    table: CSV with the columns file (relative to the folder) and any of label, group, pitch (a MIDI number or a name
    such as F#3; C4 is 60), split (train or test) and held_out (true or false); a labels.csv in the folder is taken
    unasked. pattern: regular expression searched for in the relative path, with any of the named groups label, group
    and pitch. With neither, first-level sub-folders are the labels where at least two hold audio. held_out: regular
    expression; a file whose relative path it matches is held out. label: "pitch" makes the pitch of table or pattern
    the label, as a MIDI number. Where some files have a label, those without are left out: a condition that some
    clips lack cannot be trained.

    Raises: SpecError for a pattern or table that cannot be used; LatentoneError where there is no audio.
    """
    check(label in ("given", "pitch"), f"label={label!r} is not given or pitch")
    if table and pattern:
        raise SpecError("table and pattern both say what the labels are; give one of them")
    files = {relative_name(file, path): file for file in audio_files(path)}
    if table is None and not pattern and (path / LABELS_CSV).is_file():
        table = path / LABELS_CSV
    facts, otherwise = _facts(files, table, pattern)
    if label == "pitch":
        facts, otherwise = _labelled_by_pitch(facts), f"{otherwise}, or no pitch"
    labelled = any(fact.label is not None for fact in facts.values())
    taken = {name: facts[name] for name in files if name in facts and not (labelled and facts[name].label is None)}
    left_out = [LeftOut(name, "no label", otherwise) for name in files if name not in taken]
    left_out += [LeftOut(name, "missing", "in the table only") for name in facts if name not in files]
    test = _compile("held_out", held_out) if held_out else None
    return Source(
        name=safe_name(path.resolve().name),
        licence=None,
        recordings=tuple(
            Recording(
                name=name,
                sound=AudioFile(files[name]),
                label=fact.label,
                group=fact.group or name,
                pitch=fact.pitch,
                held_out=bool(test.search(name)) if test else fact.held_out,
            )
            for name, fact in taken.items()
        ),
        label_names=natural_order({fact.label for fact in taken.values() if fact.label is not None}),
        left_out=tuple(left_out),
    )


def audio_files(path: Path) -> list[Path]:
    """Audio files under a folder, sorted by name; hidden files and folders are passed over.

    Raises: LatentoneError where there are none.
    """
    found = [
        file
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and file.is_file()
    ]
    if not found:
        raise LatentoneError(f"no audio files in {path}; it should hold files such as .wav, .flac, .ogg or .mp3")
    return sorted(found, key=lambda file: file.relative_to(path).as_posix())


def relative_name(file: Path, folder: Path) -> str:
    """Name of a recording: its path in the corpus, printable even where the bytes of the path are no text."""
    return file.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def safe_name(name: str) -> str:
    """Name of a corpus that can also name a folder."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "corpus"


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sorted as people count: 2 comes before 10."""

    def parts(name: str) -> list[tuple[bool, int, str]]:
        pieces = re.split(r"([0-9]+)", name)
        return [(not piece.isdecimal(), int(piece) if piece.isdecimal() else 0, piece) for piece in pieces]

    return tuple(sorted(names, key=parts))


def _facts(files: Mapping[str, Path], table: Path | None, pattern: str) -> tuple[dict[str, Facts], str]:
    """What is known of each file, and what to say of a file of which nothing is."""
    if table:
        return _read_table(table), f"{table.name} gives none"
    if pattern:
        return _match(pattern, files), "the pattern does not match"
    tops = {name: name.split("/")[0] if "/" in name else None for name in files}
    if len(set(tops.values()) - {None}) < 2:
        return {name: Facts() for name in files}, ""
    return {name: Facts(label=top) for name, top in tops.items()}, "not in a sub-folder"


def _labelled_by_pitch(facts: Mapping[str, Facts]) -> dict[str, Facts]:
    if all(fact.pitch is None for fact in facts.values()):
        raise SpecError("label=pitch needs pitches: a table with a column 'pitch', or a pattern with (?P<pitch>...)")
    return {
        name: dataclasses.replace(fact, label=None if fact.pitch is None else pitch_label(fact.pitch))
        for name, fact in facts.items()
    }


def _compile(option: str, expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise SpecError(f"{option}={expression!r} is not a regular expression: {error}") from error


def _match(pattern: str, names: Iterable[str]) -> dict[str, Facts]:
    compiled = _compile("pattern", pattern)
    known = ("label", "group", "pitch")
    for group in compiled.groupindex:
        if group not in known:
            raise SpecError(f"pattern={pattern!r}: {unknown('named group', group, known)}")
    if not compiled.groupindex:
        raise SpecError(
            f"pattern={pattern!r} has no named group; write (?P<label>...), (?P<group>...) or (?P<pitch>...)"
        )
    found = {name: compiled.search(name) for name in names}
    return {name: _facts_of(match.groupdict(), name) for name, match in found.items() if match}


def _read_table(table: Path) -> dict[str, Facts]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, restkey="", restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SpecError(f"table {table} cannot be read: {error}") from error
    columns = rows[0].keys() if rows else ()
    if "file" not in columns:
        raise SpecError(f"table {table} has no rows with a column 'file'; its columns may be {', '.join(COLUMNS)}")
    return {row["file"].strip().removeprefix("./"): _facts_of(row, f"{table.name}: {row['file']}") for row in rows}


def _facts_of(row: Mapping[str, str | None], where: str) -> Facts:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    try:
        pitch = parse_pitch(values["pitch"]) if values["pitch"] else None
    except ValueError as error:
        raise SpecError(
            f"{where}: pitch {values['pitch']!r} is no MIDI note number, 0..127, and no name such as F#3"
        ) from error
    side = (values["held_out"] or values["split"]).lower()
    if side and side not in HELD_OUT_WORDS | TRAINING_WORDS:
        raise SpecError(f"{where}: {unknown('split', side, HELD_OUT_WORDS | TRAINING_WORDS)}")
    return Facts(
        label=values["label"] or None,
        group=values["group"] or None,
        pitch=pitch,
        held_out=side in HELD_OUT_WORDS if side else None,
    )
