"""An HTTP connection with bounds that uvicorn's has not: of a request's head, and of the patience with its client."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http import auto
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 65_536  # bytes between two signs of progress: the end of a head, a piece of the body, the end of a request
HEAD_S = 60.0  # from the connection, or a request's first byte, to the end of its head
STALL_S = 20.0  # for the client to take what waits for it, 64 KiB


class HttpConnection(HttpToolsProtocol):  # type: ignore[misc] # uvicorn's has no types here
    """uvicorn's, which takes heads of any size, waits for them for ever, and for clients that don't read as well."""

    stream_s = STALL_S  # the same for streams, whose clients hear what they read
    _unread = 0  # bytes since the last sign of progress
    _patience: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for a head, but not for ever."""
        super().connection_made(transport)
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        for timer in (self._patience, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read, and refuse a head without an end; of trailers the same."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._be_patient()

    def on_headers_complete(self) -> None:
        """The end of a head."""
        self._unread = 0
        if self._patience is not None:
            self._patience.cancel()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._unread = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not take what is written."""
        super().pause_writing()
        is_stream = self.cycle is not None and self.cycle.chunked_encoding  # an answer without a length
        self._stall = self.loop.call_later(self.stream_s if is_stream else STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self.loop.call_later(HEAD_S, self.transport.close)


def use(*, stream_s: float) -> None:
    """Have uvicorn make its connections so; BentoML, which starts it, has no option for that.

    stream_s: for the client of a stream to take what waits for it.
    """
    HttpConnection.stream_s = stream_s
    auto.AutoHTTPProtocol = HttpConnection
