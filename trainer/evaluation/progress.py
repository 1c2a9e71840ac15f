"""Progress of an evaluation: one bar a phase."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from trainer.evaluation.hearing import Sounds

T = TypeVar("T")


class Phases:
    """Shows bars on a terminal and nothing elsewhere; a context manager."""

    def __init__(self, console: Console) -> None:
        times = (TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), *times)
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def __enter__(self) -> Phases:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def track(self, title: str, batches: Iterable[Sounds], clips: int) -> Iterator[Sounds]:
        """Pass batches on and count their clips."""
        task = self._progress.add_task(title, total=clips)
        for batch in batches:
            yield batch
            self._progress.advance(task, len(batch.labels))

    def each(self, title: str, items: Iterable[T]) -> Iterator[T]:
        """Pass items on and count them."""
        listed = list(items)
        return iter(self._progress.track(listed, total=len(listed), description=title))
