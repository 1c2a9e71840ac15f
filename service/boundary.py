"""The outermost layer of HTTP: no body over the limit comes in, every failure goes out as a problem document.

It stands around BentoML's own routes too, which have no body limit and answer in other forms.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Failure, TooLarge
from service.problems import MEDIA_TYPE, problem, problem_of

logger = logging.getLogger("bentoml.latentone")

MOST_SPOKEN = 1000  # characters of a foreign failure's text that are passed on


class Boundary:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, body_limit: int) -> None:
        """body_limit: bytes of the largest request body."""
        self._app = app
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._body_limit)
        answer = _Answer(send, scope["path"], body)
        try:
            body.check_declared(scope)
            await self._app(scope, body.receive, answer.send)
        except Exception as error:
            if not isinstance(error, Failure):
                logger.exception("%s failed", scope["path"])
            if answer.begun:
                raise  # half an answer is out; only closing the connection can say that it is no good
            await problem_of(body.excess or error, instance=scope["path"])(scope, receive, send)


class _Body:
    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit, self._size = receive, limit, 0
        self.excess: TooLarge | None = None

    def check_declared(self, scope: Scope) -> None:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if int(declared) > self._limit:
            self._refuse()

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            self._refuse()
        return message

    def _refuse(self) -> None:
        self.excess = TooLarge(f"the body is over {self._limit} bytes")
        raise self.excess


class _Answer:
    """Passes an answer on, or turns a failure in another form into a problem document."""

    def __init__(self, send: Send, instance: str, body: _Body) -> None:
        self._send, self._instance, self._body = send, instance, body
        self._foreign: int | None = None  # status of a failure whose text is being collected
        self._text = b""
        self.begun = False

    async def send(self, message: Message) -> None:
        if self._body.excess is not None:
            raise self._body.excess  # whatever was made of half a body
        if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
            headers = dict(message["headers"])
            if not headers.get(b"content-type", b"").startswith(MEDIA_TYPE.encode()):
                self._foreign = message["status"]
                return
        if self._foreign is None:
            self.begun = True
            await self._send(message)
            return
        self._text += message.get("body", b"")
        if not message.get("more_body", False):
            await self._translate(self._foreign)

    async def _translate(self, status: int) -> None:
        field, words = _mistake(self._text)
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
