"""What a view of a run is."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Glance(NamedTuple):
    """What stands to be seen and heard after a step.

    rows: pictures [N, T, M] by the name of their row, -1 dark to 1 bright; the first row is what was made. titles: of
    the columns, or none. sounds: what was made, one after another: [S] or [S, 2]. found: signals, among them
    "distance", which is infinite where something is not finite. text: found in words.
    """

    rows: dict[str, NDArray[np.float32]]
    titles: list[str]
    sounds: NDArray[np.float32]
    found: dict[str, float]
    text: str


class View(Protocol):
    """Looks at a game."""

    def look(self, step: int) -> Glance:
        """Look at what would be exported after `step` steps."""
