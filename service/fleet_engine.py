"""A version of a model that a fleet computes: an engine like a loaded one, which trusts no answer."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract, Signature
from service.engine import Arrays
from service.errors import BadAnswer, BrokenModel, Failure, Invalid, NotReady
from service.fleet import Fleet
from service.generated.serving import prediction_service_pb2 as pb
from service.running import blame_large_numbers
from service.serving import DTYPES
from service.serving_tensors import fill_bytes, read_tensor

LOAD_S = 10.0  # for the fleet to describe a model
LARGEST_FILL = 2**26  # bytes that one value, meant for all, may grow to


class FleetEngine:
    """One version of a model, in the fleet."""

    def __init__(self, fleet: Fleet, contract: Contract) -> None:
        """Ask the fleet for the model's signatures, and hold them to the contract.

        Raises: NotReady where the fleet does not serve it now, BrokenModel where it serves something else.
        """
        self.contract = contract
        self._fleet = fleet
        try:
            known = fleet.signatures(contract.name, contract.version, time.monotonic() + LOAD_S).signature_def
        except Failure as error:
            raise NotReady(error.detail, retry_after_s=1) from None
        for name, signature in contract.signatures.items():
            if name not in known:
                raise BrokenModel(f"the fleet's model lacks the signature {name}")
            if not _agree(signature, known[name]):
                raise BrokenModel(f"the signature {name} of the fleet's model is not the one in the contract")

    @property
    def name(self) -> str:
        """Name of the model, as metrics label it."""
        return self.contract.name

    def run(self, signature: str, inputs: Arrays, deadline: float = math.inf) -> NDArray[np.float32]:
        """Have one batch computed.

        inputs: arrays by name, as the contract has them. deadline: on time.monotonic. Returns: the signature's only
        result. Raises: Failure; BadAnswer where what comes back is not what the contract promises.
        """
        try:
            return self._answer(signature, inputs, deadline)
        except (BadAnswer, Invalid):
            blame_large_numbers(inputs)
            raise

    def _answer(self, signature: str, inputs: Arrays, deadline: float) -> NDArray[np.float32]:
        request = pb.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = self.contract.name, signature
        request.model_spec.version.value = self.contract.version
        ((output, spec),) = self.contract.signatures[signature].outputs.items()
        request.output_filter.append(output)
        for name, values in inputs.items():
            fill_bytes(request.inputs[name], values)
        answer = self._fleet.predict(request, deadline)
        if set(answer.outputs) != {output}:
            raise BadAnswer(f"{signature}: the fleet's answer lacks {output}, or has more in it")
        try:
            result = read_tensor(output, spec, answer.outputs[output], LARGEST_FILL)
        except Invalid as error:
            raise BadAnswer(
                f"{signature}: the fleet's answer is not what the contract promises: {error.detail}"
            ) from None
        wanted = _shape(self.contract, output, inputs)
        if result.shape[: len(wanted)] != wanted:
            told = f"{output} {list(result.shape)} in place of {list(wanted)}"
            raise BadAnswer(f"{signature}: the fleet's answer is of another size: {told}")
        if not np.isfinite(result).all():
            raise BadAnswer(f"{signature}: there is NaN or infinity in the fleet's answer")
        return result


def _agree(signature: Signature, known: pb.SignatureDef) -> bool:
    """Whether two descriptions of a signature have the same inputs, and outputs of the same names and types."""
    inputs = {
        name: (DTYPES[spec.dtype], [-1 if length is None else length for length in spec.shape])
        for name, spec in signature.inputs.items()
    }
    given = {name: (_dtype(info), [axis.size for axis in info.tensor_shape.dim]) for name, info in known.inputs.items()}
    outputs = {name: DTYPES[spec.dtype] for name, spec in signature.outputs.items()}
    return inputs == given and outputs == {name: _dtype(info) for name, info in known.outputs.items()}


def _dtype(info: pb.TensorInfo) -> str:
    return pb.DataType.Name(info.dtype) if info.dtype in pb.DataType.values() else ""


def _shape(contract: Contract, output: str, inputs: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
    """Return how an answer's shape must begin: as many items as came in and, where they decide it, the length."""
    items = len(next(iter(inputs.values())))
    if contract.features is not None and output == "waveform" and "features" in inputs:
        return items, contract.samples(inputs["features"].shape[1])
    if contract.features is not None and output == "features" and "waveform" in inputs:
        return items, -(-inputs["waveform"].shape[1] // contract.features.hop_samples)
    return (items,)
