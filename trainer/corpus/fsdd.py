"""Free Spoken Digit Dataset: digit_speaker_index.wav.

Source: Jackson et al., github.com/Jakobovski/free-spoken-digit-dataset.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from trainer.corpus.folder import audio_files, folder_source
from trainer.corpus.recording import Source
from trainer.errors import LatentoneError

NAME = re.compile(r"^\d_[a-z]+_\d+$")
PATTERN = r"(?:^|/)(?P<label>\d)_(?P<group>[a-z]+)_\d+\.\w+$"
HELD_OUT = r"_[0-4]\.\w+$"  # the corpus' README: recordings 0 to 4 of each speaker and digit are the test set


def fsdd_source(path: Path) -> Source:
    """Label: the digit. Group: the speaker. Held out: the corpus' own test set, which has every speaker."""
    source = folder_source(_recordings(path), pattern=PATTERN, held_out=HELD_OUT)
    return dataclasses.replace(source, name="fsdd", licence="CC BY-SA 4.0")


def is_fsdd(path: Path) -> bool:
    """Whether every audio file is named as this corpus names them."""
    try:
        return all(NAME.match(file.stem) for file in audio_files(_recordings(path)))
    except LatentoneError:
        return False


def _recordings(path: Path) -> Path:
    return path / "recordings" if (path / "recordings").is_dir() else path
