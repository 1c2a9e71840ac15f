"""The clients: every operation as a method, over HTTP or gRPC as the address says, sync and async."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar
from urllib.parse import urlsplit

from numpy.typing import ArrayLike

from latentone_client import operations
from latentone_client.credentials import Credentials
from latentone_client.errors import Failure, Invalid
from latentone_client.retries import Patience, Retries, Watch, nobody
from latentone_client.streams import AsyncSoundStream, SoundStream
from latentone_client.transport import AsyncTransport, Request, Transport

A = TypeVar("A")
P = ParamSpec("P")
M = TypeVar("M", bound=Callable[..., Any])

DEFAULT_URL = "http://127.0.0.1:3000"
TIMEOUT_S = 60.0
PORTS = {"grpc": 3001, "grpcs": 443}


def _method(build: Callable[P, Request[A]]) -> Callable[Concatenate[Client, P], A]:
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> A:
        return self.call(build(*args, **kwargs))

    return _described(method, build)


def _async_method(build: Callable[P, Request[A]]) -> Callable[Concatenate[AsyncClient, P], Awaitable[A]]:
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> A:
        return await self.call(build(*args, **kwargs))

    return _described(method, build)


def _stream_method(
    build: Callable[P, Request[dict[str, Any]]],
) -> Callable[Concatenate[Client, P], SoundStream]:
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> SoundStream:
        return self.open(build(*args, **kwargs))

    return _described(method, build)


def _async_stream_method(
    build: Callable[P, Request[dict[str, Any]]],
) -> Callable[Concatenate[AsyncClient, P], Awaitable[AsyncSoundStream]]:
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncSoundStream:
        return await self.open(build(*args, **kwargs))

    return _described(method, build)


def _described(method: M, build: Callable[..., object]) -> M:
    """Give a method the name, the words and the arguments of what it calls, for `help` and editors."""
    signature = inspect.signature(build)
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    arguments = [itself, *signature.parameters.values()]
    method.__name__, method.__doc__ = build.__name__, build.__doc__
    method.__dict__["__signature__"] = signature.replace(
        parameters=arguments, return_annotation=inspect.Signature.empty
    )
    return method


class Client:
    """A service at http://host:3000, https://..., grpc://host:3001 or grpcs://... Threads may share it.

    api_key: sent with every request. ca, certificate: files in PEM: who signs servers' certificates, where it is nobody
    that the system trusts, and the client's own certificate with its key, for mutual TLS. timeout_s: for a whole call
    with its retries. watch: told of every pause before a retry.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str = "",
        ca: str | Path | None = None,
        certificate: str | Path | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        watch: Watch = nobody,
    ) -> None:
        """Raises: Invalid for an address that is none and for files that do not hold what they should, OSError.

        Whether somebody answers there, the first call says.
        """
        self._transport = _transport(url, _credentials(url, api_key, ca, certificate))
        self._timeout_s, self._retries, self._watch = timeout_s, retries, watch

    generate = _method(operations.generate)
    sample = _method(operations.sample)
    decode = _method(operations.decode)
    analyse = _method(operations.analyse)
    vary = _method(operations.vary)
    interpolate = _method(operations.interpolate)
    render = _method(operations.render)
    models = _method(operations.list_models)
    model = _method(operations.get_model)
    generate_stream = _stream_method(operations.generate_stream)

    def decode_stream(self, features: Iterable[ArrayLike], *, model: str = "", version: int | str = 0) -> SoundStream:
        """Make features audible as they come, over gRPC; iterate over the sound for its pieces.

        features: the next frames each, [T, bands(, channels)]; iterated over in a thread of its own.
        Raises: Failure, and what iterating over features raises; nothing is asked again.
        """
        return self.open(operations.decode_stream(model=model, version=version), features)

    def call(self, request: Request[A]) -> A:
        """Return the answer to a request.

        Raises: Failure.
        """
        return self._patiently(lambda seconds: request.read(self._transport.send(request, seconds=seconds)))

    def open(self, request: Request[dict[str, Any]], features: Iterable[ArrayLike] | None = None) -> SoundStream:
        """Return the stream that a request asks for, once its first piece is there. features: as of `decode_stream`.

        Raises: Failure.
        """
        if features is None:
            reply, parts = self._patiently(lambda seconds: self._transport.open(request, seconds=seconds))
        else:  # which can be iterated over only once
            frames = map(operations.frames, features)
            reply, parts = self._transport.open(request, seconds=self._timeout_s, frames=frames)
        return SoundStream(**request.read(reply), parts=parts)

    def _patiently(self, work: Callable[[float], A]) -> A:
        patience = Patience(self._retries, seconds=self._timeout_s, watch=self._watch)
        while True:
            try:
                return work(patience.remaining_s())
            except Failure as failure:
                time.sleep(patience.pause_s(failure))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        """Return the client, to be closed in the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()


class AsyncClient:
    """As Client, on an event loop."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str = "",
        ca: str | Path | None = None,
        certificate: str | Path | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        watch: Watch = nobody,
    ) -> None:
        """Raises: Invalid for an address that is none and for files that do not hold what they should, OSError.

        Whether somebody answers there, the first call says.
        """
        self._transport = _async_transport(url, _credentials(url, api_key, ca, certificate))
        self._timeout_s, self._retries, self._watch = timeout_s, retries, watch

    generate = _async_method(operations.generate)
    sample = _async_method(operations.sample)
    decode = _async_method(operations.decode)
    analyse = _async_method(operations.analyse)
    vary = _async_method(operations.vary)
    interpolate = _async_method(operations.interpolate)
    render = _async_method(operations.render)
    models = _async_method(operations.list_models)
    model = _async_method(operations.get_model)
    generate_stream = _async_stream_method(operations.generate_stream)

    async def decode_stream(
        self, features: AsyncIterable[ArrayLike], *, model: str = "", version: int | str = 0
    ) -> AsyncSoundStream:
        """Make features audible as they come, over gRPC; iterate over the sound for its pieces.

        features: the next frames each, [T, bands(, channels)].
        Raises: Failure, and what iterating over features raises; nothing is asked again.
        """
        request = operations.decode_stream(model=model, version=version)
        frames = (operations.frames(values) async for values in features)
        reply, parts = await self._transport.open(request, seconds=self._timeout_s, frames=frames)
        return AsyncSoundStream(**request.read(reply), parts=parts)

    async def call(self, request: Request[A]) -> A:
        """Return the answer to a request.

        Raises: Failure.
        """
        reply = await self._patiently(lambda seconds: self._transport.send(request, seconds=seconds))
        return request.read(reply)

    async def open(self, request: Request[dict[str, Any]]) -> AsyncSoundStream:
        """Return the stream that a request asks for, once its first piece is there.

        Raises: Failure.
        """
        reply, parts = await self._patiently(lambda seconds: self._transport.open(request, seconds=seconds))
        return AsyncSoundStream(**request.read(reply), parts=parts)

    async def _patiently(self, work: Callable[[float], Awaitable[A]]) -> A:
        patience = Patience(self._retries, seconds=self._timeout_s, watch=self._watch)
        while True:
            try:
                return await work(patience.remaining_s())
            except Failure as failure:
                await asyncio.sleep(patience.pause_s(failure))

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        """Return the client, to be closed in the end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.close()


def _credentials(url: str, api_key: str, ca: str | Path | None, certificate: str | Path | None) -> Credentials:
    scheme, _ = _place(url)
    if scheme in ("http", "grpc") and (ca or certificate):
        raise Invalid(f"{url} is plain text, where ca and certificate are of no use; write {scheme}s://")
    files = {name: Path(path) for name, path in (("ca", ca), ("certificate", certificate)) if path}
    return Credentials(api_key=api_key, **files)


def _transport(url: str, credentials: Credentials) -> Transport:
    scheme, target = _place(url)
    if scheme in PORTS:
        from latentone_client.grpc_transport import GrpcTransport

        return GrpcTransport(target, credentials, secure=scheme == "grpcs")
    from latentone_client.http_transport import HttpTransport

    return HttpTransport(target, credentials)


def _async_transport(url: str, credentials: Credentials) -> AsyncTransport:
    scheme, target = _place(url)
    if scheme in PORTS:
        from latentone_client.grpc_transport import AsyncGrpcTransport

        return AsyncGrpcTransport(target, credentials, secure=scheme == "grpcs")
    from latentone_client.http_transport import AsyncHttpTransport

    return AsyncHttpTransport(target, credentials)


def _place(url: str) -> tuple[str, str]:
    """Return an address' scheme, and what its transport takes: the whole address, or host:port for gRPC."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Invalid(f"{url}: {error}") from None
    if parts.scheme not in ("http", "https", *PORTS) or not host:
        raise Invalid(f"{url!r} is no address; write http://host:3000 or grpc://host:3001")
    if parts.scheme not in PORTS:
        return parts.scheme, url
    host = f"[{host}]" if ":" in host else host
    return parts.scheme, f"{host}:{port or PORTS[parts.scheme]}"
