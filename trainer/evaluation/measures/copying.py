"""Whether samples are copies of training clips, heard in the log-mel picture and not in a trained embedding."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable
from trainer.evaluation.measures.distances import distance_blocks

Distances = NDArray[np.float64]


def nearest(candidate: np.ndarray, reference: np.ndarray, *, others: bool = False) -> tuple[Distances, Indices]:
    """For each item of [N, ...] the nearest item of the reference [M, ...], Euclidean.

    others: the two are the same set, and an item is not its own neighbour (M at least 2).
    Returns: distances [N] and indices [N] into the reference. A copy has distance 0 exactly.
    """
    items = candidate.reshape(len(candidate), -1)
    known = reference.reshape(len(reference), -1)
    distances = np.empty(len(items))
    indices = np.empty(len(items), np.int64)
    for rows, squared in distance_blocks(items, known):
        if others:
            squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = np.inf
        indices[rows] = squared.argmin(axis=1)
        # Anew from the difference: a squared distance out of a product of matrices is rounded.
        distances[rows] = np.linalg.norm(items[rows].astype("float64") - known[indices[rows]], axis=1)
    return distances, indices


def copying(candidate: Clips, real: Real) -> Statistic:
    """Whether samples keep to training clips: 0.5 no more than to held-out clips, 1 all of them copies.

    Each sample votes for the set that holds its nearest clip. Votes are weighed by the size of the other set, as if
    both were of one size: with M training and H held-out clips a generator that copies nothing wins M / (M + H) of
    the votes for training wherever the split is random, which is 0.5 once weighed. A tie votes as that generator.
    Held-out clips themselves (the very object `real.held_out`) are compared with the others.
    Equal sizes by subsampling would hide copies: all but one part of the training set lack the clip that was copied.
    """
    themselves = candidate is real.held_out
    heard_count, unheard_count = len(real.train), len(real.held_out) - int(themselves)
    if min(len(candidate), heard_count, unheard_count) < 1:
        raise Unmeasurable("copying needs clips that are held out")
    unheard, _ = nearest(candidate.thumbnails, real.held_out.thumbnails, others=themselves)
    heard = _to_training(candidate, real.train)
    votes = np.where(heard == unheard, heard_count / (heard_count + unheard_count), heard < unheard)

    def statistic(indices: Indices) -> float:
        share = float(votes[indices].mean())
        return share * unheard_count / (share * unheard_count + (1.0 - share) * heard_count)

    return statistic


def nearest_training_clip(candidate: Clips, real: Real) -> Statistic:
    """Median distance of a sample to its nearest training clip, over that of a held-out clip.

    1: as far as real clips that were never heard; far below 1: copies, or nothing but the most common sound.
    Source of the idea, to judge copies by held-out clips' distances: Meehan, Chaudhuri and Dasgupta 2020.
    """
    if not (len(candidate) and len(real.train) and len(real.held_out)):
        raise Unmeasurable("the nearest training clip needs clips that are held out")
    usual = float(np.median(_to_training(real.held_out, real.train)))
    if usual == 0.0:
        raise Unmeasurable("half of the held-out clips look exactly like a training clip")
    distances = _to_training(candidate, real.train)
    return lambda indices: float(np.median(distances[indices])) / usual


@lru_cache(maxsize=2)  # of samples and of held-out clips; both measures ask for both
def _to_training(clips: Clips, train: Clips) -> Distances:
    return nearest(clips.thumbnails, train.thumbnails)[0]


COPYING = Measure(name="copying", title="Copying", better="floor", look=copying)
NEAREST_TRAINING_CLIP = Measure(
    name="nearest_training_clip",
    title="Distance to the nearest training clip",
    better="floor",
    look=nearest_training_clip,
)
