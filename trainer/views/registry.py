"""Which view belongs to a game."""

from __future__ import annotations

from collections.abc import Callable

from trainer.corpus.store import PreparedCorpus
from trainer.games.inversion import InversionGame
from trainer.games.latent import LatentGame
from trainer.run import Run
from trainer.views.inversion import InversionView
from trainer.views.latent import LatentView
from trainer.views.view import View


def view_of(run: Run, corpus: PreparedCorpus, game: LatentGame | InversionGame, say: Callable[[str], None]) -> View:
    """Open it. say: told of long work."""
    if isinstance(game, InversionGame):
        return InversionView(run, corpus, game, say)
    return LatentView(run, corpus, game, say)
