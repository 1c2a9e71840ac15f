"""The loop: exact resume, budgets, clean interruption, nothing that is not finite, early stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.trainer import tiny
from trainer import checkpoint, loop, players
from trainer.corpus import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.specs.run import LoopSpec


class Quiet:
    """A watcher that remembers."""

    def __init__(self, distances: list[float] | None = None) -> None:
        self.seen: list[dict[str, float]] = []
        self.distances = distances or []

    def scores(self, step: int, scores: dict[str, float], left: float) -> None:
        self.seen.append(scores)

    def preview(self, step: int) -> float | None:
        return self.distances.pop(0) if self.distances else None


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    return tiny.corpus(tmp_path_factory.mktemp("corpora"))


def play(folder: Path, prepared: PreparedCorpus, steps: int, *, resume: bool = False) -> dict[str, np.ndarray]:
    keras.backend.clear_session()  # names as in a process of its own: optimisers order a graph by them
    run = tiny.run(folder, prepared) if not resume else tiny.Run.open(folder).with_budget({"steps": steps})
    run = run.with_budget({"steps": steps})
    game = players.game(run, prepared)
    outcome = players.play(run, prepared, game, Quiet(), resume=resume)
    assert (outcome.step, outcome.reason) == (steps, "steps")
    return checkpoint.load(folder)[0]


def test_a_resumed_run_equals_a_straight_one_bit_for_bit(tmp_path: Path, prepared: PreparedCorpus) -> None:
    straight = play(tmp_path / "straight", prepared, 12)
    play(tmp_path / "halved", prepared, 5)
    resumed = play(tmp_path / "halved", prepared, 12, resume=True)
    assert straight.keys() == resumed.keys()
    different = [name for name in straight if not np.array_equal(straight[name], resumed[name])]
    assert not different, {name: float(np.abs(straight[name] - resumed[name]).max()) for name in different[:3]}
    begun = play(tmp_path / "begun", prepared, 5)
    assert any(not np.array_equal(begun[name], straight[name]) for name in straight), "training changed nothing"


def test_both_players_and_the_average_move(tmp_path: Path, prepared: PreparedCorpus) -> None:
    run = tiny.run(tmp_path / "run", prepared)
    game = players.game(run, prepared)
    before = game.state()
    players.play(run, prepared, game, Quiet(), resume=False)
    after = game.state()
    for player in ("generator", "critic", "average"):
        kernels = [name for name in before if name.startswith(f"{player}/")]
        moved = [name for name in kernels if not np.array_equal(before[name], after[name])]
        assert len(moved) > len(kernels) // 2, player


def test_a_run_refuses_another_corpus(tmp_path: Path, prepared: PreparedCorpus) -> None:
    run = tiny.run(tmp_path / "run", prepared)
    other = tiny.corpus(tmp_path / "corpora", count=30)
    with pytest.raises(LatentoneError, match="another corpus"):
        players.play(run, other, players.game(run, other), Quiet(), resume=False)


def test_a_folder_that_is_taken_is_not_overwritten(tmp_path: Path, prepared: PreparedCorpus) -> None:
    tiny.run(tmp_path / "run", prepared)
    with pytest.raises(LatentoneError, match="--resume"):
        tiny.run(tmp_path / "run", prepared)


class Counting:
    """A game without networks: the loop must not care."""

    def __init__(self, *, bad_step: int | None = None, interrupt_at: int | None = None) -> None:
        self.value, self.bad_step, self.interrupt_at = 0, bad_step, interrupt_at

    def step(self, step: int) -> dict[str, Any]:
        self.value += 1
        if step == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        return {"loss": np.float32("nan" if step == self.bad_step else 1.0)}

    def state(self) -> dict[str, np.ndarray]:
        return {"value": np.array(self.value, "float32")}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.value = int(state["value"])


def test_ctrl_c_saves_and_ends_cleanly(tmp_path: Path) -> None:
    game = Counting(interrupt_at=5)
    outcome = loop.run(game, LoopSpec(steps=100), tmp_path, Quiet())
    assert (outcome.reason, outcome.step) == ("interrupted", 6)
    state, (step, *_) = checkpoint.load(tmp_path)
    assert step == state["value"] == 6
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_not_finite_names_its_step_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    loop.run(Counting(), LoopSpec(steps=3), tmp_path, Quiet())
    with pytest.raises(loop.NotFiniteError, match="step 7: loss not finite"):
        loop.run(Counting(bad_step=7), LoopSpec(steps=100), tmp_path, Quiet(), resume=True)
    assert checkpoint.load(tmp_path)[1][0] == 3


def test_a_weight_that_is_not_finite_is_never_saved(tmp_path: Path) -> None:
    game = Counting()
    game.state = lambda: {"value": np.array(np.inf)}  # type: ignore[method-assign]
    with pytest.raises(loop.NotFiniteError, match="value not finite"):
        loop.run(game, LoopSpec(steps=3), tmp_path, Quiet())
    assert not (tmp_path / checkpoint.NAME).exists()


def test_the_minutes_of_earlier_sittings_count(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, {"value": np.array(9.0)}, step=9, seconds=60.0, best=1.0, stale=0)
    outcome = loop.run(Counting(), LoopSpec(minutes=1.0), tmp_path, Quiet(), resume=True)
    assert (outcome.reason, outcome.step) == ("minutes", 9)


def test_training_stops_when_the_distance_has_not_improved(tmp_path: Path) -> None:
    spec = LoopSpec(steps=1000, preview_seconds=0.0, patience=3)
    outcome = loop.run(Counting(), spec, tmp_path, Quiet([5.0, 4.0, 4.5, 4.0, 6.0, 1.0]))
    assert (outcome.reason, outcome.step) == ("early stop", 5)


class Averaging(Counting):
    """A game whose result is told apart from the rest of its state."""

    def state(self) -> dict[str, np.ndarray]:
        return {"average/000": np.array([float(self.value)]), "critic/000": np.zeros(2)}


def test_the_result_is_that_of_the_smallest_distance_not_the_last(tmp_path: Path) -> None:
    spec = LoopSpec(steps=5, preview_seconds=0.0)
    loop.run(Averaging(), spec, tmp_path, Quiet([5.0, 4.0, 3.0, 4.0, 6.0, 7.0]))
    weights, step = checkpoint.load_result(tmp_path)
    assert (step, float(weights[0][0])) == (3, 3.0)
    assert checkpoint.load(tmp_path)[1][0] == 5
    assert len(weights) == 1, "only what is exported"


def test_without_a_distance_the_result_is_the_last(tmp_path: Path) -> None:
    loop.run(Averaging(), LoopSpec(steps=4), tmp_path, Quiet())
    weights, step = checkpoint.load_result(tmp_path)
    assert (step, float(weights[0][0])) == (4, 4.0)


def test_the_record_of_the_best_outlives_a_resume(tmp_path: Path) -> None:
    spec = LoopSpec(steps=3, preview_seconds=0.0)
    loop.run(Averaging(), spec, tmp_path, Quiet([2.0, 4.0, 4.0, 4.0]))
    game = Averaging()
    game.restore = lambda _: None  # type: ignore[method-assign]
    loop.run(game, spec.replace(steps=6), tmp_path, Quiet([3.0, 3.0, 3.0, 3.0]), resume=True)
    assert checkpoint.load_result(tmp_path)[1] == 1


def test_a_run_keeps_its_seed(tmp_path: Path, prepared: PreparedCorpus) -> None:
    run = tiny.run(tmp_path / "run", prepared)
    with pytest.raises(LatentoneError, match=r"--seed 3.*was begun with seed 0"):
        run.with_budget({"seed": 3})
    assert run.with_budget({"seed": 0, "steps": 9}).spec.loop.steps == 9


def test_a_damaged_checkpoint_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(LatentoneError, match="no checkpoint"):
        checkpoint.load(tmp_path)
    (tmp_path / checkpoint.NAME).write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(LatentoneError, match="damaged"):
        checkpoint.load(tmp_path)
