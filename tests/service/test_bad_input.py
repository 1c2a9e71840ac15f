"""What goes wrong is answered in words and kinds, alike on both transports, and the server goes on."""

from __future__ import annotations

import base64
import io
import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2  # noqa: F401 - what json_format knows the details by
from grpc_status import rpc_status

from service.generated.inference import open_inference_pb2
from service.generated.inference.open_inference_pb2_grpc import GRPCInferenceServiceStub
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import Server
from tests.service.test_metrics import total
from tests.service.tiny_model import BANDS, LATENT

Fields = dict[str, Any]
NAN = np.full((1, LATENT), np.nan, np.float32)
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT,
}
REQUESTS = {
    "generate": ("Generate", pb.GenerateRequest),
    "sample": ("Sample", pb.SampleRequest),
    "decode": ("Decode", pb.DecodeRequest),
    "analyse": ("Analyse", pb.AnalyseRequest),
    "interpolate": ("Interpolate", pb.InterpolateRequest),
    "render": ("Render", pb.RenderRequest),
}


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


@pytest.fixture(autouse=True)
def goes_on(server: Server) -> Iterator[None]:
    """After each mistake, both transports still answer."""
    yield
    assert server.generate(seed=1).status_code == 200
    assert server.stub.Generate(pb.GenerateRequest(seed=1)).clips


def check_problem(body: bytes, status: int, instance: str) -> Fields:
    problem: Fields = json.loads(body)
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
    assert (problem["status"], problem["instance"]) == (status, instance)
    return problem


BOTH = [
    ("generate", {"model": "nope"}, 404, "model", "no model 'nope'; known: slow, tiny"),
    ("generate", {"version": 9}, 404, "version", "no version 9; known: 1, 2"),
    ("generate", {"label": "seven"}, 400, "label", "no label 'seven'; known: zero, one, two"),
    ("generate", {"label": "3"}, 400, "label", "no label '3'"),
    ("generate", {"count": 0}, 400, "count", "greater than or equal to 1"),
    ("generate", {"count": 41}, 400, "count", "at most 40"),
    ("generate", {"format": "aac"}, 400, "format", "wav, wav_float, flac, ogg, opus, mp3, pcm, f32"),
    ("generate", {"latents": zeros(1, LATENT + 1)}, 400, "latents", r"wants \[count, 8\], not \[1, 9\]"),
    ("generate", {"latents": zeros(1, 1, LATENT)}, 400, "latents", r"wants \[count, 8\]"),
    ("generate", {"latents": zeros(0, LATENT)}, 400, "latents", r"not \[0, 8\]"),
    ("generate", {"latents": zeros(41, LATENT)}, 400, "latents", "at most 40"),
    ("generate", {"latents": NAN}, 400, "latents", "NaN or infinity"),
    ("generate", {"latents": zeros(2, LATENT), "count": 3}, 400, "count", "3 does not fit 2 latents"),
    ("generate", {"latents": zeros(1, LATENT), "seed": 1}, 400, None, "seed or latents, not both"),
    ("generate", {"model": "x" * 300}, 400, "model", "at most 200"),
    ("sample", {"count": 41}, 400, "count", "at most 40"),
    ("decode", {}, 400, "features", "required"),
    (
        "decode",
        {"features": zeros(1, 4, BANDS + 1)},
        400,
        "features",
        r"wants \[count, frames, 16\], not \[1, 4, 17\]",
    ),
    ("decode", {"features": zeros(1, 0, BANDS)}, 400, "features", "wants"),
    ("decode", {"features": zeros(BANDS)}, 400, "features", "wants"),
    ("decode", {"features": np.full((1, 4, BANDS), np.inf, np.float32)}, 400, "features", "NaN or infinity"),
    ("decode", {"features": zeros(1, 2600, BANDS)}, 413, "features", "20.8 seconds of sound; at most 20"),
    ("analyse", {"audio": b"this is no sound"}, 415, None, "no sound file"),
    ("interpolate", {"seeds": [1]}, 400, "seeds", "at least 2"),
    ("interpolate", {"seeds": [1, 2], "steps": 1}, 400, "steps", "greater than or equal to 2"),
    ("interpolate", {"seeds": [1, 2], "steps": 41}, 400, "steps", "at most 40"),
    ("generate", {"pitch": 60}, 400, "pitch", "model 'tiny' has no pitches"),
    ("generate", {"pitch": 128}, 400, "pitch", "less than or equal to 127"),
    ("sample", {"pitch": 60, "label": "one"}, 400, None, "label or pitch, not both"),
    ("interpolate", {"seeds": [1, 2], "pitch": 60}, 400, "pitch", "model 'tiny' has no pitches"),
    ("render", {}, 400, "midi", "required"),
    ("render", {"midi": b"no tune"}, 400, "model", "its labels stand for no pitches"),
    ("render", {"midi": b"x", "out_of_range": "wrap"}, 400, "out_of_range", "fold"),
    ("render", {"midi": b"x", "release_seconds": -1}, 400, "release_seconds", "greater than or equal to 0"),
    ("render", {"midi": b"x", "latent_seconds": 0}, 400, "latent_seconds", "greater than or equal to 0.01"),
]


