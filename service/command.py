"""`python -m service render`: the operation `render` without a server, in this process and on one model."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from service.settings import Settings, SettingsError, load_settings

OPTIONS = ("seed", "programs", "channels", "latent_seconds", "attack_seconds", "release_seconds", "out_of_range")
# Where the environment sets no limits, there is nobody else to protect.
LIMITS: Mapping[str, Any] = {"max_seconds": 3600.0, "max_notes": 100_000}
WHOLE_DAY_S = 86_400.0
INTERRUPTED = 130  # as shells say it


def add_render(commands: Any) -> None:
    """Add the options of `render` to the parser's commands."""
    parser = commands.add_parser(
        "render",
        help="play a MIDI file with a model whose labels stand for pitches",
        description="Play a MIDI file with a model whose labels stand for pitches, as POST /v1/render does.",
    )
    parser.add_argument("model", type=Path, help="version folder of a model, as models/notes/1")
    parser.add_argument("midi", type=Path, help="Standard MIDI file of format 0 or 1")
    parser.add_argument("-o", "--output", type=Path, required=True, help="sound file; its suffix chooses the format")
    parser.add_argument("--format", help="wav, wav_float, flac, ogg, opus, mp3, pcm or f32, whatever the suffix")
    parser.add_argument("--seed", help="seed of the sounds; program p has seed + p (default: one is drawn and printed)")
    parser.add_argument("--programs", help="seeds of programs (0 to 127), as in 0:7,40:8")
    parser.add_argument("--channels", help="seeds of channels (1 to 16), as in 1:7,2:8")
    parser.add_argument("--latent-seconds", help="from one latent to the next; the sound glides (default 4)")
    parser.add_argument("--attack-seconds", help="fade-in of each note (default 0.01)")
    parser.add_argument("--release-seconds", help="fade-out of each note (default 0.3)")
    parser.add_argument("--out-of-range", help="fold (default) or skip: notes outside the model's pitches")
    parser.add_argument("--percussion", action="store_true", help="play channel 10 too")
    parser.set_defaults(run=render)


def render(options: argparse.Namespace) -> int:
    """Play the file, write the sound and say what became of the notes.

    Returns: the exit code; 1 for what the user can mend, told in one line.
    """
    from service.errors import Failure

    try:
        settings = wide_settings()
        if settings.log_level != "debug":
            logging.getLogger("bentoml.latentone").addHandler(logging.NullHandler())  # a failure is told below, once
        print(asyncio.run(_play(options, settings)))
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    except (Failure, SettingsError) as error:
        print(f"error: {getattr(error, 'detail', error)}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}", file=sys.stderr)
        return 1
    return 0


def wide_settings() -> Settings:
    """Return the settings of the environment; what it does not limit is limited as little as can be.

    Raises: SettingsError.
    """
    settings = load_settings()
    unset = LIMITS.keys() - settings.model_fields_set
    return settings.model_copy(update={name: LIMITS[name] for name in unset})


async def _play(options: argparse.Namespace, settings: Settings) -> str:
    from prometheus_client import CollectorRegistry

    from service.batcher import Batcher
    from service.engines import Engines
    from service.library import Library
    from service.loading import from_disk
    from service.metrics import Call, Metrics
    from service.model_folder import read_versions
    from service.operations import Operations
    from service.requests import RenderRequest, parse_request
    from service.signing import read_trusted

    request = parse_request(RenderRequest, _fields(options))
    if not options.output.parent.is_dir():
        raise FileNotFoundError(2, "no such folder", str(options.output.parent))
    metrics = Metrics(CollectorRegistry())
    calls = settings.engine_calls or len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(calls, "engine") as executor:
        entries = read_versions(options.model.resolve().parent.parent, read_trusted(settings))
        library = Library(entries, Engines(from_disk(settings), executor, metrics))
        batcher = Batcher(
            executor,
            metrics,
            max_batch=settings.max_batch,
            queue_limit=settings.queue_limit,
            engine_calls=calls,
        )
        operations = Operations(library, batcher, settings)
        call = Call(metrics, deadline=time.monotonic() + WHOLE_DAY_S)
        with _progress() as watch:
            tune = await operations.render(call, request, watch)
        (sound,) = await operations.encode(call, tune, request.format, joined=True)
    _write(options.output, sound)
    return "\n".join([f"{options.output}: {tune.seconds:.1f} seconds, seed {tune.seeds[0]}", *_account(tune.facts())])


def _fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of the request; what was not given is left out.

    Raises: Invalid for a folder that is no version, or a suffix that is no format; OSError.
    """
    from service.audio_files import ENCODINGS
    from service.errors import Invalid

    folder = options.model.resolve()
    if not (folder.name.isdigit() and folder.is_dir()):
        raise Invalid(f"{options.model} is no version folder of a model, such as models/notes/1")
    fields: dict[str, Any] = {name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None}
    fields |= {"model": folder.parent.name, "version": folder.name, "percussion": options.percussion}
    suffixes = {encoding.suffix: form for form, encoding in reversed(ENCODINGS.items())}
    form = options.format or suffixes.get(options.output.suffix[1:].lower())
    if form is None:
        raise Invalid(f"{options.output}: which format is that? known suffixes: {', '.join(reversed(suffixes))}")
    return fields | {"format": form, "midi": options.midi.read_bytes()}


@contextmanager
def _progress() -> Iterator[Any]:
    """Give what shows the notes that are done, where someone looks; the line is wiped in the end."""
    terminal: IO[str] | None = sys.stderr if sys.stderr.isatty() else None

    def watch(done: int, count: int) -> None:
        if terminal is not None:
            print(f"\r{done} of {count} notes", end="", file=terminal, flush=True)

    try:
        yield watch
    finally:
        if terminal is not None:
            print("\r\033[K", end="", file=terminal, flush=True)


def _write(path: Path, sound: bytes) -> None:
    """Write the file whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(sound)
            file.flush()
            umask = os.umask(0)
            os.umask(umask)
            os.fchmod(file.fileno(), 0o666 & ~umask)  # as any new file; temporary ones are private
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _account(facts: dict[str, Any]) -> Iterator[str]:
    """Say what became of the notes, a line for each kind."""
    yield f"notes: {facts['notes']}"
    if facts["folded"]:
        moves = [f"{entry['pitch']} to {entry['to']} ({entry['count']})" for entry in facts["folded"]]
        yield f"folded: {', '.join(moves)}"
    for kind, percussion in (("skipped", False), ("skipped percussion", True)):
        left = [
            f"{entry['pitch']} ({entry['count']})" for entry in facts["skipped"] if entry["percussion"] == percussion
        ]
        if left:
            yield f"{kind}: {', '.join(left)}"
