"""What a corpus gives before anything is decoded: recordings, and what is known of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.corpus.account import LeftOut
from trainer.errors import LatentoneError

Samples = NDArray[np.float32]


class UnreadableError(Exception):
    """A recording that cannot be decoded; the text says why and holds no path."""


class Sound(Protocol):
    """Where samples come from. Small and picklable: it travels to worker processes.

    Where reading one costs as much as reading its neighbours too, all of these have one attribute `together` of equal
    value, and one worker gets them.
    """

    def read(self) -> tuple[Samples, int]:
        """Return samples float32 [S, C] and their rate in Hz. Raises: UnreadableError."""

    def digest(self) -> str:
        """Hexadecimal digest that changes when the samples change."""


@dataclass(frozen=True)
class AudioFile:
    """A file that libsndfile decodes."""

    path: Path

    def read(self) -> tuple[Samples, int]:
        """Return samples float32 [S, C] and their rate in Hz. Raises: UnreadableError."""
        from trainer.corpus.audio import decode

        return decode(self.path)

    def digest(self) -> str:
        """BLAKE2b of the content, so that a copy elsewhere counts as the same."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        except OSError:
            return "unreadable"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording and what the corpus says of it.

    name: unique in the corpus and free of machine paths. group: recordings of one group (a speaker, a take)
    never stand on both sides of the split. pitch: MIDI note number. velocity: MIDI, 1..127. held_out: the
    corpus' own split, None where it has none.
    """

    name: str
    sound: Sound
    group: str
    label: str | None = None
    pitch: float | None = None
    velocity: int | None = None
    held_out: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """The recordings of a corpus in a fixed order. `left_out` holds what its layout already refuses.

    options: what was asked of the layout, as text, so that a model's card can say it; no part of the fingerprint.
    """

    name: str
    licence: str | None
    recordings: tuple[Recording, ...]
    label_names: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.recordings and not self.left_out:
            raise LatentoneError(f"corpus {self.name!r}: its layout and filters leave no recordings")
