"""Gradients and compiled steps, written once for the TensorFlow and the JAX backend of Keras.

On TensorFlow variables live in the runtime and a step may simply assign them. JAX wants pure functions, so a step is
traced in a Keras StatelessScope that turns assignments into results. Two private names are used (get_stateless_scope,
Variable._value); Keras is pinned for that, and a test holds both backends to the same losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.errors import LatentoneError
from trainer.machine import cpu_model

Tensor = Any
Variable = Any
BACKEND: str = keras.backend.backend()

if BACKEND == "jax":
    import jax
    from keras.src.backend.common.stateless_scope import get_stateless_scope
elif BACKEND == "tensorflow":
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()  # a resumed run must equal a straight one, bit for bit
else:
    raise LatentoneError(f"KERAS_BACKEND={BACKEND} is not supported; use tensorflow or jax")


def value_and_gradients(
    loss: Callable[[], tuple[Tensor, Any]], variables: Sequence[Variable], state: Sequence[Variable] = ()
) -> tuple[tuple[Tensor, Any], list[Tensor]]:
    """Run loss() -> (scalar, extra) and return it with d scalar / d variables; unused variables get zeros.

    state: what the loss assigns beside, such as the moving averages of batch normalisation.
    """
    if BACKEND == "tensorflow":
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for variable in variables:
                tape.watch(variable.value)
            value, extra = loss()
        values = [variable.value for variable in variables]
        gradients = tape.gradient(value, values, unconnected_gradients="zero")
        # Embeddings give slices with repeated rows, whose squares would not be those of the gradient.
        return (value, extra), [tf.convert_to_tensor(gradient) for gradient in gradients]

    outer = get_stateless_scope().state_mapping  # of the compiled step that this runs in

    def pure(values: list[Tensor]) -> tuple[Tensor, Any]:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            for key, value in outer.items():
                scope.state_mapping.setdefault(key, value)
            value, extra = loss()
            return value, (extra, [scope.get_current_value(variable) for variable in state])

    differentiate = jax.value_and_grad(pure, has_aux=True)
    (value, (extra, assigned)), gradients = differentiate([variable.value for variable in variables])
    for variable, new in zip(state, assigned, strict=True):
        variable.assign(new)
    return (value, extra), gradients


def input_gradient(function: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Return d sum(function(inputs)) / d inputs, itself differentiable: what R1, R2 and the gradient penalty need."""
    if BACKEND == "tensorflow":
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            total = ops.sum(function(inputs))
        return tape.gradient(total, inputs)
    return jax.grad(lambda values: ops.sum(function(values)))(inputs)


class CompiledStep:
    """A function of arrays that reads and assigns `state` variables, compiled once for each shape."""

    def __init__(self, function: Callable[..., dict[str, Tensor]], state: Iterable[Variable]) -> None:
        self._state = list(state)
        if BACKEND == "tensorflow":
            self._compiled = tf.function(function, autograph=False)
            return

        def pure(values: list[Tensor], *inputs: Tensor) -> tuple[dict[str, Tensor], list[Tensor]]:
            with keras.StatelessScope(state_mapping=list(zip(self._state, values, strict=True))) as scope:
                result = function(*inputs)
            return result, [scope.get_current_value(variable) for variable in self._state]

        self._compiled = jax.jit(pure, donate_argnums=(0,))

    def __call__(self, inputs: Any) -> dict[str, Tensor]:
        """Run one step on a pytree of arrays and return its scores, still on the device."""
        if BACKEND == "tensorflow":
            return self._compiled(tf.nest.map_structure(tf.convert_to_tensor, inputs))  # type: ignore[no-any-return]
        result, values = self._compiled([variable.value for variable in self._state], inputs)
        for variable, value in zip(self._state, values, strict=True):
            variable._value = value
        return result  # type: ignore[no-any-return]


def compiled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Compile a function that assigns nothing (sampling, representations) for batches of any size."""
    return tf.function(function, reduce_retracing=True) if BACKEND == "tensorflow" else jax.jit(function)  # type: ignore[no-any-return]


def devices() -> tuple[str, bool]:
    """Name of the device that training runs on, and whether it is a GPU."""
    if BACKEND == "tensorflow":
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name)), True
        return f"CPU ({cpu_model()})", False
    device = jax.devices()[0]
    is_gpu = device.platform == "gpu"
    return str(device.device_kind) if is_gpu else f"CPU ({cpu_model()})", is_gpu


def to_floats(scores: dict[str, Tensor]) -> dict[str, float]:
    """Fetch scores from the device."""
    return {name: float(np.asarray(value)) for name, value in scores.items()}
