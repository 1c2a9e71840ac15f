"""What can go wrong that a person can mend, and the sentences for it. Imports nothing of ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LatentoneError(Exception):
    """What the person at the command line can mend; its text says how."""


class SpecError(LatentoneError):
    """A specification that contradicts itself or lies outside what is supported."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Sentence for a name that is not in a registry, with the nearest one that is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {what} {name!r}; {hint}known: {', '.join(names)}"


def check(condition: bool, message: str) -> None:
    """Raise SpecError with `message` unless `condition` holds."""
    if not condition:
        raise SpecError(message)
