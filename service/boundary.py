"""The outermost layer of HTTP: no body over the limits comes in, every failure goes out as a problem document.

It stands around BentoML's own routes too, which have no body limit and answer in other forms.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Busy, Failure, TooLarge
from service.intake import Held, Intake
from service.problems import MEDIA_TYPE, problem, problem_of

logger = logging.getLogger("bentoml.latentone")

# Here BentoML reads the body. Our failures are problem documents, so any other is of a body that can't be read.
OF_BENTOML = ("/generate", "/sample", "/decode")
STREAMS = ("/v1/decode_stream",)  # here a body is worked on while it comes
MOST_SPOKEN = 1000  # characters of a foreign failure's text that are passed on
MOST_VALUES = 2**21  # in JSON, where each may take a hundred times its bytes once it is read
PIECE = 65_536  # bytes of an answer that are written at a time, for the client to take before the next


class Boundary:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, body_limit: int, intake: Intake) -> None:
        """body_limit: bytes of the largest request body. intake: of the bytes of all requests in hand."""
        self._app = app
        self._body_limit = body_limit
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held = self._intake.hold()
        body = _Body(receive, self._body_limit, held)
        if scope["path"] in STREAMS:
            body = _Stream(receive, self._body_limit, held)
        answer = _Answer(send, scope["path"], body, held)
        try:
            body.check_declared(scope)
            await self._app(scope, body.receive, answer.send)
        except Exception as error:
            if not isinstance(error, Failure):
                logger.exception("%s failed", scope["path"])
            if answer.begun:
                raise  # half an answer is out; only closing the connection can say that it is no good
            refusal = problem_of(body.excess() if body.excess else error, instance=scope["path"])
            await refusal(scope, receive, send)
        finally:
            held.release()


class _Body:
    def __init__(self, receive: Receive, limit: int, held: Held) -> None:
        self._receive, self._limit, self._held = receive, limit, held
        self._size, self._values = 0, _Values()
        # Makes the failure, a new one each time: one that is kept would keep the body, by its traceback.
        self.excess: Callable[[], Failure] | None = None

    def check_declared(self, scope: Scope) -> None:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if int(declared) > self._limit:
            self._refuse(partial(TooLarge, f"the body is over {self._limit} bytes"))

    async def receive(self) -> Message:
        message = await self._receive()
        piece = message.get("body", b"")
        if piece:
            self._check(piece)
        return message

    def _check(self, piece: bytes) -> None:
        self._measure(len(piece))
        if self._values.count(piece) > MOST_VALUES:
            words = "send arrays as .npy, or as a shape with base64 of their bytes"
            self._refuse(partial(TooLarge, f"the body is JSON of more than {MOST_VALUES} values; {words}"))
        self._take(len(piece))

    def _measure(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            self._refuse(partial(TooLarge, f"the body is over {self._limit} bytes"))

    def _take(self, size: int) -> None:
        try:
            self._held.take(size)
        except Busy as busy:
            self._refuse(partial(Busy, busy.detail, retry_after_s=busy.retry_after_s))

    def _refuse(self, excess: Callable[[], Failure]) -> None:
        self.excess = excess
        raise excess()


class _Stream(_Body):
    """A body of which each piece is held until the next one is asked for."""

    _piece = 0
    _has_begun = False

    async def receive(self) -> Message:
        self._held.drop(self._piece)
        self._piece = 0
        message = await self._receive()
        if size := len(message.get("body", b"")):
            await self._hold(size)
        return message

    async def _hold(self, size: int) -> None:
        self._measure(size)
        if self._has_begun:
            await self._held.wait(size)
        else:
            self._take(size)
        self._has_begun, self._piece = True, size


class _Values:
    """The values in a body that looks like JSON: not more than it has commas and brackets."""

    def __init__(self) -> None:
        self._values = 0
        self._is_json: bool | None = None

    def count(self, piece: bytes) -> int:
        if self._is_json is None and piece.lstrip():
            self._is_json = piece.lstrip()[:1] in (b"{", b"[")
        if self._is_json:
            self._values += piece.count(b",") + piece.count(b"[") + piece.count(b"{")
        return self._values


class _Answer:
    """Passes an answer on in pieces, or turns a failure in another form into a problem document."""

    def __init__(self, send: Send, instance: str, body: _Body, held: Held) -> None:
        self._send, self._instance, self._body, self._held = send, instance, body, held
        self._foreign: int | None = None  # status of a failure whose text is being collected
        self._text = b""
        self.begun = False

    async def send(self, message: Message) -> None:
        if self._body.excess is not None:
            raise self._body.excess()  # whatever was made of half a body
        if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
            headers = dict(message["headers"])
            if not headers.get(b"content-type", b"").startswith(MEDIA_TYPE.encode()):
                self._foreign = message["status"]
                return
        if self._foreign is None:
            self.begun = True
            await self._pass_on(message)
            return
        self._text += message.get("body", b"")
        if not message.get("more_body", False):
            await self._translate(self._foreign)

    async def _pass_on(self, message: Message) -> None:
        body = message.get("body", b"")
        self._held.add(len(body))
        for start in range(0, len(body) - PIECE, PIECE):
            await self._send({"type": message["type"], "body": body[start : start + PIECE], "more_body": True})
        if len(body) > PIECE:
            message = {**message, "body": body[(len(body) - 1) // PIECE * PIECE :]}
        await self._send(message)
        self._held.drop(len(body))  # of a stream the next piece comes now

    async def _translate(self, status: int) -> None:
        field, words = _mistake(self._text)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and self._instance in OF_BENTOML:
            status, words = HTTPStatus.BAD_REQUEST, "the body can't be read as this route's fields"
        kind = "invalid" if words else ""
        answer = problem(
            status, words or HTTPStatus(status).phrase, instance=self._instance, kind=kind, field=field or None
        )
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": answer.raw_headers})
        await self._send({"type": "http.response.body", "body": answer.body})


def _mistake(text: bytes) -> tuple[str, str]:
    """Return the field and the words of the first mistake that BentoML has found in a body, or nothing.

    It tells them as {"detail": [{"loc": [...], "msg": "..."}]}. Whatever else others say is not passed on: it may name
    places and versions.
    """
    try:
        found = json.loads(text)["detail"][0]
        field, words = ".".join(map(str, found["loc"])), str(found["msg"])[:MOST_SPOKEN]
    except (ValueError, LookupError, TypeError):
        return "", ""
    return field, f"{field}: {words}" if field else words
