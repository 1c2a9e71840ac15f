"""What a report is about: clips to hear and see, and what is known of the model that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Clip:
    """A sound and its picture.

    waveform: float32 [S], or [S, 2] for stereo, in [-1, 1]. rate_hz: samples a second. title: such as its label.
    features: float32 [T, M] in [-1, 1], the log-mel picture, low bands first.
    Raises: ValueError where an array has another number of axes.
    """

    waveform: NDArray[np.float32]
    rate_hz: int
    title: str
    features: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.waveform.ndim not in (1, 2) or self.features.ndim != 2:
            shapes = f"{self.waveform.shape} and {self.features.shape}"
            raise ValueError(f"clip {self.title!r}: waveform [S] or [S, 2] and features [T, M], not {shapes}")

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.waveform) / self.rate_hz

    @property
    def is_finite(self) -> bool:
        """Whether every sample and every value of the picture is a number."""
        return bool(np.isfinite(self.waveform).all() and np.isfinite(self.features).all())


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """One evaluated model; whatever is empty is left out of the page.

    name: such as "runs/fsdd-digits-1". document: what scores.json holds. generated and real: the same titles in the
    same order, so that they stand side by side. nearest: (a sample, the training clip nearest to it).
    history: rows of training signals, each with "step" and some of the names in trainer.report.signals; a row may
    hold "distance_floor" as well. configuration: nested plain values. account: PreparedCorpus.account.
    """

    name: str
    document: Mapping[str, Any]
    generated: Sequence[Clip] = ()
    real: Sequence[Clip] = ()
    nearest: Sequence[tuple[Clip, Clip]] = ()
    history: Sequence[Mapping[str, float]] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)

    def facts(self, section: str) -> Mapping[str, Any]:
        """A section of the document, such as "corpus"; empty where it is missing."""
        return self.document.get(section) or {}
