"""One source, two backends: the same game gives the same losses on TensorFlow and on JAX."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.trainer import tiny

ROOT = Path(__file__).parents[2]

# Weights are made by NumPy, so that both backends begin alike.
PLAY = """
import dataclasses, json, sys
from pathlib import Path
import numpy as np
from trainer import players
from trainer.autodiff import to_floats
from trainer.corpus.store import PreparedCorpus
from trainer.run import Run
run = Run.open(Path(sys.argv[1]))
run = run.with_budget({"steps": 3})
spec = run.spec.replace(game=run.spec.game.replace(**json.loads(sys.argv[3])))
game = players.game(dataclasses.replace(run, spec=spec), PreparedCorpus.open(Path(sys.argv[2])))
rng = np.random.default_rng(5)
for network in (game.generator, game.critic):
    network.set_weights([0.2 * rng.standard_normal(w.shape).astype("float32") for w in network.get_weights()])
print("SCORES" + json.dumps([to_floats(game.step(step)) for step in range(3)]))
"""


def scores(backend: str, run: Path, corpus: Path, game: dict[str, object]) -> list[dict[str, float]]:
    done = subprocess.run(
        [sys.executable, "-c", PLAY, str(run), str(corpus), json.dumps(game)],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("SCORES"))
    loaded: list[dict[str, float]] = json.loads(line.removeprefix("SCORES"))
    return loaded


@pytest.mark.parametrize(
    "game",
    [
        {"objective": "logistic", "r1_weight": 0.5, "r2_weight": 0.1},
        {"objective": "wgan", "r1_weight": 0.0, "gradient_penalty_weight": 10.0, "critic_steps": 2},
        {"objective": "hinge", "r1_weight": 0.0},
    ],
    ids=lambda game: str(game["objective"]),
)
def test_both_backends_play_the_same_game(tmp_path: Path, game: dict[str, object]) -> None:
    prepared = tiny.corpus(tmp_path / "corpora")
    tiny.run(tmp_path / "run", prepared)
    tensorflow, jax = (scores(backend, tmp_path / "run", prepared.folder, game) for backend in ("tensorflow", "jax"))
    assert tensorflow[0].keys() == jax[0].keys()
    for step, tolerance in ((0, 1e-4), (2, 2e-2)):  # differences in the last bit grow with each step
        for name, value in tensorflow[step].items():
            assert np.isclose(value, jax[step][name], rtol=tolerance, atol=tolerance), (
                step,
                name,
                value,
                jax[step][name],
            )
