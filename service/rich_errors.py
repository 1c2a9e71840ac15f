"""Failures as the details of a gRPC status, google.rpc.Status: for programs, what problems are over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from service.errors import Failure

TRAILER = "grpc-status-details-bin"
DOMAIN = "latentone"
MOST_LETTERS = 100  # of a field's name, which may be the client's own


def details(error: Failure, code: grpc.StatusCode, text: str) -> bytes:
    """Return the trailer's value. text: the status' own, which clients compare with the one in here."""
    number: Any = code.value
    return bytes(Status(code=number[0], message=text, details=map(_packed, _parts(error, text))).SerializeToString())


def _parts(error: Failure, text: str) -> Iterator[Message]:
    yield ErrorInfo(reason=error.kind.upper(), domain=DOMAIN)
    if error.field:
        violation = BadRequest.FieldViolation(field=error.field[:MOST_LETTERS], description=text)
        yield BadRequest(field_violations=[violation])
    if error.retry_after_s is not None:
        wait = RetryInfo()
        wait.retry_delay.FromSeconds(error.retry_after_s)
        yield wait


def _packed(message: Message) -> Packed:
    packed = Packed()
    packed.Pack(message)
    return packed
