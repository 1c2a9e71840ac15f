"""What an operation made, and what it takes to make it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.casting import Cast
from service.contract import Contract


@dataclass(frozen=True)
class Made:
    """Sounds or features, with their origin."""

    contract: Contract
    values: NDArray[np.float32]  # [B, samples(, channels)] or [B, frames, bands(, channels)]
    seeds: tuple[int, ...] = ()  # one; the stations of a path; none where latents or features were given
    labels: tuple[str, ...] = ()  # one for each item, or none
    warnings: tuple[str, ...] = ()  # what is doubtful about what was asked for
    sounds: int = 0  # of the request, that a path passes before its seeds

    def facts(self) -> dict[str, Any]:
        """Return the origin by the field names of the answers."""
        facts: dict[str, Any] = {"model": self.contract.name, "version": self.contract.version}
        if len(self.seeds) == 1:
            facts["seed"] = self.seeds[0]
        elif self.seeds:
            facts["seeds"] = list(self.seeds)
        facts |= {"sounds": self.sounds} if self.sounds else {}
        return facts | ({"warnings": list(self.warnings)} if self.warnings else {})

    def tags(self, item: int | None) -> dict[str, str]:
        """Return what a sound file says of itself. item: which clip it holds; None for all of them."""
        labels = self.labels if item is None else self.labels[item : item + 1]
        label = ", ".join(dict.fromkeys(labels))
        facts = {"model": self.contract.name, "version": str(self.contract.version)}
        facts |= {"seed": ", ".join(map(str, self.seeds)), "label": label}
        is_path = self.sounds + len(self.seeds) > 1
        if self.sounds:
            facts["sounds"] = str(self.sounds)
        if is_path:
            facts["steps"] = str(len(self.values))
        if item is not None and (is_path or item):  # a seed alone means its first item
            facts["item"] = str(item)
        comment = "; ".join(f"{name}={text}" for name, text in facts.items() if text)
        return {"title": f"{self.contract.name} {label}".strip(), "comment": comment, "software": "latentone"}


@dataclass(frozen=True, kw_only=True)
class Varied(Made):
    """Variations of a sound, and how much of it was heard."""

    distance: float  # of each from the sound, 0 to 1
    sound_seconds: float
    heard_seconds: float  # a clip of the model's at most

    def facts(self) -> dict[str, Any]:
        """Return the origin and what there is to say of the sound by the field names of the answers."""
        facts = {name: getattr(self, name) for name in ("distance", "sound_seconds", "heard_seconds")}
        return super().facts() | facts

    def tags(self, item: int | None) -> dict[str, str]:
        """Return what a sound file says of itself: a seed alone does not make it again."""
        tags = super().tags(item)
        return tags | {"comment": f"{tags['comment']}; distance={self.distance:g}"}


@dataclass(frozen=True, kw_only=True)
class Streamed(Made):
    """A piece of a sound that is sent as it is made: one item."""

    seconds: float | None = None  # how long the whole is to be; None where that is not known


@dataclass(frozen=True, kw_only=True)
class Tune(Made):
    """A rendered tune: one item, with an account of its notes."""

    account: Cast

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.values.shape[1] / self.contract.audio.sample_rate_hz)

    def facts(self) -> dict[str, Any]:
        """Return the origin and the account by the field names of the answers."""
        return {**super().facts(), "seconds": self.seconds, **self.account.facts()}
