"""How much memory the loaded models may take together.

A version counts as the bytes of its files, which is what its weights take; the graph, batches and TensorFlow itself
come on top. It counts from before it is loaded until the last request that uses it has ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from service.entry import Entry
from service.errors import NotReady
from service.settings import PREFIX

MB = 1_000_000


@dataclass(eq=False)
class Holding:
    """What a loaded version takes."""

    title: str
    size: int


@dataclass
class Budget:
    """Bytes that may be taken, 0 for any number, and who has them."""

    most: int = 0
    holdings: list[Holding] = field(default_factory=list)

    def fits(self, size: int) -> bool:
        """Whether there is room for so many bytes beside those that are taken."""
        return not self.most or size + self._taken() <= self.most

    def take(self, entry: Entry) -> Holding:
        """Give a version its room.

        Raises: NotReady where there is too little of it.
        """
        if not self.fits(entry.size):
            there = ", ".join(holding.title for holding in self.holdings) or "nothing"
            raise NotReady(
                f"it takes {entry.size / MB:.1f} MB of memory, and of {PREFIX}MEMORY_BUDGET_MB={self.most / MB:g} "
                f"{self._taken() / MB:.1f} MB are taken, by {there}"
            )
        holding = Holding(entry.title, entry.size)
        self.holdings.append(holding)
        return holding

    def give_back(self, holding: Holding) -> None:
        """Have the room of a version that is gone."""
        self.holdings.remove(holding)

    def _taken(self) -> int:
        return sum(holding.size for holding in self.holdings)