@pytest.mark.parametrize("case", BOTH, ids=lambda case: f"{case[0]}-{case[4]}")
def test_a_mistake_is_told_alike_on_both_transports(
    server: Server, case: tuple[str, Fields, int, str | None, str]
) -> None:
    operation, fields, status, field, words = case
    answer = server.http.post(f"/v1/{operation}", json={name: as_json(value) for name, value in fields.items()})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = check_problem(answer.content, status, f"/v1/{operation}")
    assert problem.get("field") == field

    method, kind = REQUESTS[operation]
    with pytest.raises(grpc.RpcError) as refused:
        getattr(server.stub, method)(kind(**{name: as_proto(value) for name, value in fields.items()}))
    assert refused.value.code() == CODES[status]
    assert refused.value.details() == problem["detail"]
    assert re.search(words, problem["detail"])
    told = details(refused.value)
    assert told["ErrorInfo"] == {"reason": problem["type"].rpartition(":")[2].upper(), "domain": "latentone"}
    violation = {"field": field, "description": problem["detail"]}
    assert told.get("BadRequest") == ({"field_violations": [violation]} if field else None)


def details(error: Any) -> Fields:
    """Return the details of a status by their names, as grpcio's own reader finds them."""
    status = rpc_status.from_call(error)
    found = (json_format.MessageToDict(part, preserving_proto_field_name=True) for part in status.details)
    return {part.pop("@type").rpartition(".")[2]: part for part in found}


def test_a_text_that_quotes_the_request_fits_into_the_trailer(server: Server) -> None:
    """In the worst case: signs of three bytes, each of them escaped. Clients fail a call whose trailer is larger."""
    infer = GRPCInferenceServiceStub(server.channel).ModelInfer
    with pytest.raises(grpc.RpcError) as refused:
        infer(open_inference_pb2.ModelInferRequest(model_name="tiny", model_version="€" * 3000))
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
    assert details(refused.value)["BadRequest"]["field_violations"][0]["field"] == "version"


def as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        data = value.astype("<f4").tobytes()
        return {"shape": list(value.shape), "data": base64.b64encode(data).decode()}
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def as_proto(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return pb.Tensor(shape=value.shape, data=value.astype("<f4").tobytes())
    return value


def saved(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def archived(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, array)
    return buffer.getvalue()


def lying() -> bytes:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4000, 16)}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/generate", b"{", 400, "not JSON"),
        ("/v1/generate", b"[1, 2]", 400, "must be a JSON object"),
        ("/v1/generate", b"\xff\xfe", 400, "not JSON"),
        ("/v1/generate", b"[" * 100_000, 400, "not JSON"),
        ("/v1/generate", b'{"sede": 3}', 400, "sede: no such field; known: model"),
        ("/v1/generate", b'{"seed": -1}', 400, "seed"),
        ("/v1/generate", b'{"seed": 18446744073709551616}', 400, "seed"),
        ("/v1/generate", b'{"seed": "lucky"}', 400, "seed"),
        ("/v1/generate", b'{"latents": [[1, 2], [3]]}', 400, "equal lengths"),
        ("/v1/generate", b'{"latents": [[NaN, 0, 0, 0, 0, 0, 0, 0]]}', 400, "NaN or infinity"),
        ("/v1/generate", b'{"latents": "zeros"}', 400, "nested lists"),
        ("/v1/generate?count=many", b"", 400, "count"),
        ("/v1/generate?colour=red", b"", 400, "colour: no such field"),
        ("/v1/sample?format=wav", b"", 400, "npy, json, base64, png or grey"),
        ("/v1/decode", saved(np.array([{}], dtype=object), allow_pickle=True), 400, "pickled"),
        ("/v1/decode", archived(zeros(1, 4, BANDS)), 400, "npz"),
        ("/v1/decode", lying(), 400, "promises 256000 bytes of data, 0 came"),
        ("/v1/decode", saved(zeros(1, 4, BANDS))[:-3], 400, "promises 256 bytes of data, 253 came"),
        ("/v1/decode", saved(zeros(1, 4, 3)), 400, "wants"),
        ("/v1/decode", saved(np.full((1, 4, BANDS), np.nan)), 400, "NaN or infinity"),
        ("/v1/decode", b"some text", 415, "neither an .npy array, a PNG picture nor JSON"),
        ("/v1/analyse", b"some text", 415, "no sound file"),
        ("/v1/analyse", b"", 400, "audio: Field required"),
        ("/v1/analyse", b'{"audio": "!"}', 400, "base64"),
        ("/decode", b'{"features": {}}', 400, "can't be read"),
    ],
)  # fmt: skip
def test_a_body_that_can_not_be_taken_is_refused_in_words(
    server: Server, path: str, body: bytes, status: int, words: str
) -> None:
    answer = server.http.post(path, content=body)
    assert answer.status_code == status, answer.text
    assert words in check_problem(answer.content, status, path.partition("?")[0])["detail"]


