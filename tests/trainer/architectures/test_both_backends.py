"""One forward pass and its gradients, those of a gradient penalty too, alike on TensorFlow and on JAX."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[3]

PLAY = """
import json
import numpy as np
from keras import ops
from trainer.architectures import report, specgan, wavegan
from trainer.autodiff import CompiledStep, value_and_gradients
from trainer.objectives import gradient_penalty
from trainer.specs.architectures import ReportSpec, SpecganSpec, WaveganSpec

small = dict(latent_size=4, width=2)
cases = {
    "wavegan": (wavegan, WaveganSpec(**small, pixel_norm=True, post_filter_taps=8), (256, 2), 3),
    "specgan": (specgan, SpecganSpec(**small, batch_norm=True), (16, 8), 3),
    "report": (
        report,
        ReportSpec(latent_size=4, start_width=4, generator_widths=(4, 3, 3, 2), critic_widths=(2, 2, 3, 3)),
        (16, 16),
        0,
    ),
}
found = {}
for name, (architecture, spec, shape, labels) in cases.items():
    rng = np.random.default_rng(5)
    generator, critic = architecture.Generator(spec, shape, labels), architecture.Critic(spec, shape, labels)
    for network in (generator, critic):
        network.set_weights([0.2 * np.abs(rng.standard_normal(w.shape)).astype("float32") if "variance" in w.path
                             else 0.2 * rng.standard_normal(w.shape).astype("float32") for w in network.weights])
    label = np.array([2, 0, 1], "int32") if labels else None
    networks = [generator, critic]
    weights = [weight for network in networks for weight in network.trainable_variables]
    resting = [weight for network in networks for weight in network.non_trainable_variables]

    def step(inputs):
        def loss():
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
    found[name] = [float(np.asarray(scores[key])) for key in sorted(scores)] + moved
print("FOUND" + json.dumps(found))
"""


def played(backend: str) -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, "-c", PLAY],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(ROOT),
            "CUDA_VISIBLE_DEVICES": "-1",
            "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiles in half the time
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))
    found: dict[str, list[float]] = json.loads(line.removeprefix("FOUND"))
    return found


def test_a_step_is_the_same_on_both_backends() -> None:
    tensorflow, jax = played("tensorflow"), played("jax")
    assert len(tensorflow) == 3
    for name, values in tensorflow.items():
        assert np.isfinite(values).all(), name
        np.testing.assert_allclose(values, jax[name], rtol=2e-3, atol=1e-5, err_msg=name)
        assert sum(value != 0.0 for value in values) > 0.8 * len(values), name
