"""Generated beside real: sounds from fixed latents, and real clips of the same labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainer import players
from trainer.autodiff import compiled
from trainer.corpus.store import PreparedCorpus
from trainer.games.latent import LatentGame
from trainer.monitor import Monitor
from trainer.run import Run
from trainer.views.view import Glance

SHOWN = 10  # sounds in a preview


class LatentView:
    """Looks at a game of generators."""

    def __init__(self, run: Run, corpus: PreparedCorpus, game: LatentGame, say: Callable[[str], None]) -> None:
        """say: told of long work."""
        self.run = run
        self.representation = players.representation(run)
        self._sample, self._decode = game.sample, compiled(self.representation.decode)
        self.monitor = Monitor(corpus, game.average, say)
        real = np.asarray(self.representation.encode(corpus.waveforms(self._shown(corpus))))
        self.real = self.representation.pictures(real)

    def look(self, step: int) -> Glance:
        """Sounds from the same latents at each call, and their distance to the held-out clips."""
        found = self.monitor.listen(lambda *given: np.asarray(self._decode(self._sample(step, *given))))
        shown = self.monitor.latents[:SHOWN], np.maximum(self.monitor.labels[:SHOWN], 0)
        features = np.asarray(self._sample(step, *shown))
        sounds = np.concatenate(list(np.asarray(self._decode(features))))
        rows = {"generated": self.representation.pictures(features), "real": self.real}
        text = f"distance {found['distance']:.3f} (real clips {self.monitor.floor:.3f})"
        return Glance(rows, self._titles(), sounds, found, text)

    def _titles(self) -> list[str]:
        names = self.run.label_names
        return [names[label] for label in self.monitor.labels[:SHOWN]] if names else []

    def _shown(self, corpus: PreparedCorpus) -> np.ndarray:
        """Indices of real clips, held-out ones where there are any, labelled as the preview's sounds are."""
        pool = corpus.held_out if len(corpus.held_out) >= 2 else corpus.train
        if not self.run.label_names:
            return pool[:SHOWN]
        chosen: list[int] = []
        for label in self.monitor.labels[:SHOWN]:
            fitting = [index for index in [*pool, *corpus.train] if corpus.labels[index] == label]
            chosen.append(next((index for index in fitting if index not in chosen), fitting[0]))
        return np.array(chosen, np.int64)
