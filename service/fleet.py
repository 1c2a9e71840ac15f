"""Calls to a fleet that speaks TensorFlow Serving's protocol: where to, how often, until when, and what failures mean.

Of each address one channel spreads its calls over all that the name resolves to, and looks after their health; calls
go round the channels that are up. Words of the fleet go to the log and never further. Called from threads.
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from grpc import ChannelConnectivity, StatusCode

from service import errors
from service.fleet_address import FleetAddress
from service.generated.serving import prediction_service_pb2 as pb

logger = logging.getLogger("bentoml.latentone")

LARGEST_ANSWER = 2**30  # bytes: a bound for what a broken fleet can make a worker read
ATTEMPTS = 3  # of a call that nobody received
PAUSE_S = 0.1  # before the second one, and twice as long before each further one
RETRY_AFTER_S = 1
SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # A server that is up but says NOT_SERVING, as while it loads or drains, gets no calls; one without grpc.health.v1
    # counts as healthy.
    "healthCheckConfig": {"serviceName": ""},
}
OPTIONS = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.max_receive_message_length", LARGEST_ANSWER),
    # Servers close connections that ping more often than every five minutes, but sent data that nobody acknowledges
    # for `timeout` ends one too.
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Else a server that has come back is not noticed for a second or more, and later for minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
)
NOT_SENT = ("failed to connect", "dns resolution failed", "name resolution", "connections to all backends failing")
TOO_LARGE = ("sent message larger than max", "received message larger than max")

A = TypeVar("A", bound=Message)
Watch = Callable[[str], None]


class Fleet:
    """Channels to every address."""

    def __init__(self, address: FleetAddress, watch: Watch = lambda _: None) -> None:
        """Begin to connect. watch: is told the code of each call that failed."""
        self._watch = watch
        self._up: dict[int, bool] = {}
        self._turns = itertools.count()
        self._lock = threading.Lock()
        self._channels = [_channel(target, secure=address.secure) for target in address.targets]
        for place, channel in enumerate(self._channels):
            channel.subscribe(partial(self._changed, place, address.targets[place]), try_to_connect=True)

    @property
    def reachable(self) -> bool:
        """Whether any server is connected and says that it is healthy."""
        return any(self._up.values())

    def predict(self, request: pb.PredictRequest, deadline: float) -> pb.PredictResponse:
        """Compute a batch. deadline: on time.monotonic. Raises: Failure."""
        return self._call("PredictionService/Predict", request, pb.PredictResponse, deadline)

    def signatures(self, name: str, version: int, deadline: float) -> pb.SignatureDefMap:
        """Return the signatures of a version of a model. Raises: Failure."""
        request = pb.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name, request.model_spec.version.value = name, version
        answer = self._call("PredictionService/GetModelMetadata", request, pb.GetModelMetadataResponse, deadline)
        try:
            return pb.SignatureDefMap.FromString(answer.metadata["signature_def"].value)
        except DecodeError:
            raise errors.BadAnswer("the fleet describes its signatures in a form that can't be read") from None

    def close(self) -> None:
        """Close the channels; calls that run fail."""
        for channel in self._channels:
            channel.close()

    def _call(self, method: str, request: Message, kind: type[A], deadline: float) -> A:
        """Call a method; once more only where no server has received it, and only while there is time."""
        for attempt in range(ATTEMPTS):
            left = deadline - time.monotonic()
            if left <= 0:
                raise errors.DeadlineExceeded("the time allowed for the request is over")
            try:
                return self._once(method, request, kind, left)
            except grpc.RpcError as error:
                pause = PAUSE_S * 2**attempt
                if not _not_sent(error) or attempt + 1 == ATTEMPTS or time.monotonic() + pause >= deadline:
                    raise self._failure(method, error) from None
            time.sleep(pause)
        raise AssertionError("the last attempt has returned or raised")

    def _once(self, method: str, request: Message, kind: type[A], seconds: float) -> A:
        channel = self._channels[self._next()]
        ask = channel.unary_unary(
            f"/tensorflow.serving.{method}", lambda message: message.SerializeToString(), lambda data: data
        )
        data: bytes = ask(request, timeout=seconds)
        try:
            return kind.FromString(data)
        except DecodeError:
            logger.error("the fleet answered %s with bytes that are no %s", method, kind.DESCRIPTOR.name)
            self._watch("DECODE")
            raise errors.BadAnswer("the fleet answered bytes that are no message") from None

    def _next(self) -> int:
        """Return the place of the channel whose turn it is; of those that are up, where any is."""
        up = [place for place, is_up in sorted(self._up.items()) if is_up] or list(range(len(self._channels)))
        with self._lock:
            return up[next(self._turns) % len(up)]

    def _changed(self, place: int, target: str, state: ChannelConnectivity) -> None:
        is_up = state is ChannelConnectivity.READY
        if is_up != self._up.get(place, False):
            logger.log(logging.INFO if is_up else logging.WARNING, "fleet: %s is %s", target, "up" if is_up else "down")
        self._up = {**self._up, place: is_up}

    def _failure(self, method: str, error: Any) -> errors.Failure:
        code, words = error.code(), error.details() or ""
        self._watch(code.name)
        logger.warning("the fleet refused %s: %s: %.500s", method, code.name, words)
        return failure_of(code, words, dict(error.trailing_metadata() or ()))


def failure_of(code: StatusCode, words: str, trailer: dict[str, Any]) -> errors.Failure:
    """Return the failure that a status of the fleet stands for, in words of our own."""
    retry_after_s = _seconds(trailer.get("retry-after"))
    if code is StatusCode.RESOURCE_EXHAUSTED:
        # A server of this kind that names no time has not refused for being busy.
        if words.lower().startswith(TOO_LARGE) or ("server-timing" in trailer and retry_after_s is None):
            return errors.TooLarge("the request is larger than the fleet takes")
        return errors.Busy("the fleet is busy", retry_after_s=retry_after_s or RETRY_AFTER_S)
    if code is StatusCode.UNAVAILABLE:
        return errors.NotReady("the fleet can't be reached now", retry_after_s=retry_after_s or RETRY_AFTER_S)
    if code is StatusCode.DEADLINE_EXCEEDED:
        return errors.DeadlineExceeded("the time allowed for the request is over")
    if code is StatusCode.NOT_FOUND:
        return errors.NotFound("the fleet does not serve this version of the model", field="model")
    if code in (StatusCode.INVALID_ARGUMENT, StatusCode.OUT_OF_RANGE):
        return errors.Invalid("the fleet finds the inputs invalid; the log of the service has its words")
    return errors.BadAnswer("the fleet failed; the log of the service has its words")


def _channel(target: str, *, secure: bool) -> grpc.Channel:
    if secure:
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(), OPTIONS)
    return grpc.insecure_channel(target, OPTIONS)


def _not_sent(error: Any) -> bool:
    return error.code() is StatusCode.UNAVAILABLE and (error.details() or "").lower().startswith(NOT_SENT)


def _seconds(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isdigit() and len(text) < 5 else None
