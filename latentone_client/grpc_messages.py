"""Requests to the contract's messages, and messages to the fields of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from latentone_client import errors
from latentone_client.generated.latentone.v1 import synthesizer_pb2 as pb
from latentone_client.transport import Request


def method_of(request: Request[object]) -> str:
    """Return the name of its method."""
    return request.operation.title().replace("_", "")


def message_of(request: Request[object]) -> Message:
    """Return it as a message.

    Raises: Invalid.
    """
    kind = getattr(pb, f"{method_of(request)}Request")
    try:
        return kind(**{name: outgoing(value) for name, value in request.fields.items()})  # type: ignore[no-any-return]  # protobuf is untyped
    except (ValueError, TypeError) as error:
        raise errors.Invalid(f"{request.operation}: {error}") from None


def outgoing(value: object) -> object:
    """Return a field as a message holds it."""
    if isinstance(value, np.ndarray):
        return pb.Tensor(shape=value.shape, data=np.ascontiguousarray(value, "<f4").tobytes())
    return value


def fields_of(message: Message) -> dict[str, Any]:
    """Return the fields as JSON would have them; those that say nothing with their defaults."""
    return {
        field.name: _incoming(getattr(message, field.name), repeated=field.is_repeated)
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _incoming(value: Any, *, repeated: bool) -> Any:
    if repeated:
        return [fields_of(entry) if isinstance(entry, Message) else entry for entry in value]
    if isinstance(value, pb.Tensor):
        return np.frombuffer(value.data, "<f4").reshape(tuple(value.shape)).astype(np.float32)
    if isinstance(value, Struct):
        return {name: _plain(entry) for name, entry in value.items()}
    return fields_of(value) if isinstance(value, Message) else value


def _plain(value: Any) -> Any:
    """Return what a Struct holds as JSON has it; its numbers are all float."""
    if isinstance(value, Struct | Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value if isinstance(value, str | bool | None) else [_plain(entry) for entry in value]
