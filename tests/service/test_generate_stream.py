"""Generation as a stream: one sound that is sent while it is made, on both transports of a real server."""

from __future__ import annotations

import io
import socket
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
import soundfile

from service.crossfade import CrossFade
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.latents import Walk
from tests.service.conftest import MOST_STREAM_S, Server
from tests.service.test_metrics import total
from tests.service.tiny_model import KINDS, LATENT, RATE_HZ

CLIP = KINDS["notes"].clip
LONG = {"model": "wide", "seed": 1, "format": "f32"}  # 64 kB a second of sound, 19 MB in all
CHUNK = 65_536  # bytes

Fields = dict[str, Any]


def over_http(streams_server: Server, **fields: Any) -> httpx.Response:
    answer = streams_server.http.post("/v1/generate_stream", json=fields)
    assert answer.status_code == 200, answer.text
    return answer


def over_grpc(streams_server: Server, **fields: Any) -> list[pb.GenerateStreamResponse]:
    return list(streams_server.stub.GenerateStream(pb.GenerateStreamRequest(**fields)))


def made_s(streams_server: Server) -> float:
    """Return the seconds of sound that were made."""
    return total(streams_server, "latentone_audio_seconds_total")


@pytest.mark.parametrize("form", ["wav", "wav_float", "pcm", "f32"])
@pytest.mark.parametrize("model", ["notes", "wide"])
def test_the_same_seed_is_the_same_sound_on_both_transports_bit_for_bit(
    kinds_server: Server, model: str, form: str
) -> None:
    wanted = {"model": model, "seed": 7, "seconds": 1.5, "format": form}
    answer, messages = over_http(kinds_server, **wanted), over_grpc(kinds_server, **wanted)
    assert answer.content == b"".join(message.audio for message in messages)
    assert answer.content == over_http(kinds_server, **wanted).content
    first, channels = messages[0], KINDS[model].channels
    assert (first.model, first.version, first.seed, first.label) == (model, 1, 7, KINDS[model].labels[7])
    assert (first.sample_rate_hz, first.channels, first.format, first.seconds) == (RATE_HZ, channels, form, 1.5)
    headers = {name: answer.headers[f"x-latentone-{name}"] for name in ("model", "seed", "label", "seconds")}
    assert headers == {"model": model, "seed": "7", "label": KINDS[model].labels[7], "seconds": "1.500"}
    if form.startswith("wav"):
        sound, rate = soundfile.read(io.BytesIO(answer.content), always_2d=True)
        assert (sound.shape, rate) == ((12_000, channels), RATE_HZ)
        raw = over_http(kinds_server, **{**wanted, "format": {"wav": "pcm", "wav_float": "f32"}[form]}).content
        assert answer.content.endswith(raw)
    else:
        assert len(answer.content) == 12_000 * channels * {"pcm": 2, "f32": 4}[form]


@pytest.mark.parametrize("seconds", [1.0, 0.01])
def test_a_stream_is_the_clips_of_a_walk_faded_into_each_other(kinds_server: Server, seconds: float) -> None:
    wanted = {"seed": 5, "pitch": 60, "latent_seconds": 0.5, "crossfade_seconds": 0.05, "format": "f32"}
    heard = np.frombuffer(over_http(kinds_server, **wanted, seconds=seconds).content, "<f4")
    samples, overlap = round(seconds * RATE_HZ), min(400, round(seconds * RATE_HZ))
    advance = CLIP - overlap
    walk, fade = Walk(5, size=LATENT, distribution="normal"), CrossFade(overlap)
    pieces, start = [], 0
    while start == 0 or samples - start > overlap:
        latents = [walk.at(start / RATE_HZ / 0.5).tolist()]
        clip = kinds_server.generate(model="notes", latents=latents, pitch=60, format="f32").content
        pieces.append(fade.add(np.frombuffer(clip, "<f4")[: samples - start]))
        start += advance
    joined = np.clip(np.concatenate([*pieces, fade.rest()]), -1.0, 1.0)  # clips may pass 1 together
    np.testing.assert_allclose(heard, joined, atol=1e-6)
    assert len(heard) == samples


def test_a_seed_that_was_drawn_makes_the_stream_again(streams_server: Server) -> None:
    (first, *_), again = over_grpc(streams_server, seconds=0.3), over_http(streams_server, seconds=0.3)
    assert over_grpc(streams_server, seconds=0.3, seed=first.seed)[0].audio == first.audio
    assert over_http(streams_server, seconds=0.3, seed=int(again.headers["x-latentone-seed"])).content == again.content


