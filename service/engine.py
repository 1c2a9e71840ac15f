"""A SavedModel as a function on NumPy arrays. TensorFlow is imported here, when first needed, and nowhere else."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract, Signature, TensorSpec
from service.errors import BrokenModel
from service.hush import hushed

Arrays = Mapping[str, NDArray[Any]]


@functools.cache
def tensorflow(threads: int, op_threads: int) -> Any:
    """Import TensorFlow. It takes seconds; call it off the event loop.

    threads: how many share the items of batches. op_threads: how many share one item's arithmetic, which is small:
    with more than one most of the time goes into waking them up. 0: one a core.
    """
    # Without this TensorFlow imports Keras, which a SavedModel does not need: four seconds saved.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with hushed():
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(op_threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.constant(0)  # starts the runtime: the rest of what it has to say
    return tf


class Engine(Protocol):
    """What computes the signatures of one version of a model: loaded here, or called elsewhere."""

    @property
    def name(self) -> str:
        """Name of the model, as metrics label it."""

    @property
    def contract(self) -> Contract:
        """What it promises."""

    def run(self, signature: str, inputs: Arrays, deadline: float, /) -> NDArray[np.float32]:
        """Compute one batch, as `SavedModel` does. deadline: on time.monotonic; nobody waits for longer."""


class SavedModel:
    """One version of a model, loaded."""

    contract: Contract

    def __init__(self, folder: Path, contract: Contract, *, threads: int, op_threads: int) -> None:
        """Load the SavedModel in `folder`; slow. The first one loaded decides the threads of all.

        Raises: BrokenModel where TensorFlow refuses it or its signatures are not those of the contract.
        """
        self.contract = contract
        self._tf = tensorflow(threads, op_threads)
        try:
            self._loaded = self._tf.saved_model.load(str(folder))  # kept: the variables live as long as it does
        except Exception as error:  # TensorFlow raises whatever its layers raise
            raise BrokenModel(f"TensorFlow can't load it: {type(error).__name__}") from error
        self._functions = {name: self._function(name, spec) for name, spec in contract.signatures.items()}

    @property
    def name(self) -> str:
        """Name of the model, as metrics label it."""
        return self.contract.name

    def run(self, signature: str, inputs: Arrays, _deadline: float = math.inf) -> NDArray[np.float32]:
        """Compute one batch.

        inputs: arrays by name, as the contract has them. What has begun is not stopped by a deadline. Returns: the
        signature's only result.
        """
        result = self._functions[signature](**{name: self._tf.constant(value) for name, value in inputs.items()})
        output: NDArray[np.float32] = next(iter(result.values())).numpy()
        return output

    def _function(self, name: str, spec: Signature) -> Any:
        function = self._loaded.signatures.get(name)
        if function is None:
            raise BrokenModel(f"the SavedModel lacks the signature {name}")
        given = {key: _spec(tensor) for key, tensor in function.structured_input_signature[1].items()}
        made = {key: _spec(tensor) for key, tensor in function.structured_outputs.items()}
        if given != spec.inputs or made.keys() != spec.outputs.keys():
            raise BrokenModel(f"the signature {name} of the SavedModel is not the one in the contract")
        return function


def _spec(tensor: Any) -> TensorSpec:
    return TensorSpec.model_construct(dtype=tensor.dtype.name, shape=tuple(tensor.shape))
