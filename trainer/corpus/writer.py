"""Writes what store.py reads, clip by clip, without knowing beforehand how many there will be."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from trainer.corpus.store import DOCUMENT, WAVEFORMS, stored_shape
from trainer.specs.audio import AudioSpec


class ClipWriter:
    """Appends float16 clips to waveforms.npy; leaving the context writes the final count into its header."""

    def __init__(self, folder: Path, audio: AudioSpec) -> None:
        self.count = 0
        self._audio = audio
        self._file: BinaryIO = (folder / WAVEFORMS).open("wb")
        self._write_header()

    def append(self, waveforms: NDArray[np.float16]) -> None:
        """Append clips [n, clip_samples, channels]."""
        self._file.write(np.ascontiguousarray(waveforms, "<f2").data)
        self.count += len(waveforms)

    def _write_header(self) -> int:
        # NumPy pads the header so that a longer first axis still fits: its size does not depend on the count.
        header = {"descr": "<f2", "fortran_order": False, "shape": stored_shape(self.count, self._audio)}
        self._file.seek(0)
        npy.write_array_header_1_0(self._file, header)
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write_header()
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()


def write_document(folder: Path, document: dict[str, Any]) -> None:
    """Write corpus.json, one line for each of its entries, and see it safely on disk."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    with (folder / DOCUMENT).open("w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
        file.flush()
        os.fsync(file.fileno())
