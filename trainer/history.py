"""The training signals of a run, one JSON object a line in history.jsonl: what a report draws its curves from."""

from __future__ import annotations

import json
from pathlib import Path

from trainer.files import atomic

NAME = "history.jsonl"
Row = dict[str, float]


class History:
    """Appends rows; each has "step" and some signals."""

    def __init__(self, folder: Path, *, before: int) -> None:
        """Begin at a step: later rows, of a sitting that was not saved, are dropped."""
        rows = [row for row in read(folder) if row["step"] < before]
        with atomic(folder / NAME) as file:
            file.writelines(_line(row) for row in rows)
        self._file = (folder / NAME).open("ab", buffering=0)  # a line a write: what is killed loses none

    def add(self, step: int, signals: Row) -> None:
        """Append a row."""
        self._file.write(_line({"step": step} | signals))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(folder: Path) -> list[Row]:
    """The rows so far; none where there are none, a half-written last line is skipped."""
    try:
        lines = (folder / NAME).read_text().splitlines()
    except FileNotFoundError:
        return []
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def _line(row: Row) -> bytes:
    return (json.dumps(row) + "\n").encode()
