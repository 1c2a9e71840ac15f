"""Prepares a corpus: once, in parallel, all of it or nothing that looks finished."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import shutil
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.corpus.account import Account, LeftOut, nothing_left
from trainer.corpus.clips import Clips
from trainer.corpus.contents import Taken, describe
from trainer.corpus.recording import Recording, Source
from trainer.corpus.store import FORMAT, UNFINISHED_SUFFIX, PreparedCorpus
from trainer.corpus.workers import cut_all
from trainer.corpus.writer import ClipWriter, write_document
from trainer.errors import LatentoneError
from trainer.specs.audio import AudioSpec, PreparationSpec

if TYPE_CHECKING:
    from rich.console import Console

LOCK = ".preparing.lock"
_FACTS = tuple(field.name for field in dataclasses.fields(Recording) if field.name != "sound")


def prepare(
    source: Source,
    audio: AudioSpec,
    preparation: PreparationSpec,
    folder: Path,
    *,
    workers: int | None = None,
    progress: bool = True,
) -> PreparedCorpus:
    """Cut every recording into clips and keep them in `folder`/<name>-<first 12 of the fingerprint>.

    The fingerprint covers the recordings' content and both specifications; what was prepared before is opened
    at once. The result is the same, byte for byte, for any number of workers. workers: processes, None for
    one a core as far as there is work for them. progress: show a bar and the account on standard error.

    Raises: LatentoneError where every recording was left out, or the folder cannot be written.
    """
    from rich.console import Console

    console = Console(stderr=True, quiet=not progress)
    whole = fingerprint(source, audio, preparation)
    target = folder / f"{source.name}-{whole[:12]}"
    finished = _finished(target, console)
    if finished:
        return finished
    with _alone(folder, console):
        finished = _finished(target, console)  # by the one who was waited for
        if finished:
            return finished
        with _whole_or_nothing(target) as unfinished:
            cutting = _with_bar(cut_all(source.recordings, audio, preparation, workers), source, console)
            with contextlib.closing(cutting) as results:  # ends the workers at once where something fails
                account = _fill(unfinished, source, audio, preparation, whole=whole, results=results)
    account.show(console)
    console.print(f"prepared: {target}", soft_wrap=True, highlight=False)
    return PreparedCorpus.open(target)


def fingerprint(source: Source, audio: AudioSpec, preparation: PreparationSpec) -> str:
    """Hexadecimal digest of all that the prepared clips depend on; where the files lie is no part of it."""
    with ThreadPoolExecutor() as threads:  # hashing and reading both release the interpreter lock
        digests = list(threads.map(lambda recording: recording.sound.digest(), source.recordings))
    facts = [[getattr(recording, name) for name in _FACTS] for recording in source.recordings]
    left_out = [dataclasses.astuple(entry) for entry in source.left_out]
    specification = [FORMAT, audio.to_json(), preparation.to_json(), source.licence, source.label_names]
    text = json.dumps([specification, facts, digests, left_out])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _finished(target: Path, console: Console) -> PreparedCorpus | None:
    try:
        corpus = PreparedCorpus.open(target)
    except LatentoneError:
        return None
    console.print(f"already prepared: {target}", soft_wrap=True, highlight=False)
    return corpus


@contextlib.contextmanager
def _alone(folder: Path, console: Console) -> Iterator[None]:
    """Hold the folder's lock and remove what the dead left: the system frees a dead holder's lock."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise LatentoneError(f"prepared corpora cannot be kept in {folder}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(f"waiting for another preparation in {folder}", soft_wrap=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in folder.glob(f".*{UNFINISHED_SUFFIX}"):
            shutil.rmtree(leftover)
        yield


@contextlib.contextmanager
def _whole_or_nothing(target: Path) -> Iterator[Path]:
    """Give a folder to fill, which takes the name `target` in one move when all went well."""
    unfinished = target.with_name(f".{target.name}{UNFINISHED_SUFFIX}")
    unfinished.mkdir()
    try:
        yield unfinished
        shutil.rmtree(target, ignore_errors=True)  # damaged, or it would have been opened
        unfinished.rename(target)
    except OSError as error:
        raise LatentoneError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _fill(
    folder: Path,
    source: Source,
    audio: AudioSpec,
    preparation: PreparationSpec,
    *,
    whole: str,
    results: Iterable[Clips | LeftOut],
) -> Account:
    """Write the clips, then the document that makes the folder a corpus; `whole` is the fingerprint."""
    taken, left_out = _write_clips(folder, source, audio, results)
    label_names, columns, account = describe(source, taken, left_out, preparation)
    document = {
        "format": FORMAT,
        "name": source.name,
        "licence": source.licence,
        "options": dict(source.options),
        "fingerprint": whole,
        "audio": audio.to_json(),
        "preparation": preparation.to_json(),
        "label_names": label_names,
        "account": account.to_json(),
        "clips": columns,
    }
    write_document(folder, document)
    return account


def _write_clips(
    folder: Path, source: Source, audio: AudioSpec, results: Iterable[Clips | LeftOut]
) -> tuple[list[Taken], list[LeftOut]]:
    taken: list[Taken] = []
    left_out = list(source.left_out)
    with ClipWriter(folder, audio) as writer:
        for recording, result in zip(source.recordings, results, strict=True):
            if isinstance(result, LeftOut):
                left_out.append(result)
            else:
                writer.append(result.waveforms)
                taken.append(Taken(recording, result.offsets, result.silent))
        if not taken:
            raise nothing_left(source.name, left_out)
    return taken, left_out


def _with_bar(results: Iterable[Clips | LeftOut], source: Source, console: Console) -> Generator[Clips | LeftOut]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("preparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=console.quiet) as bar:
        yield from bar.track(results, total=len(source.recordings))
