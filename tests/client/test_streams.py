"""Sound as it comes, over both transports, sync and async, from the bundled models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from latentone_client import AsyncClient, Client, DeadlineExceeded, Invalid, NotFound, Retries
from tests.client.conftest import SCHEMES, WAYS, address
from tests.client.stands import STANDS, Says, Stand
from tests.service.conftest import Server

DIGITS: dict[str, Any] = {"model": "digits", "label": "7", "seed": 3, "seconds": 4.0}


async def _each(values: Iterable[Any]) -> AsyncIterator[Any]:
    for value in values:
        yield value


def heard(url: str, manner: str, method: str, *given: Any, **fields: Any) -> tuple[Any, np.ndarray]:
    """Return a stream and all of its sound."""
    if manner == "sync":
        with Client(url) as client, getattr(client, method)(*given, **fields) as stream:
            return stream, np.concatenate(list(stream))

    async def hearing() -> tuple[Any, np.ndarray]:
        async with AsyncClient(url) as client, await getattr(client, method)(*map(_each, given), **fields) as stream:
            return stream, np.concatenate([piece async for piece in stream])

    return asyncio.run(hearing())


def test_a_stream_is_alike_from_every_client(bundled: Server) -> None:
    sounds = []
    for scheme, manner in WAYS:
        stream, sound = heard(address(bundled, scheme), manner, "generate_stream", **DIGITS)
        assert sound.dtype == np.float32
        assert sound.shape == (4 * 8000,)
        assert (stream.model, stream.version, stream.sample_rate_hz, stream.channels) == ("digits", 1, 8000, 1)
        assert (stream.seeds, stream.labels, stream.seconds) == ((3,), ("7",), 4.0)
        sounds.append(sound.tobytes())
    assert len(set(sounds)) == 1


@pytest.mark.parametrize("manner", ["sync", "async"])
def test_features_as_they_come_sound_as_the_whole(bundled: Server, manner: str) -> None:
    with Client(bundled.url) as client:
        features = client.sample(model="digits", label="7", seed=3, count=5).values.reshape(-1, 64)
        whole = client.decode(features, model="digits-vocos").samples[0]
    pieces = [features[start : start + 50] for start in range(0, len(features), 50)]
    stream, sound = heard(address(bundled, "grpc"), manner, "decode_stream", pieces, model="digits-vocos")
    assert (stream.model, stream.seeds, stream.labels, stream.seconds) == ("digits-vocos", (), (), None)
    np.testing.assert_allclose(sound, whole, atol=1e-5)
    assert np.abs(whole).max() > 0.1


@pytest.mark.parametrize(("scheme", "manner"), WAYS)
def test_a_mistake_is_told_at_once(bundled: Server, scheme: str, manner: str) -> None:
    url = address(bundled, scheme)
    with pytest.raises(NotFound, match="no model 'nope'"):
        heard(url, manner, "generate_stream", model="nope")
    with pytest.raises(Invalid, match="states no reach" if scheme == "grpc" else "needs grpc://"):
        heard(url, manner, "decode_stream", [np.zeros((9, 64))], model="digits")


@pytest.mark.parametrize("manner", ["sync", "async"])
def test_what_frames_raise_is_raised(bundled: Server, manner: str) -> None:
    def broken() -> Iterator[Any]:
        yield np.zeros((200, 64))
        raise OSError("the microphone is gone")

    with pytest.raises(OSError, match="the microphone is gone"):
        heard(address(bundled, "grpc"), manner, "decode_stream", broken(), model="digits-vocos")
    with pytest.raises(Invalid, match="features: must be an array of numbers"):
        heard(address(bundled, "grpc"), manner, "decode_stream", ["hiss"], model="digits-vocos")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_stops_early_leaves_a_client_that_goes_on(bundled: Server, scheme: str) -> None:
    with Client(address(bundled, scheme)) as client:
        with client.generate_stream(model="digits", seed=1) as stream:
            assert len(next(iter(stream)))
            assert stream.seconds == 600
        assert client.generate(model="digits", seed=1).seconds > 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_stream_is_asked_for_again_where_nothing_was_done(scheme: str) -> None:
    stand = Stand(Says("busy", retry_after="0"), Says("not_found"))
    with STANDS[scheme](stand), Client(stand.url, retries=Retries(first_s=0.01)) as client:
        with pytest.raises(NotFound):
            client.generate_stream()
        assert len(stand.times) == 2


@pytest.mark.parametrize("manner", ["sync", "async"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_piece_that_does_not_come_is_waited_for_no_longer_than_agreed(scheme: str, manner: str) -> None:
    stand = Stand(Says(after_s=1.0))

    def sync() -> None:
        with Client(stand.url, timeout_s=0.3) as client:
            client.generate_stream()

    async def in_time() -> None:
        async with AsyncClient(stand.url, timeout_s=0.3) as client:
            await client.generate_stream()

    with STANDS[scheme](stand), pytest.raises(DeadlineExceeded):
        sync() if manner == "sync" else asyncio.run(in_time())
