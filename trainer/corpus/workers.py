"""Cuts recordings in worker processes and gives the results back in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from trainer.config import AudioSpec, LatentoneError, PreparationSpec
from trainer.corpus.account import LeftOut
from trainer.corpus.clips import Clips, cut
from trainer.corpus.recording import Recording

CHUNK = 8  # recordings a task: enough to hide the cost of sending, few enough for Ctrl-C to be answered soon
RECORDINGS_PER_WORKER = 64  # fewer are cut sooner than a process starts

Result = Clips | LeftOut


def cut_all(
    recordings: Sequence[Recording], audio: AudioSpec, preparation: PreparationSpec, workers: int | None
) -> Iterator[Result]:
    """Yield clips or the reason against them, recording by recording, in their order.

    workers: processes; None for one a core as far as there is work for them. With one, no process is started.
    Raises: LatentoneError where a worker dies.
    """
    if workers is None:
        workers = min(len(os.sched_getaffinity(0)), len(recordings) // RECORDINGS_PER_WORKER)
    if workers <= 1:
        return (cut(recording, audio, preparation) for recording in recordings)
    return _in_processes(recordings, audio, preparation, workers)


def _in_processes(
    recordings: Sequence[Recording], audio: AudioSpec, preparation: PreparationSpec, workers: int
) -> Iterator[Result]:
    # "spawn": a fork would copy whatever threads and locks TensorFlow or a progress bar hold.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, context, initializer=_begin)
    waiting: deque[Future[list[Result]]] = deque()
    try:
        for start in range(0, len(recordings), CHUNK):
            waiting.append(executor.submit(_cut_chunk, recordings[start : start + CHUNK], audio, preparation))
            if len(waiting) > 2 * workers:  # bounds what is done and not yet written
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise LatentoneError(
            "a worker process died, perhaps for want of memory; fewer workers need less, "
            "and with one the recording that does it shows itself"
        ) from error
    finally:
        executor.shutdown(cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl-C to the parent, and end when it is gone: a killed parent cannot say so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _cut_chunk(recordings: Sequence[Recording], audio: AudioSpec, preparation: PreparationSpec) -> list[Result]:
    return [cut(recording, audio, preparation) for recording in recordings]
