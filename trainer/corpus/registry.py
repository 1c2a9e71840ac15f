"""Which layout a corpus has, and the options that layout takes."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trainer.corpus.folder import folder_source
from trainer.corpus.fsdd import fsdd_source, is_fsdd
from trainer.corpus.notes import notes_source
from trainer.corpus.nsynth import is_nsynth, nsynth_source
from trainer.corpus.recording import Source
from trainer.corpus.soundfont import soundfont_source
from trainer.corpus.soundfont_file import is_soundfont
from trainer.corpus.urbansound8k import is_urbansound8k, urbansound8k_source
from trainer.errors import LatentoneError, SpecError, unknown

NOTES = "notes"
SOUNDFONT = "soundfont"
LAYOUTS: dict[str, Callable[..., Source]] = {
    "urbansound8k": urbansound8k_source,
    "nsynth": nsynth_source,
    "fsdd": fsdd_source,
    SOUNDFONT: soundfont_source,
    "folder": folder_source,
}


def find_source(corpus: str, options: Mapping[str, Any] | None = None, *, layout: str | None = None) -> Source:
    """Return the recordings of a corpus.

    corpus: "notes" for the built-in notes, else a folder or a sound font, whose layout is detected unless `layout`
    names it. A folder of that name is meant by "./notes". options: what the layout takes (the keyword arguments of
    its maker), as text or as values; lists as text are comma-separated.
    Raises: SpecError for an unknown layout or option; LatentoneError for a folder that is missing or holds no
    audio, or a file that is no sound font.
    """
    source = _find(corpus, options or {}, layout)
    return dataclasses.replace(source, options={name: _text(value) for name, value in (options or {}).items()})


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _find(corpus: str, options: Mapping[str, Any], layout: str | None) -> Source:
    if layout is not None and layout not in LAYOUTS:
        raise SpecError(unknown("layout", layout, LAYOUTS))
    if corpus == NOTES and layout is None:
        return notes_source(**_arguments(NOTES, notes_source, options))
    path = Path(corpus).expanduser()
    if not path.exists():
        raise LatentoneError(
            f"no corpus at {path}; give an existing folder or sound font, or {NOTES!r} for the built-in notes"
        )
    layout = layout or _detect(path)
    if layout != SOUNDFONT and not path.is_dir():
        raise LatentoneError(f"{path} is neither a folder nor a sound font (.sf2 or .sf3)")
    return LAYOUTS[layout](path, **_arguments(layout, LAYOUTS[layout], options))


def _detect(path: Path) -> str:
    if is_soundfont(path):
        return SOUNDFONT
    if is_urbansound8k(path):
        return "urbansound8k"
    if is_nsynth(path):
        return "nsynth"
    return "fsdd" if is_fsdd(path) else "folder"


def _arguments(layout: str, maker: Callable[..., Source], options: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(maker).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    hints = typing.get_type_hints(maker)
    for name in options:
        if not known:
            raise SpecError(f"layout {layout!r} takes no options, so not {name!r}")
        if name not in known:
            raise SpecError(unknown(f"option of layout {layout!r},", name, known))
    return {name: _convert(layout, name, value, hints[name]) for name, value in options.items()}


def _convert(layout: str, name: str, value: Any, hint: Any) -> Any:
    """Text as the type that the maker states; what is no text as it is, lists (from JSON) as tuples."""
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, str):
        return value
    kinds = set(typing.get_args(hint)) or {hint}
    convert: Callable[[str], Any] = next((kind for kind in (Path, int, float) if kind in kinds), str)
    try:
        if typing.get_origin(hint) is tuple:
            return tuple(convert(part.strip()) for part in value.split(",") if part.strip())
        return convert(value)
    except ValueError as error:
        raise SpecError(f"option {name}={value!r} of layout {layout!r} must be a number") from error
