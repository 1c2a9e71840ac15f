"""TensorFlow Serving's notions in its own JSON, which REST and gRPC share: models, versions, status, metadata."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service.contract import Contract, TensorSpec
from service.entry import Entry
from service.errors import Invalid, NotFound, NotReady
from service.operations import Operations
from service.prediction import DEFAULT_SIGNATURE, signatures
from service.requests import ModelRequest, parse_request

Fields = dict[str, Any]
METADATA = "signature_def"  # the only metadata there is
STATES = {"available": "START", "loading": "LOADING", "ready": "AVAILABLE", "failed": "END"}
DTYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32"}
VERSIONS = range(1, 2**31)
NO_EXAMPLES = "the models take tensors, not tf.Examples, and have signatures for predict only"


@dataclass(frozen=True)
class ModelSpec:
    """Which model a request means. version: None for the newest that is usable."""

    name: str
    version: int | None = None
    label: str = ""

    def request(self) -> ModelRequest:
        """Return it as operations take it.

        Raises: Invalid for no name, NotFound for what can't be there.
        """
        if not self.name:
            raise Invalid("ModelSpec has no name specified.", field="model")
        if self.version is not None and self.version not in VERSIONS:
            raise NotFound(f"model {self.name!r} has no version {self.version}", field="version")
        fields = {"model": self.name, "version": self.version or 0, "version_label": self.label}
        return parse_request(ModelRequest, fields)


def read_version(text: str | None) -> int | None:
    """Return the version that a path names; None where it names none.

    Raises: NotFound for what is no number.
    """
    if text is None or (text.isascii() and text.isdigit() and len(text) < 20):
        return None if text is None else int(text)
    raise NotFound(f"there is no version {text!r}; versions are numbers", field="version")


@contextmanager
def in_its_words(spec: ModelSpec) -> Iterator[None]:
    """Put TensorFlow Serving's words for a model that is not there in front of ours."""
    try:
        yield
    except NotFound as error:
        if spec.label and error.field == "version_label":
            words = f"Unrecognized servable version label: {spec.label}; {error.detail}"
            raise NotFound(words, field=error.field) from None
        meant = f"Latest({spec.name})" if spec.version is None else f"Specific({spec.name}, {spec.version})"
        raise NotFound(f"Servable not found for request: {meant}; {error.detail}", field=error.field) from None


def statuses(operations: Operations, spec: ModelSpec) -> Fields:
    """Return a GetModelStatusResponse: the state of one version or, where none is named, of all, newest first.

    A version that is loaded when it is first asked for has the state START until then.
    Raises: NotFound, Invalid.
    """
    request = spec.request()
    with in_its_words(spec):
        entry = operations.library.find(request.model, request.version, request.version_label)
    entries = [entry] if request.version or request.version_label else operations.library.versions(entry.name)
    return {"model_version_status": [_status(one) for one in entries]}


def _status(entry: Entry) -> Fields:
    failed = entry.state == "failed"
    status = {"error_code": "UNAVAILABLE" if failed else "OK", "error_message": entry.reason}
    return {"version": str(entry.version), "state": STATES[entry.state], "status": status}


def metadata(operations: Operations, spec: ModelSpec) -> tuple[Entry, Fields]:
    """Return a model and its SignatureDefMap, as its contract describes it.

    Raises: NotFound, Invalid, NotReady where the version has no contract that can be read.
    """
    request = spec.request()
    with in_its_words(spec):
        entry = operations.library.find(request.model, request.version, request.version_label)
    if entry.contract is None:
        raise NotReady(f"{entry.title} can't be served: {entry.reason}", field="version")
    return entry, {"signature_def": _definitions(entry.contract)}


def _definitions(contract: Contract) -> Fields:
    known = signatures(contract)
    default = {DEFAULT_SIGNATURE: next(iter(known.values()))}
    return {
        name: {
            "inputs": {key: _tensor(f"{name}_{key}:0", spec) for key, spec in signature.inputs.items()},
            "outputs": {key: _tensor(f"{name}_{key}:0", spec) for key, spec in signature.outputs.items()},
            "method_name": "tensorflow/serving/predict",
        }
        for name, signature in (known | default).items()
    }


def _tensor(name: str, spec: TensorSpec) -> Fields:
    axes = [{"size": str(-1 if length is None else length), "name": ""} for length in spec.shape]
    return {
        "dtype": DTYPES[spec.dtype],
        "tensor_shape": {"dim": axes, "unknown_rank": False},
        "name": name,
    }
