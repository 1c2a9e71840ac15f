"""What scores warn of, in words that say what to try."""

from __future__ import annotations

from collections.abc import Mapping

NEAR_COPIES = 0.6  # of the distance at which unheard clips lie
COPIES = 0.65  # votes for training clips where 0.5 is fair
COLLAPSED = 0.6  # of the diversity of real clips
FAR = 4.0  # times the floor
SURE = 0.9  # class accuracy


def warnings(values: Mapping[str, float], floors: Mapping[str, float] | None = None) -> list[str]:
    """Sentences for scores by their names; what is missing warns of nothing.

    floors: what held-out clips reach, by the same names.
    """
    floors = floors or {}
    found = []
    if values.get("copying", 0.5) > COPIES and values.get("nearest_training_clip", 1.0) < NEAR_COPIES:
        found.append(
            f"Samples copy training clips: they lie at {values['nearest_training_clip']:.2f} of the distance at which "
            "clips lie that were never heard. Try more recordings, a higher augment.probability, or fewer minutes."
        )
    diversity = values.get("class_diversity", 1.0)
    if diversity < COLLAPSED:
        found.append(
            f"Samples of a class are too alike ({diversity:.2f} of the diversity of real clips): the generator is "
            "collapsing. Try a lower game.generator_learning_rate, a higher game.r1_weight, or an earlier checkpoint."
        )
    if values.get("deviation_ratio", 1.0) < COLLAPSED:
        found.append(
            f"Batches vary {values['deviation_ratio']:.2f} as much as real ones: the generator makes nearly one sound. "
            "Try a lower game.generator_learning_rate or a larger loop.batch."
        )
    distance, floor = values.get("frechet_distance"), floors.get("frechet_distance")
    if distance is not None and floor and distance > FAR * floor and values.get("class_accuracy", 0.0) > SURE:
        found.append(
            f"Classes are recognised, yet the Frechet distance is {distance / floor:.1f} times its floor: look at the "
            "pictures, blur and checkerboards pass a classifier. Training longer is what usually helps."
        )
    return found
