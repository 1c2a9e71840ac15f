"""Workers give results in order, and whatever becomes of one of them is told and never waited for."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from trainer.corpus.clips import Clips
from trainer.corpus.recording import Recording
from trainer.corpus.workers import CHUNK, Result, cut_all
from trainer.errors import LatentoneError
from trainer.specs.audio import AudioSpec, PreparationSpec

AUDIO = AudioSpec(clip_samples=2**16)
"""A task's clips are a megabyte: more than any pipe holds, so that who writes them waits for a reader."""


@dataclass(frozen=True)
class Level:
    """A sound that is one number throughout, and may take long, fail or kill its worker."""

    number: int
    what: str = ""
    together: str | None = None

    def read(self) -> tuple[np.ndarray, int]:
        if self.what == "late":
            time.sleep(0.3)
        if self.what == "tells":
            number = 100 + os.getpid() % 400  # which of two workers this is
            return np.full((AUDIO.clip_samples, 1), number / 512, np.float32), AUDIO.sample_rate_hz
        if self.what == "fails":
            raise ZeroDivisionError("on purpose")
        if self.what == "kills":
            os.kill(os.getpid(), signal.SIGKILL)
        return np.full((AUDIO.clip_samples, 1), self.number / 512, np.float32), AUDIO.sample_rate_hz

    def digest(self) -> str:
        return str(self.number)


def results(number: int, workers: int = 2, **what: str) -> Iterator[Result]:
    """Clips of so many recordings; what: such as at_9="fails"."""
    recordings = [
        Recording(name=str(n), sound=Level(n + 1, what.get(f"at_{n}", "")), group=str(n)) for n in range(number)
    ]
    return cut_all(recordings, AUDIO, PreparationSpec(), workers)


def number_of(result: Result) -> int:
    assert isinstance(result, Clips)
    return round(float(result.waveforms[0, 0, 0]) * 512)


def test_results_come_in_order_though_a_worker_is_late() -> None:
    found = [number_of(result) for result in results(12 * CHUNK + 3, at_0="late", at_30="late")]
    assert found == list(range(1, 12 * CHUNK + 4))
    assert not multiprocessing.active_children()


def test_what_is_read_together_is_read_by_one_worker() -> None:
    recordings = [
        Recording(name=str(n), sound=Level(n + 1, "tells", f"take {n // 20}"), group=str(n)) for n in range(60)
    ]
    found = [number_of(result) for result in cut_all(recordings, AUDIO, PreparationSpec(), 2)]
    assert all(len(set(found[start : start + 20])) == 1 for start in (0, 20, 40))
    assert len(set(found)) == 2


def test_more_workers_than_work_is_no_error() -> None:
    assert [number_of(result) for result in results(3, workers=3)] == [1, 2, 3]


def test_a_worker_that_dies_over_its_task_is_an_error() -> None:
    with pytest.raises(LatentoneError, match="a worker process died"):
        list(results(6 * CHUNK, at_20="kills"))
    assert not multiprocessing.active_children()


@pytest.mark.timeout(60)
def test_a_worker_that_dies_with_half_its_answer_written_is_an_error() -> None:
    with contextlib.closing(results(12 * CHUNK)) as found:
        next(found)
        time.sleep(1.0)  # both workers have written what the pipe holds of an answer, and wait
        victims = multiprocessing.active_children()
        assert len(victims) == 2
        os.kill(victims[0].pid, signal.SIGKILL)
        with pytest.raises(LatentoneError, match="a worker process died"):
            list(found)
    assert not multiprocessing.active_children()


def test_what_a_recording_raises_in_a_worker_is_raised_here_with_its_place() -> None:
    with pytest.raises(ZeroDivisionError, match="on purpose") as caught:
        list(results(4 * CHUNK, at_9="fails"))
    assert "in read" in caught.value.__notes__[0]


def test_who_loses_interest_leaves_no_process() -> None:
    with contextlib.closing(results(6 * CHUNK)) as found:
        next(found)
        assert len(multiprocessing.active_children()) == 2
    assert not multiprocessing.active_children()
