"""Where the command line reads, writes and shows that it works."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from latentone_client.errors import Failure, Invalid
from latentone_client.files import write_whole
from latentone_client.sound_files import FloatArray

STANDARD = "-"
PATIENT_S = 0.5  # what takes no longer needs no sign of life
BEAT_S = 0.2


def read(name: str) -> bytes:
    """Return what a file holds, or what comes from standard input for -.

    Raises: OSError, Invalid where a person sits at standard input.
    """
    if name != STANDARD:
        return Path(name).read_bytes()
    if sys.stdin.isatty():
        raise Invalid("-: standard input is a terminal; name a file, or pipe one in")
    return sys.stdin.buffer.read()


def read_array(name: str) -> FloatArray:
    """Return the array of an .npy file.

    Raises: OSError, Invalid for another file.
    """
    try:
        return np.asarray(np.load(io.BytesIO(read(name)), allow_pickle=False), np.float32)
    except (ValueError, EOFError, TypeError):
        raise Invalid(f"{name}: this is no .npy file of numbers") from None


@dataclass(frozen=True)
class Output:
    """Where a result goes: a file, or standard output for -."""

    name: str

    @property
    def is_standard(self) -> bool:
        """Whether it is standard output."""
        return self.name == STANDARD

    def check(self) -> None:
        """See before any work whether the result can be written.

        Raises: Invalid for a terminal; OSError for a folder that is not there.
        """
        if self.is_standard:
            if sys.stdout.isatty():
                raise Invalid("-: standard output is a terminal; name a file with -o, or pipe it on")
        elif not Path(self.name).parent.is_dir():
            raise FileNotFoundError(2, "no such folder", str(Path(self.name).parent))
        elif Path(self.name).is_dir():
            raise IsADirectoryError(21, "is a folder; name a file in it", self.name)

    def write(self, data: bytes) -> None:
        """Write the result."""
        if self.is_standard:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            write_whole(Path(self.name), data)

    def tell(self, words: str, facts: dict[str, Any], *, as_json: bool) -> None:
        """Say what was done, beside the result where that has standard output."""
        print(json.dumps(facts) if as_json else words, file=sys.stderr if self.is_standard else sys.stdout)


class Progress:
    """A line on standard error that says how long a call takes, where someone looks; wiped in the end."""

    def __init__(self, words: str) -> None:
        self._words, self._note = words, ""
        self._began = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._shown = sys.stderr.isatty()

    def watch(self, failure: Failure, pause_s: float) -> None:
        """Say that the call is tried again; a client's `watch`."""
        self._note = f" ({failure.kind}: tried again in {pause_s:.1f} s)"

    def __enter__(self) -> Self:
        """Begin."""
        if self._shown:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the line."""
        self._done.set()
        if self._shown:
            self._thread.join()
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _run(self) -> None:
        pause_s = PATIENT_S
        while not self._done.wait(pause_s):
            elapsed_s = time.monotonic() - self._began
            print(f"\r\033[K{self._words}: {elapsed_s:.0f} s{self._note}", end="", file=sys.stderr, flush=True)
            pause_s = BEAT_S