@pytest.mark.parametrize("path", ["/v1/generate", "/v1/decode", "/v1/analyse", "/decode"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(server: Server, path: str, chunked: bool) -> None:
    body: Any = (b"x" * 65_536 for _ in range(20)) if chunked else b"x" * (2**20 + 1)
    answer = server.http.post(path, content=body)
    assert answer.status_code == 413
    assert check_problem(answer.content, 413, path)["detail"] == "the body is over 1048576 bytes"


def test_a_message_over_the_limit_is_refused(server: Server) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        server.stub.Analyse(pb.AnalyseRequest(audio=b"x" * (2**20 + 1)))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/models/nope", 404),
        ("GET", "/v1/models/tiny/versions/9", 404),
        ("GET", "/v1/models/tiny/versions/x", 400),
        ("GET", "/v1/render", 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/static_content/none.js", 404),
    ],
)
def test_every_failure_is_a_problem_document(server: Server, method: str, path: str, status: int) -> None:
    answer = server.http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    check_problem(answer.content, status, path)


def test_a_form_that_nobody_can_give_is_not_acceptable(server: Server) -> None:
    for path in ("/v1/generate", "/v1/sample"):
        answer = server.http.post(path, headers={"accept": "text/html"})
        assert answer.status_code == 406
        check_problem(answer.content, 406, path)


def test_a_full_queue_is_told_with_a_time_to_come_back(server: Server) -> None:
    """The queue takes 40 items: with anything in it, there is no room for a request of 40."""
    counts = (16, 20, 20)  # the first becomes a batch at once
    running = [server.stub.Generate.future(pb.GenerateRequest(model="slow", count=count)) for count in counts]
    server.wait_until(lambda: total(server, "latentone_queue_depth") > 0)
    answer = server.generate(count=40)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    with pytest.raises(grpc.RpcError) as refused:
        server.stub.Generate(pb.GenerateRequest(count=40))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    seconds = int(dict(refused.value.trailing_metadata())["retry-after"])
    assert seconds >= 1
    assert details(refused.value)["RetryInfo"] == {"retry_delay": f"{seconds}s"}
    for call in running:
        call.cancel()
    server.wait_until(lambda: total(server, "latentone_queue_depth") == 0)


def hang_up(server: Server, wanted: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.http_port)) as connection:
        head = f"POST /v1/generate HTTP/1.1\r\nhost: here\r\ncontent-length: {len(wanted)}\r\n\r\n"
        connection.sendall(head.encode() + wanted)
        time.sleep(0.3)


def test_the_work_of_a_client_that_hangs_up_is_not_done(server: Server) -> None:
    blocker = server.stub.Generate.future(pb.GenerateRequest(model="slow"))
    before = total(server, "latentone_batch_size_sum", model="slow")
    hang_up(server, b'{"model": "slow", "count": 40}')
    dropped = server.stub.Generate.future(pb.GenerateRequest(model="slow", count=20))
    server.wait_until(lambda: total(server, "latentone_queue_depth") > 0)
    dropped.cancel()
    server.wait_until(lambda: total(server, "latentone_in_flight") == 0 and blocker.done())
    # A batch or two of eight may have begun for each before they left; all of it would be 61 items.
    assert total(server, "latentone_batch_size_sum", model="slow") - before <= 1 + 4 * 8
    assert total(server, "latentone_queue_depth") == 0
    assert total(server, "latentone_request_duration_seconds_count", code="499") >= 1
    assert total(server, "latentone_request_duration_seconds_count", code="CANCELLED") >= 1
