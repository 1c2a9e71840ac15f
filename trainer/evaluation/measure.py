"""What a measure of a generator is.

A measure looks at a candidate beside the corpus and returns a statistic: a function from a choice of the candidate's
items to a number. On all items it is the score; on items drawn with replacement it gives the score's bootstrap. With
held-out clips in the candidate's place the same function gives the floor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from trainer.evaluation.clips import Clips, Indices, Real

Statistic = Callable[[Indices], float]
Better = Literal["lower", "higher", "floor"]
"""Where good scores lie; "floor": as near to what held-out clips reach as can be."""


class Unmeasurable(Exception):  # noqa: N818 - not an error of anybody's
    """A measure that can't be computed here; the text is the reason, for people."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One entry of the registry.

    look: (candidate, real) to the statistic. Raises: Unmeasurable with the reason.
    """

    name: str
    title: str
    better: Better
    look: Callable[[Clips, Real], Statistic]