def test_accept_chooses_the_format(streams_server: Server) -> None:
    for media, wanted in (("audio/wav", b"RIFF"), ("audio/pcm", b""), ("*/*", b"RIFF")):
        answer = streams_server.http.post("/v1/generate_stream?seconds=0.1&seed=1", headers={"accept": media})
        assert answer.headers["content-type"] == ("audio/wav" if wanted else "audio/pcm")
        assert answer.content.startswith(wanted)
    assert streams_server.http.post("/v1/generate_stream", headers={"accept": "audio/flac"}).status_code == 406


MISTAKES = [
    ({"seconds": 301.0}, 413, "seconds", "301.0 seconds of sound; at most 300"),
    ({"seconds": 0.0}, 400, "seconds", "greater than or equal to 0.01"),
    ({"crossfade_seconds": 0.07}, 400, "crossfade_seconds", "at most half a clip, 0.064 seconds"),
    ({"format": "flac"}, 400, "format", "a stream is one of wav, wav_float, pcm, f32"),
    ({"label": "seven"}, 400, "label", "no label 'seven'"),
    ({"pitch": 50.0}, 400, "pitch", "no pitch 50"),
    ({"model": "nope"}, 404, "model", "no model 'nope'"),
    ({"model": "voice"}, 400, "model", "can't generate; it can decode, analyse, decode_stream"),
]


@pytest.mark.parametrize(("fields", "status", "field", "words"), MISTAKES)
def test_a_mistake_is_told_before_anything_is_sent(
    streams_server: Server, fields: Fields, status: int, field: str, words: str
) -> None:
    answer = streams_server.http.post("/v1/generate_stream", json=fields)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert words in answer.json()["detail"]
    with pytest.raises(grpc.RpcError) as refused:
        over_grpc(streams_server, **fields)
    assert refused.value.details() == answer.json()["detail"]
    assert refused.value.code().name == {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 413: "RESOURCE_EXHAUSTED"}[status]


def begin_http(streams_server: Server) -> socket.socket:
    """Ask for a long stream, and read no more than its beginning."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", streams_server.http_port))
    query = "&".join(f"{name}={value}" for name, value in LONG.items())
    connection.sendall(f"POST /v1/generate_stream?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    assert connection.recv(CHUNK).startswith(b"HTTP/1.1 200")
    return connection


def begin_grpc(streams_server: Server) -> grpc.Call:
    call = streams_server.stub.GenerateStream(pb.GenerateStreamRequest(**LONG))
    assert next(call).audio
    return call


def begin(server: Server, transport: str) -> Any:
    """Ask for a long stream, and read no more than its beginning."""
    if transport == "grpc":
        call = server.stub.GenerateStream(pb.GenerateStreamRequest(**LONG))
        assert next(call).audio
        return call
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", server.http_port))
    query = "&".join(f"{name}={value}" for name, value in LONG.items())
    connection.sendall(f"POST /v1/generate_stream?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    assert connection.recv(CHUNK).startswith(b"HTTP/1.1 200")
    return connection


def ended(server: Server, code: str) -> float:
    """Return how many streams ended with a code."""
    labels = {"operation": "generate_stream", "code": code}
    return total(server, "latentone_request_duration_seconds_count", **labels)


@pytest.mark.parametrize(("transport", "code"), [("http", "499"), ("grpc", "CANCELLED")])
def test_who_hangs_up_has_no_more_made(streams_server: Server, transport: str, code: str) -> None:
    made, before = made_s(streams_server), ended(streams_server, code)
    stream = begin(streams_server, transport)
    stream.close() if transport == "http" else stream.cancel()
    streams_server.wait_until(lambda: ended(streams_server, code) == before + 1)
    assert total(streams_server, "latentone_in_flight") == 0
    assert made_s(streams_server) - made < MOST_STREAM_S / 2


@pytest.mark.parametrize(("transport", "code"), [("http", "504"), ("grpc", "DEADLINE_EXCEEDED")])
def test_who_reads_nothing_has_little_made_and_is_given_up(streams_server: Server, transport: str, code: str) -> None:
    made, before = made_s(streams_server), ended(streams_server, code)
    stream = begin(streams_server, transport)
    streams_server.wait_until(lambda: ended(streams_server, code) == before + 1)
    assert 0 < made_s(streams_server) - made < MOST_STREAM_S / 2  # what buffers of sockets hold, and no more
    if transport == "grpc":
        with pytest.raises(grpc.RpcError) as late:
            list(stream)
        assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert late.value.details() == "nothing of the stream was taken for 3 seconds"
    else:
        end = b""
        while part := stream.recv(2**20):
            end = (end + part)[-5:]
        assert end != b"0\r\n\r\n"  # cut off, and so not taken for a whole
        stream.close()
    assert "Traceback" not in streams_server.log.read_text()
