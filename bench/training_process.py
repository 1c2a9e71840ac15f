"""Training steps of a recipe on built-in notes, in a process with its own backend."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.child import serve
from bench.sampling import rounds

NOTES = 120


def answer(recipe: str, folder: str, seconds: float) -> dict[str, Any]:
    """Time plain steps and steps with a penalty, each after its compilation."""
    from trainer import players, recipes
    from trainer.autodiff import devices, to_floats
    from trainer.corpus import find_source, prepare

    spec = recipes.find(recipe)
    source = find_source("notes", {"count": NOTES})
    corpus = prepare(source, spec.audio, spec.preparation, Path(folder), workers=1, progress=False)
    run = players.begin(Path(folder) / f"run-{devices()[0]}-{time.time_ns()}", spec, corpus)
    game = players.game(run, corpus)

    def step(number: int) -> float:
        start = time.perf_counter()
        to_floats(game.step(number))
        return time.perf_counter() - start

    every = spec.game.penalty_every if spec.game.has_penalty else 0
    # Once more after the first updates: where these change a type, JAX compiles again.
    compiling = sum(step(number) for number in (0, 1, 0, 1))
    plain: list[float] = []
    penalty: list[float] = []
    for count in rounds(seconds):
        plain += [step(every * count + 1), step(every * count + 2), step(every * count + 3)]
        penalty += [step(every * count)] if every else []
    return {
        "device": devices()[0],
        "batch": spec.loop.batch,
        "penalty_every": every,
        "compile_seconds": compiling,
        "plain_seconds": plain,
        "penalty_seconds": penalty,
    }


if __name__ == "__main__":
    serve(answer)
