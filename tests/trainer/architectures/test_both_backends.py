"""One forward pass and its gradients, those of a gradient penalty too, alike on TensorFlow and on JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from tests.trainer.backends import on_both
from tests.trainer.plays import fill
from trainer.architectures import report, specgan, wavegan
from trainer.autodiff import CompiledStep, value_and_gradients
from trainer.objectives import gradient_penalty
from trainer.specs.architectures import ReportSpec, SpecganSpec, WaveganSpec

SMALL = {"latent_size": 4, "width": 2}
REPORT = ReportSpec(latent_size=4, start_width=4, generator_widths=(4, 3, 3, 2), critic_widths=(2, 2, 3, 3))
CASES: dict[str, tuple[Any, Any, tuple[int, int], int]] = {  # module, sizes, shape, labels
    "wavegan": (wavegan, WaveganSpec(**SMALL, pixel_norm=True, post_filter_taps=8), (256, 2), 3),
    "specgan": (specgan, SpecganSpec(**SMALL, batch_norm=True), (16, 8), 3),
    "report": (report, REPORT, (16, 16), 0),
}


def played() -> dict[str, list[float]]:
    """Return a loss, the size of each weight's gradient and what no gradient moves, by network."""
    return {name: _scores(*case) for name, case in CASES.items()}


def _scores(architecture: Any, spec: Any, shape: tuple[int, int], labels: int) -> list[float]:
    rng = np.random.default_rng(5)
    generator, critic = architecture.Generator(spec, shape, labels), architecture.Critic(spec, shape, labels)
    fill((generator, critic), rng, 0.2)
    label = np.array([2, 0, 1], "int32") if labels else None
    weights = [*generator.trainable_variables, *critic.trainable_variables]
    resting = [*generator.non_trainable_variables, *critic.non_trainable_variables]

    def step(inputs: dict[str, Any]) -> dict[str, Any]:
        def loss() -> tuple[Any, None]:
            made = generator(inputs["latent"], label, training=True)
            logit, classes = critic(made, label, inputs["noise"], training=True)
            penalty = gradient_penalty(
                lambda x: critic(x, label, inputs["noise"])[0], inputs["real"], made, inputs["mix"]
            )
            total = ops.mean(logit) + penalty
            return (total if classes is None else total + ops.mean(ops.square(classes))), None

        (total, _), gradients = value_and_gradients(loss, weights, resting)
        norms = [ops.sum(ops.square(gradient)) for gradient in gradients]
        return {"loss": total} | {f"norm_{index:02d}": norm for index, norm in enumerate(norms)}

    inputs = {
        "latent": rng.standard_normal((3, 4)).astype("float32"),
        "real": rng.standard_normal((3, *shape)).astype("float32"),
        "mix": rng.random(3, dtype="float32"),
        "noise": critic.draw(3, rng),
    }
    scores = CompiledStep(step, [*weights, *resting])(inputs)
    moved = [float(np.sum(np.asarray(variable))) for variable in resting]
    return [float(np.asarray(scores[key])) for key in sorted(scores)] + moved


def test_a_step_is_the_same_on_both_backends() -> None:
    found = on_both(played)
    tensorflow, jax = found["tensorflow"], found["jax"]
    assert len(tensorflow) == 3
    for name, values in tensorflow.items():
        assert np.isfinite(values).all(), name
        np.testing.assert_allclose(values, jax[name], rtol=2e-3, atol=1e-5, err_msg=name)
        assert sum(value != 0.0 for value in values) > 0.8 * len(values), name
