"""The outermost layer of HTTP: a request has an id and a line in the log, an answer what keeps a browser careful."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import access
from service.conventions import HttpRequest
from service.door import OPERATIONS
from service.http_door import room
from service.security_headers import secure
from service.tracing import Tracing

BROKEN = "broken"  # the code of an answer that had begun and could not be ended


class HttpAccess:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, tracing: Tracing) -> None:
        self._app, self._tracing = app, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        request = access.begin("http", headers.get(access.REQUEST_ID, ""), path, routine=room(path) != OPERATIONS)
        if not request.routine:
            described = HttpRequest(scope["method"], request.path, scope["scheme"])
            request.trace = self._tracing.begin(described, headers)
        code, is_whole = BROKEN, False

        async def answer(message: Message) -> None:
            nonlocal code, is_whole
            if message["type"] == "http.response.start":
                code = str(message["status"])
                answered = MutableHeaders(scope=message)
                answered[access.REQUEST_ID] = request.request_id
                secure(answered, path)
            await send(message)
            is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, receive, answer)
        except BaseException:
            code = BROKEN
            raise
        finally:
            request.route = getattr(scope.get("route"), "path", "")
            request.end(code if is_whole else BROKEN)
