"""Real beside decoded: what a vocoder makes of the features of held-out clips, and how far their own features are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer import players
from trainer.autodiff import compiled
from trainer.corpus.store import PreparedCorpus
from trainer.games.inversion import InversionGame
from trainer.run import Run
from trainer.views.view import Glance

Floats = NDArray[np.float32]
HEARD, SHOWN = 32, 8  # clips; always the same ones, so that previews compare
BATCH = 8


class InversionView:
    """Looks at a game of vocoders."""

    def __init__(self, run: Run, corpus: PreparedCorpus, game: InversionGame, say: Callable[[str], None]) -> None:
        """say: told where no clip is held out."""
        self.representation, self.game = players.representation(run), game
        self._encode = compiled(self.representation.encode)
        pool = corpus.held_out
        if len(pool) < 2:
            say("no clips are held out: previews and the choice of the best hear training clips")
            pool = corpus.train
        chosen = pool[:: max(1, len(pool) // HEARD)][:HEARD]
        self.real = corpus.waveforms(chosen)
        self.features = np.concatenate([self._encode(part) for part in _parts(self.real)])
        names, labels = corpus.label_names, corpus.labels[chosen[:SHOWN]]
        self.titles = [names[label] if label >= 0 else "" for label in labels] if names else []
        self.griffin_lim = self.distance(self._decoded(compiled(self.representation.decode)))

    def look(self, step: int) -> Glance:
        """Decode the same clips at each call."""
        del step  # a vocoder does not grow
        decoded = self._decoded(self.game.decode)
        distance = self.distance(decoded)
        pairs = [sound for pair in zip(self.real[:SHOWN], decoded[:SHOWN], strict=True) for sound in pair]
        shown = np.asarray(self._encode(decoded[:SHOWN]))
        rows = {"decoded": shown, "real": self.features[:SHOWN]}
        return Glance(
            {name: self.representation.pictures(features) for name, features in rows.items()},
            self.titles,
            np.concatenate(pairs),
            {"distance": distance, "griffin_lim_distance": self.griffin_lim},
            f"mel error of held-out clips {distance:.3f} (Griffin-Lim {self.griffin_lim:.3f})",
        )

    def distance(self, decoded: Floats) -> float:
        """Mean absolute difference between the features of clips and those of what was decoded from them.

        Infinite where a sample is not finite.
        """
        if not np.isfinite(decoded).all():
            return float("inf")
        again = np.concatenate([self._encode(part) for part in _parts(decoded)])
        return float(np.mean(np.abs(again - self.features)))

    def _decoded(self, decode: Callable[[Any], Any]) -> Floats:
        return np.concatenate([np.asarray(decode(part)) for part in _parts(self.features)])


def _parts(clips: Floats) -> Iterator[Floats]:
    """A few at a time."""
    return (clips[first : first + BATCH] for first in range(0, len(clips), BATCH))
