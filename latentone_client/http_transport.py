"""Calls over HTTP: JSON bodies with base64 for arrays and files, problem documents (RFC 9457) for failures."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, unquote

import httpx
import numpy as np

from latentone_client import errors
from latentone_client.credentials import Credentials
from latentone_client.transport import AsyncFrames, AsyncOpened, Frames, Opened, Reply, Request

CONNECT_S = 5.0
IDLE_S = 3.0  # servers close idle connections after 5 seconds; one that closes while we write is no use
POOL = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=IDLE_S)
BY_STATUS: dict[int, type[errors.Failure]] = {
    401: errors.Unauthenticated,
    403: errors.Unauthenticated,
    404: errors.NotFound,
    408: errors.DeadlineExceeded,
    413: errors.TooLarge,
    429: errors.Busy,
    503: errors.NotReady,
    504: errors.DeadlineExceeded,
}


STREAM_HEADERS = ("model", "version", "sample-rate", "channels", "label", "seconds", "seed")


class HttpTransport:
    """Connections to one service, shared by threads."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.Client(limits=POOL, **_shown(credentials))

    def send(self, request: Request[object], *, seconds: float) -> Reply:
        """Return the answer.

        Raises: Failure.
        """
        ends = time.monotonic() + seconds
        with _failures(self._url, seconds), self._client.stream(**_outgoing(self._url, request, seconds)) as answer:
            parts = []
            for part in answer.iter_bytes():
                parts.append(part)
                if time.monotonic() > ends:  # httpx bounds each read, and not their sum
                    raise _too_late(seconds)
            return _reply(answer, b"".join(parts))

    def open(self, request: Request[object], *, seconds: float, frames: Frames | None = None) -> Opened:
        """Return a stream once its first piece is there. seconds: for each piece.

        Raises: Failure; Invalid for a stream that is read while it is sent.
        """
        _refuse_frames(frames)
        parts = self._stream(request, seconds)
        return next(parts), parts

    def _stream(self, request: Request[object], seconds: float) -> Generator[Any, None, None]:
        """Yield what is known of the stream, and then its bytes."""
        with _failures(self._url, seconds), self._client.stream(**_outgoing(self._url, request, seconds)) as answer:
            if not answer.is_success:
                raise _failure(answer, answer.read())
            yield _stream_reply(answer)
            yield from answer.iter_bytes()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class AsyncHttpTransport:
    """Connections to one service, on one event loop."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.AsyncClient(limits=POOL, **_shown(credentials))

    async def send(self, request: Request[object], *, seconds: float) -> Reply:
        """Return the answer.

        Raises: Failure.
        """
        with _failures(self._url, seconds):
            async with asyncio.timeout(seconds):
                answer = await self._client.request(**_outgoing(self._url, request, seconds))
                return _reply(answer, answer.content)

    async def open(self, request: Request[object], *, seconds: float, frames: AsyncFrames | None = None) -> AsyncOpened:
        """Return a stream once its first piece is there. seconds: for each piece.

        Raises: Failure; Invalid for a stream that is read while it is sent.
        """
        _refuse_frames(frames)
        parts = self._stream(request, seconds)
        return await anext(parts), parts

    async def _stream(self, request: Request[object], seconds: float) -> AsyncGenerator[Any, None]:
        with _failures(self._url, seconds):
            async with self._client.stream(**_outgoing(self._url, request, seconds)) as answer:
                if not answer.is_success:
                    raise _failure(answer, await answer.aread())
                yield _stream_reply(answer)
                async for part in answer.aiter_bytes():
                    yield part

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _shown(credentials: Credentials) -> dict[str, Any]:
    """Return the arguments of httpx for what a client shows and whom it trusts."""
    return {"headers": credentials.headers(), "verify": credentials.context() or True}


def _refuse_frames(frames: object) -> None:
    if frames is not None:
        raise errors.Invalid("decode_stream sends and hears at once, for which this client needs grpc://")


def _outgoing(url: str, request: Request[object], seconds: float) -> dict[str, Any]:
    """Return the arguments of httpx for a request."""
    common = {
        "timeout": httpx.Timeout(seconds, connect=min(seconds, CONNECT_S)),
        "headers": {"accept": "application/json", "content-type": "application/json"},
    }
    fields = request.fields
    match request.operation:
        case "list_models":
            return {"method": "GET", "url": f"{url}/v1/models", **common}
        case "get_model":
            place = f"{url}/v1/models/{quote(fields['model'], safe='')}"
            if "version_label" in fields:
                return {"method": "GET", "url": f"{place}?version_label={quote(fields['version_label'])}", **common}
            return {"method": "GET", "url": f"{place}/versions/{fields['version']}", **common}
        case "generate_stream":
            common["headers"] = {"content-type": "application/json"}
        case "sample" | "analyse":
            fields = {**fields, "format": "base64"}  # of the features
    body = {name: _json(value) for name, value in fields.items()}
    return {"method": "POST", "url": f"{url}/v1/{request.operation}", "content": json.dumps(body), **common}


def _json(value: object) -> object:
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "data": _base64(np.ascontiguousarray(value, "<f4").tobytes())}
    if isinstance(value, list):
        return [_json(entry) for entry in value]
    return _base64(value) if isinstance(value, bytes) else value


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _reply(answer: httpx.Response, body: bytes) -> Reply:
    if not answer.is_success:
        raise _failure(answer, body)
    try:
        fields = json.loads(body)
        return Reply(_decoded(fields), answer.headers.get("server-timing", ""))
    except (ValueError, AttributeError, TypeError, KeyError):
        raise errors.Internal(f"{answer.url} gave no answer of latentone; is the address right?") from None


def _stream_reply(answer: httpx.Response) -> Reply:
    """Read the headers of a stream as the fields that gRPC's first message has."""
    given = {name: answer.headers.get(f"x-latentone-{name}") for name in STREAM_HEADERS}
    try:
        fields: dict[str, Any] = {
            "model": unquote(given["model"]),
            "version": int(given["version"]),
            "sample_rate_hz": int(given["sample-rate"]),
            "channels": int(given["channels"]),
            "label": unquote(given["label"] or ""),
            "seconds": float(given["seconds"]),
            "seed": int(given["seed"]),
        }
    except (ValueError, TypeError):
        raise errors.Internal(f"{answer.url} gave no answer of latentone; is the address right?") from None
    return Reply(fields, answer.headers.get("server-timing", ""))


