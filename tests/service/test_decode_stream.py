"""Decoding as a stream: frames in, samples out, as the whole would sound; on both transports of a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import DEADLINE_S, MOST_STREAM_S, Server
from tests.service.test_bad_input import as_proto
from tests.service.tiny_model import BANDS, HOP, RATE_HZ

Fields = dict[str, Any]


def features(frames: int) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-1, 1, (frames, BANDS)).astype(np.float32)


def messages(values: np.ndarray, sizes: list[int], **first: Any) -> Iterator[pb.DecodeStreamRequest]:
    """Yield frames in pieces of these sizes, again and again."""
    start = 0
    while start < len(values) or not start:
        size = sizes[0]
        sizes = [*sizes[1:], size]
        yield pb.DecodeStreamRequest(features=as_proto(values[start : start + size]), **({} if start else first))
        start += size


def decoded(streams_server: Server, model: str, values: np.ndarray) -> np.ndarray:
    whole = streams_server.stub.Decode(pb.DecodeRequest(model=model, features=as_proto(values), format="f32"))
    return np.frombuffer(whole.clips[0].audio, "<f4")


@pytest.mark.parametrize("model", ["voice", "causal"])
@pytest.mark.parametrize("sizes", [[1], [3, 0, 7], [64], [400]])
def test_features_that_come_bit_by_bit_sound_as_the_whole(kinds_server: Server, model: str, sizes: list[int]) -> None:
    values = features(150)
    whole = decoded(kinds_server, model, values)
    first, *others = kinds_server.stub.DecodeStream(messages(values, sizes, model=model, format="f32"))
    heard = np.frombuffer(b"".join(message.audio for message in (first, *others)), "<f4")
    np.testing.assert_allclose(heard, whole, atol=1e-5)
    assert np.abs(whole).max() > 0.1
    assert (first.model, first.version, first.sample_rate_hz, first.channels) == (model, 1, RATE_HZ, 1)
    body = values.tobytes()
    cut = (body[start : start + 1000] for start in range(0, len(body), 1000))  # anywhere in a frame
    answer = kinds_server.http.post(f"/v1/decode_stream?model={model}&format=f32", content=cut)
    assert answer.headers["x-latentone-model"] == model
    np.testing.assert_allclose(np.frombuffer(answer.content, "<f4"), whole, atol=1e-5)


@pytest.mark.parametrize(("model", "ahead"), [("voice", 3), ("causal", 0)])
def test_a_frame_is_heard_as_soon_as_its_reach_is_there(streams_server: Server, model: str, ahead: int) -> None:
    values, sent = features(30), 0

    def one_by_one() -> Iterator[pb.DecodeStreamRequest]:
        nonlocal sent
        for message in messages(values, [1], model=model, format="f32"):
            sent += 1
            yield message
            while heard < sent - ahead:  # the next frame waits for the sound of those before
                time.sleep(0.005)

    heard = 0
    for message in streams_server.stub.DecodeStream(one_by_one(), timeout=60):
        heard += len(message.audio) // (4 * HOP)
    assert heard == sent == 30


def test_a_doubt_about_features_is_told_once(streams_server: Server) -> None:
    replies = list(streams_server.stub.DecodeStream(messages(3 * features(90), [20], model="voice")))
    assert [len(reply.warnings) for reply in replies] == [1] + [0] * (len(replies) - 1)
    assert "of which the model has seen -1 to 1 only" in replies[0].warnings[0]
    assert len(replies) > 3


BAD_FRAMES: list[tuple[list[Any], str]] = [
    ([], "features: none came"),
    ([{"model": "voice", "features": np.zeros((0, BANDS), np.float32)}], "features: none came"),
    ([{"model": "voice", "features": np.zeros((2, 3), np.float32)}], "wants [frames, 16], not [2, 3]"),
    ([{"model": "voice", "features": np.full((2, BANDS), np.nan, np.float32)}], "NaN or infinity"),
    ([{"model": "voice", "features": features(9)}, {"model": "voice"}], "said in a stream's first message alone"),
    ([{"model": "notes", "features": features(9)}], "its contract states no reach"),
    ([{"model": "griffin-lim", "features": features(9)}], "its contract states no reach"),
    ([{"model": "voice", "format": "mp3", "features": features(9)}], "a stream is one of"),
]


@pytest.mark.parametrize(("given", "words"), BAD_FRAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_features_that_can_not_be_taken_are_refused(streams_server: Server, given: list[Fields], words: str) -> None:
    requests = (pb.DecodeStreamRequest(**{name: as_proto(v) for name, v in fields.items()}) for fields in given)
    with pytest.raises(grpc.RpcError) as refused:
        list(streams_server.stub.DecodeStream(requests))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert words in refused.value.details()


def test_over_http_features_are_refused_before_the_first_piece_and_cut_off_after_it(streams_server: Server) -> None:
    path = "/v1/decode_stream?model=voice"
    refused = streams_server.http.post(path, content=features(9).tobytes()[:-5], params={"model": "notes"})
    assert (refused.status_code, refused.json()["field"]) == (400, "model")
    assert streams_server.http.post(path, content=b"").json()["detail"] == "features: none came"
    part = streams_server.http.post(path, content=b"123")
    assert part.json()["detail"] == "features: the body ends with 3 bytes of a frame, which has 64"
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        streams_server.http.post(path, content=features(50).tobytes()[:-5])
    assert '"code": "broken"' in streams_server.log.read_text()
    assert "Traceback" not in streams_server.log.read_text()


def test_features_may_last_as_long_as_a_stream_may(streams_server: Server) -> None:
    values = np.zeros((round(MOST_STREAM_S * RATE_HZ / HOP) + 1, BANDS), np.float32)
    replies = streams_server.stub.DecodeStream(messages(values, [20, len(values)], model="causal"))
    assert next(replies).audio
    with pytest.raises(grpc.RpcError) as refused:
        list(replies)
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "at most 300 a request" in refused.value.details()


def test_who_sends_no_features_for_long_is_given_up(streams_server: Server) -> None:
    def stops() -> Iterator[pb.DecodeStreamRequest]:
        yield pb.DecodeStreamRequest(model="voice", features=as_proto(features(20)))
        time.sleep(DEADLINE_S + 2)

    replies = streams_server.stub.DecodeStream(stops())
    assert next(replies).audio
    with pytest.raises(grpc.RpcError) as late:
        list(replies)
    assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert late.value.details() == "features: none came for 3 seconds"


def test_a_stream_lasts_longer_than_a_request_may(streams_server: Server) -> None:
    def slowly() -> Iterator[pb.DecodeStreamRequest]:
        for message in messages(features(60), [20], model="causal"):
            yield message
            time.sleep(0.4 * DEADLINE_S)

    begun = time.monotonic()
    assert len(list(streams_server.stub.DecodeStream(slowly()))) == 3
    assert time.monotonic() - begun > DEADLINE_S
