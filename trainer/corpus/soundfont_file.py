"""What a sound font (.sf2, .sf3) says of itself: its presets and its licence, read from its RIFF chunks.

fluidsynth plays another preset where one is missing and says so nowhere, so the list is read here.
Source: "SoundFont Technical Specification", version 2.04, E-mu Systems, 2006, sections 4, 5 and 7.2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from trainer.corpus.recording import AudioFile
from trainer.errors import LatentoneError

HEADER = struct.Struct("<4sI")  # a chunk: name, bytes
PRESET = struct.Struct("<20sHHHIII")  # name, program, bank, and what a synthesiser needs
MIT = re.compile(r"\bMIT licen[cs]e\b", re.IGNORECASE)


@dataclass(frozen=True)
class FontFile:
    """A sound font. presets: names by (bank, program). information: the INFO chunk's texts, such as ICOP."""

    path: Path
    presets: dict[tuple[int, int], str]
    information: dict[str, str]

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of the content."""
        return AudioFile(self.path).digest()

    @property
    def licence(self) -> str | None:
        """MIT where the font says so or is Fluid R3, which is; None is unknown."""
        said = " ".join(self.information.get(name, "") for name in ("ICMT", "ICOP"))
        return "MIT" if MIT.search(said) or self.information.get("INAM", "").startswith("Fluid R3") else None

    def names(self, bank: int) -> dict[int, str]:
        """Names of a bank's programs, in lower case with underscores, each once."""
        programs = sorted(program for each, program in self.presets if each == bank)
        found: dict[int, str] = {}
        for program in programs:
            name = re.sub(r"[^a-z0-9]+", "_", self.presets[bank, program].lower()).strip("_") or "program"
            found[program] = name if name not in found.values() else f"{name}_{program}"
        return found


def is_soundfont(path: Path) -> bool:
    """Whether a file begins as sound fonts do."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return False
    return start[:4] == b"RIFF" and start[8:] == b"sfbk"


def read_font(path: Path) -> FontFile:
    """Read the presets and the texts of a font; its samples are passed over.

    Raises: LatentoneError where it is missing, no sound font, truncated or damaged.
    """
    if not is_soundfont(path):
        raise LatentoneError(f"{path} is not a sound font (.sf2 or .sf3) that can be read")
    try:
        with path.open("rb") as file:
            chunks = dict(_interesting(file, path.stat().st_size))
    except (OSError, struct.error) as error:
        raise LatentoneError(f"{path} is damaged: {error}") from error
    presets = [PRESET.unpack(row) for row in _rows(chunks.get("phdr", b""))]
    if not presets:
        raise LatentoneError(f"{path} is damaged: it lists no presets")
    return FontFile(
        path,
        presets={(bank, program): _text(name) for name, program, bank, *_ in presets},
        information={name: _text(content) for name, content in chunks.items() if name != "phdr"},
    )


def _rows(headers: bytes) -> list[bytes]:
    """Preset headers without the last, which only marks the end."""
    size = PRESET.size
    return [headers[start : start + size] for start in range(0, len(headers) - 2 * size + 1, size)]


def _interesting(file: BinaryIO, size: int) -> Iterator[tuple[str, bytes]]:
    """The chunks of INFO, and phdr."""
    for name, start, end in _chunks(file, 12, size):
        file.seek(start)
        kind = file.read(4) if name == b"LIST" else b""
        if kind in (b"INFO", b"pdta"):
            for inner, begin, stop in _chunks(file, start + 4, end):
                if kind == b"INFO" or inner == b"phdr":
                    file.seek(begin)
                    yield inner.decode("latin-1"), file.read(stop - begin)


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and end of what each chunk between two places holds."""
    while start + HEADER.size <= end:
        file.seek(start)
        header = file.read(HEADER.size + 1)
        padding = header[:1] == b"\0"  # after an odd size; .sf3 files that MuseScore wrote have none
        name, size = HEADER.unpack(header[padding:][: HEADER.size])
        start += padding + HEADER.size
        if start + size > end:
            raise OSError(f"its chunk {name.decode('latin-1')!r} reaches past the end")
        yield name, start, start + size
        start += size


def _text(content: bytes) -> str:
    return content.split(b"\0")[0].decode("latin-1").strip()
