"""The outermost layer of HTTP: a request has an id and a line in the log, an answer what keeps a browser careful."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import access
from service.door import OPERATIONS
from service.http_door import room

BROKEN = "broken"  # the code of an answer that had begun and could not be ended


class HttpAccess:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given, path = Headers(scope=scope).get(access.REQUEST_ID, ""), scope["path"]
        request = access.begin("http", given, path, routine=room(path) != OPERATIONS)
        code = BROKEN

        async def answer(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = str(message["status"])
                MutableHeaders(scope=message)[access.REQUEST_ID] = request.request_id
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except BaseException:
            code = BROKEN
            raise
        finally:
            request.end(code)
