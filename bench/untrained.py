"""Exports the `digits` networks with all but fresh weights, so that speed can be measured where nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.child import serve


class _Silent:
    """A watcher that says nothing."""

    def scores(self, step: int, scores: dict[str, float], left: float) -> None:
        """Say nothing."""

    def preview(self, step: int) -> float | None:  # noqa: ARG002 - the protocol's
        """Show nothing."""
        return None


def export_untrained(scratch: str) -> str:
    """Train one cheap step on built-in notes and export; return the version folder."""
    from trainer import players, recipes
    from trainer.corpus import find_source, prepare
    from trainer.export.publish import export
    from trainer.specs.game import GameSpec
    from trainer.specs.run import LoopSpec

    folder = Path(scratch)
    spec = recipes.find("digits").replace(game=GameSpec(r1_weight=0.0), loop=LoopSpec(steps=1, batch=2))
    corpus = prepare(
        find_source("notes", {"count": 60}), spec.audio, spec.preparation, folder / "corpora", workers=1, progress=False
    )
    run = players.begin(folder / "run", spec, corpus)
    watcher: Any = _Silent()
    players.play(run, corpus, players.game(run, corpus), watcher, resume=False)
    return str(export(run, folder / "models", name="untrained"))


if __name__ == "__main__":
    serve(export_untrained)