def _decoded(fields: dict[str, Any]) -> dict[str, Any]:
    if "clips" in fields:
        fields["clips"] = [{**clip, "audio": base64.b64decode(clip["audio"])} for clip in fields["clips"]]
    if "audio" in fields:
        fields["audio"] = base64.b64decode(fields["audio"])
    if "features" in fields:
        packed = fields["features"]
        values = np.frombuffer(base64.b64decode(packed["data"]), "<f4")
        fields["features"] = values.reshape(packed["shape"]).astype(np.float32)
    return fields


def _failure(answer: httpx.Response, body: bytes) -> errors.Failure:
    """Return what a status stands for; a problem document of the service's own says its kind."""
    status = answer.status_code
    problem = _problem(body)
    kind = errors.KINDS.get(str(problem.get("type", "")).removeprefix("urn:latentone:"))
    detail = str(problem.get("detail") or f"{answer.url} answered {status} {answer.reason_phrase}")
    retry_after_s = _seconds(answer.headers.get("retry-after", ""))
    if kind is None and status == httpx.codes.BAD_GATEWAY:
        return errors.Unavailable(detail, sent=True, retry_after_s=retry_after_s)
    if kind is None:
        other = errors.Internal if status >= httpx.codes.INTERNAL_SERVER_ERROR else errors.Invalid
        kind = BY_STATUS.get(status, other)
    return kind(detail, retry_after_s=retry_after_s)


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _seconds(retry_after: str) -> float | None:
    """Read a Retry-After header: seconds, or a date, as proxies write it."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def _too_late(seconds: float) -> errors.DeadlineExceeded:
    return errors.DeadlineExceeded(f"no answer within {seconds:.3g} seconds")


@contextmanager
def _failures(url: str, seconds: float) -> Iterator[None]:
    """Raise httpx's failures as ours."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise errors.Unavailable(f"nobody answers at {url}: {error or 'no connection'}", sent=False) from None
    except (httpx.TimeoutException, TimeoutError):
        raise _too_late(seconds) from None
    except httpx.TransportError as error:
        raise errors.Unavailable(f"{url}: the connection broke: {error or type(error).__name__}", sent=True) from None
    except (httpx.InvalidURL, httpx.DecodingError, httpx.TooManyRedirects, UnicodeError) as error:
        raise errors.Invalid(f"{url}: {error}") from None
