"""What every measure of the registry keeps."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.errors import LatentoneError
from trainer.evaluation.bootstrap import interval
from trainer.evaluation.clips import Clips, Real
from trainer.evaluation.measure import Measure, Unmeasurable
from trainer.evaluation.measures import MEASURES, find

ROOT = Path(__file__).parents[3]
NUMPY_ALONE = """
import sys
import trainer.evaluation.bootstrap, trainer.evaluation.measures
heavy = {"keras", "tensorflow", "jax", "scipy", "sklearn", "librosa", "matplotlib"} & set(sys.modules)
sys.exit(f"loads {heavy}" if heavy else 0)
"""


def clips(seed: int, count: int) -> Clips:
    """Clips of three classes with every number filled in."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count).astype("int32")
    return Clips(
        labels=labels,
        embeddings=(rng.normal(size=(count, 6)) + labels[:, None]).astype("float32"),
        probabilities=rng.dirichlet([0.3, 0.3, 0.3], count).astype("float32"),
        thumbnails=rng.uniform(-1.0, 1.0, (count, 4, 5)).astype("float32"),
        levels_dbfs=rng.normal(-20.0, 3.0, count).astype("float32"),
        peaks=rng.uniform(0.0, 1.0, count).astype("float32"),
        silences=rng.uniform(0.0, 1.0, count).astype("float32"),
        pitches=np.full(count, np.nan, "float32"),
    )


@cache
def world() -> tuple[Clips, Real]:
    return clips(0, 80), Real(clips(1, 240), clips(2, 60))


every = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)


@every
@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_items_changes_nothing(measure: Measure, random: object) -> None:
    candidate, real = world()
    order = list(range(len(candidate)))
    random.shuffle(order)  # type: ignore[attr-defined]
    statistic = measure.look(candidate, real)
    assert statistic(np.array(order)) == pytest.approx(statistic(np.arange(len(candidate))), rel=1e-6, abs=1e-9)


@every
def test_an_interval_contains_the_value_and_comes_out_the_same_again(measure: Measure) -> None:
    candidate, real = world()
    found = []
    for fresh in (candidate, candidate.take(np.arange(len(candidate)))):  # the second is in no cache
        statistic = measure.look(fresh, real)
        low, high = interval(statistic, len(fresh), seed=1, repeats=30)
        assert low < statistic(np.arange(len(fresh))) < high
        found.append((low, high))
    assert found[0] == found[1]


@every
def test_held_out_clips_give_a_finite_floor(measure: Measure) -> None:
    _, real = world()
    assert np.isfinite(measure.look(real.held_out, real)(np.arange(len(real.held_out))))


@every
def test_no_clips_are_refused_with_a_reason(measure: Measure) -> None:
    candidate, real = world()
    with pytest.raises(Unmeasurable, match=r"\w+ \w+"):
        measure.look(candidate.take(np.arange(0)), real)


@every
def test_a_measure_leaves_the_clips_as_they_were(measure: Measure) -> None:
    candidate, real = clips(0, 80), Real(clips(1, 240), clips(2, 60))
    interval(measure.look(candidate, real), 80, seed=0, repeats=3)
    for used, untouched in ((candidate, clips(0, 80)), (real.train, clips(1, 240)), (real.held_out, clips(2, 60))):
        for name, values in vars(untouched).items():
            np.testing.assert_array_equal(getattr(used, name), values)


def test_names_are_unique_and_found() -> None:
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert all(find(measure.name) is measure for measure in MEASURES)


def test_an_unknown_measure_is_answered_with_the_nearest() -> None:
    with pytest.raises(LatentoneError, match="did you mean 'recall'"):
        find("recal")


def test_measures_need_numpy_alone() -> None:
    done = subprocess.run([sys.executable, "-c", NUMPY_ALONE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
