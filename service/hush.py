"""Holds back the start-up lines of TensorFlow's C++, which come before it can be told to be quiet."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

CHATTER = re.compile(rb"[IWE]\d{4} \d\d:\d\d:|WARNING: All log messages before absl")


@contextmanager
def hushed() -> Iterator[None]:
    """Drop what has the form of TensorFlow's start-up lines from standard error; all of it is told on a failure.

    What others write meanwhile is passed on at the end.
    """
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held:
                if failed or not CHATTER.match(line):
                    os.write(2, line)
