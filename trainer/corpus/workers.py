"""Cuts recordings in worker processes and gives the results back in order.

Each worker has a pipe of its own and one task at a time. The workers of a ProcessPoolExecutor share one pipe for
their results: one that is killed while it writes leaves half a message and a held lock there, on which the parent
then waits for ever. Here whoever dies closes the only other end, and the parent reads that as the end of the file.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import cast

from trainer.corpus.account import LeftOut
from trainer.corpus.clips import Clips, cut
from trainer.corpus.recording import Recording
from trainer.errors import LatentoneError
from trainer.specs.audio import AudioSpec, PreparationSpec

CHUNK = 8  # recordings a task: enough to hide the cost of sending
RECORDINGS_PER_WORKER = 64  # fewer are cut sooner than a process starts

Result = Clips | LeftOut


def cut_all(
    recordings: Sequence[Recording], audio: AudioSpec, preparation: PreparationSpec, workers: int | None
) -> Iterator[Result]:
    """Yield clips or the reason against them, recording by recording, in their order.

    workers: processes; None for one a core as far as there is work for them. With one, no process is started.
    Raises: LatentoneError where a worker dies; what a recording raises in a worker, its traceback in a note.
    """
    if workers is None:
        workers = min(len(os.sched_getaffinity(0)), len(recordings) // RECORDINGS_PER_WORKER)
    if workers <= 1:
        return (cut(recording, audio, preparation) for recording in recordings)
    return _in_processes(recordings, audio, preparation, workers)


def _in_processes(
    recordings: Sequence[Recording], audio: AudioSpec, preparation: PreparationSpec, workers: int
) -> Iterator[Result]:
    tasks = list(_tasks(recordings))
    unsent = deque(range(len(tasks)))
    busy: dict[Connection, int] = {}
    done: dict[int, list[Result]] = {}
    with _started(workers, audio, preparation) as idle:
        for wanted in range(len(tasks)):
            while wanted not in done:
                furthest = wanted + 2 * workers  # bounds what is done and not yet written
                while idle and unsent and unsent[0] <= furthest:
                    connection = idle.pop()
                    busy[connection] = unsent.popleft()
                    _send(connection, tasks[busy[connection]])
                for connection in _ready(busy):
                    done[busy.pop(connection)] = _receive(connection)
                    idle.append(connection)
            yield from done.pop(wanted)


def _tasks(recordings: Sequence[Recording]) -> Iterator[Sequence[Recording]]:
    """CHUNK recordings at a time; those read together are one task, or each worker would read them all."""
    for together, neighbours in itertools.groupby(recordings, lambda each: getattr(each.sound, "together", None)):
        alike = list(neighbours)
        size = CHUNK if together is None else len(alike)
        for start in range(0, len(alike), size):
            yield alike[start : start + size]


@contextlib.contextmanager
def _started(workers: int, audio: AudioSpec, preparation: PreparationSpec) -> Iterator[list[Connection]]:
    """Give one connection a worker; in the end no process is left, whatever happened."""
    # "spawn": a fork would copy our ends of the pipes, and what threads and locks TensorFlow or a progress bar hold.
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(workers):
            ours, theirs = context.Pipe()
            stack.enter_context(ours)
            with theirs:  # once closed here, only the worker holds it
                process = context.Process(target=_work, args=(theirs, audio, preparation), daemon=True)
                process.start()
            stack.callback(process.join)
            stack.callback(process.kill)  # before it is joined; it holds nothing that others need
            connections.append(ours)
        yield list(connections)


def _ready(busy: Iterable[Connection]) -> list[Connection]:
    """Those with an answer, or whose worker is dead; waits until there is one."""
    return cast(list[Connection], wait(list(busy)))


def _send(connection: Connection, recordings: Sequence[Recording]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its death is told where the answer is read
        connection.send(recordings)


def _receive(connection: Connection) -> list[Result]:
    try:
        answer = connection.recv()
    except (EOFError, OSError) as error:
        raise LatentoneError(
            "a worker process died, perhaps for want of memory; fewer workers need less, "
            "and with one the recording that does it shows itself"
        ) from error
    if isinstance(answer, Exception):
        raise answer
    return cast(list[Result], answer)


def _work(connection: Connection, audio: AudioSpec, preparation: PreparationSpec) -> None:
    """Answer tasks until the parent closes its end or is gone; Ctrl-C is left to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            connection.send(_answer(connection.recv(), audio, preparation))


def _answer(
    recordings: Sequence[Recording], audio: AudioSpec, preparation: PreparationSpec
) -> list[Result] | Exception:
    try:
        return [cut(recording, audio, preparation) for recording in recordings]
    except Exception as error:  # whatever it is, the parent raises it
        error.add_note(f"in a worker process:\n{traceback.format_exc()}")
        return error
