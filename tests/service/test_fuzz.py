"""Whatever comes, the answer is no error of ours: bodies of every kind, honest ones that were damaged and nonsense.

`make fuzz` does the same with more than a hundred thousand bodies. They go to a real server.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from random import Random
from typing import Any

import grpc
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis import predict_pb2

from service.generated.inference import open_inference_pb2 as infer
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.grey_picture import write_grey
from tests.service.conftest import Server
from tests.service.midi_files import golden_tune, scale
from tests.service.tiny_model import BANDS, LATENT, RATE_HZ

EXAMPLES, BODIES = int(os.environ.get("FUZZ_EXAMPLES", "4")), 50  # of each kind; bodies of one
OURS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
CHANCE = st.randoms(use_true_random=True)  # which a failure says how to have again
fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


class Service:
    """A server that is sent what it may not fail at."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """POST, and return status and body."""
        answer = self._server.http.post(path, content=body)
        return answer.status_code, answer.content

    def call(self, method: str, message: bytes) -> grpc.StatusCode:
        """Call a method with bytes, and return the status."""
        try:
            self._server.channel.unary_unary(method)(message, timeout=30)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return grpc.StatusCode.OK


@pytest.fixture(scope="module")
def service(kinds_server: Server) -> Iterator[Service]:
    """Return the service, which has to log no failure of its own."""
    before = kinds_server.log.stat().st_size
    yield Service(kinds_server)
    assert b"Traceback" not in kinds_server.log.read_bytes()[before:]


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def sound(form: str, subtype: str | None = None, channels: int = 1) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2000, channels))
    soundfile.write(buffer, noise, RATE_HZ, format=form, subtype=subtype)
    return buffer.getvalue()


def damaged(chance: Random, honest: list[bytes]) -> bytes:
    """Return one of the bodies after a few changes: bytes set, put in, taken out, repeated; cut short."""
    body = bytearray(chance.choice(honest))
    for _ in range(chance.randrange(6)):
        reach = chance.choice([128, len(body)])  # heads are where most can go wrong
        place, length = chance.randrange(min(len(body), reach) + 1), chance.randint(1, 8)
        piece = chance.choice([chance.randbytes(length), b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])
        how = chance.choice(["set", "set", "insert", "delete", "repeat", "cut"])
        if how == "set":
            body[place : place + len(piece)] = piece
        elif how == "insert":
            body[place:place] = piece
        elif how == "delete":
            del body[place : place + length]
        elif how == "repeat":
            body[place:place] = body[place : place + 64] * length
        else:
            del body[place:]
    return bytes(body)


NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, 1, -1, 2**31, 2**64, 1e308, 0.5]))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=12), st.sampled_from(["wav", "", "1", "C4"]))
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
ROWS = st.lists(st.lists(st.one_of(st.floats(-2, 2), NUMBERS), min_size=LATENT, max_size=LATENT), max_size=3)
MEL = st.lists(st.lists(st.one_of(st.floats(-2, 2), NUMBERS), min_size=BANDS, max_size=BANDS), max_size=3)
PACKED = st.builds(
    lambda shape, data: {"shape": shape, "data": data},
    st.lists(st.integers(-1, 20), max_size=4),
    st.one_of(st.text(max_size=8), st.binary(max_size=64).map(lambda raw: base64.b64encode(raw).decode())),
)
FIELDS = {
    "model": st.one_of(st.just("notes"), SCALARS), "version": st.one_of(st.just(1), SCALARS), "seed": SCALARS,
    "count": st.one_of(st.integers(-1, 70), SCALARS), "label": SCALARS, "pitch": SCALARS, "latents": ROWS | PACKED,
    "format": SCALARS, "features": MEL | PACKED, "picture": SCALARS, "black": SCALARS, "white": SCALARS,
    "definition": st.dictionaries(st.sampled_from(["n_fft", "hop_samples", "n_mels", "log"]), SCALARS),
    "iterations": SCALARS, "peak": SCALARS, "audio": SCALARS, "seeds": st.lists(NUMBERS, max_size=4) | SCALARS,
    "steps": SCALARS, "sounds": st.lists(SCALARS, max_size=2), "midi": SCALARS, "programs": ANY_JSON,
    "channels": ANY_JSON, "latent_seconds": SCALARS, "out_of_range": SCALARS,
    "instances": st.lists(st.fixed_dictionaries({"latent": ANY_JSON, "label": SCALARS}), max_size=3) | ANY_JSON,
    "inputs": ANY_JSON, "signature_name": SCALARS, "id": SCALARS, "parameters": ANY_JSON, "outputs": ANY_JSON,
}  # fmt: skip
OF_PATHS = {
    "/v1/generate": ("model", "version", "seed", "count", "label", "pitch", "latents", "format"),
    "/v1/sample": ("model", "seed", "count", "label", "latents", "format"),
    "/v1/decode": ("model", "features", "picture", "black", "white", "definition", "iterations", "peak", "format"),
    "/v1/analyse": ("model", "audio", "format"),
    "/v1/interpolate": ("seeds", "steps", "sounds", "label", "format"),
    "/v1/render": ("midi", "seed", "programs", "channels", "latent_seconds", "out_of_range"),
    "/v1/vary?model=likes": ("audio", "seed"),
    "/v1/models/notes:predict": ("instances", "inputs", "signature_name"),
    "/v2/models/notes/infer": ("id", "parameters", "inputs", "outputs"),
}
WORDS = [b'{"seed": 3, "latents": [[1, 2]]}', b'{"features": {"shape": [1, 4, 16], "data": "AAAA"}}']


@st.composite
def objects(draw: st.DrawFn) -> tuple[str, Any]:
    """Return a path and an object of its fields, or any other JSON."""
    path = draw(st.sampled_from(sorted(OF_PATHS)))
    names = draw(st.lists(st.sampled_from(OF_PATHS[path]), unique=True))
    fields: Any = {name: draw(FIELDS[name]) for name in names}
    return path, draw(st.sampled_from([fields, fields, fields, draw(ANY_JSON)]))


def check(answer: tuple[int, bytes]) -> None:
    status, body = answer
    assert status < 500, body[:500]


@settings(fuzz, max_examples=10 * EXAMPLES)
@given(objects(), CHANCE)
def test_json(service: Service, asked: tuple[str, Any], chance: Random) -> None:
    path, fields = asked
    text = json.dumps(fields).encode(errors="replace")
    check(service.post(path, text))
    for _ in range(BODIES // 10):
        check(service.post(path, damaged(chance, [text, *WORDS])))


def check_all(service: Service, chance: Random, paths: list[str], honest: list[bytes]) -> None:
    for _ in range(BODIES):
        check(service.post(chance.choice(paths), damaged(chance, honest)))


ARRAYS = [
    saved(np.zeros((1, 4, BANDS), np.float32)), saved(np.zeros((4, BANDS), np.float64)),
    saved(np.asfortranarray(np.zeros((2, 3, BANDS), np.float16))), saved(np.ones((1, 2, BANDS), np.uint8)),
    b"\x93NUMPY", b"PK\x03\x04",
]  # fmt: skip
MEL_PATHS = ["/v1/decode", "/v1/decode?format=flac", "/v1/decode?black=-1&white=1"]


@fuzz
@given(CHANCE)
def test_arrays_of_mel(service: Service, chance: Random) -> None:
    check_all(service, chance, MEL_PATHS, ARRAYS)


PICTURES = [write_grey(np.zeros((9, BANDS), np.float32), -1.0, 1.0), b"\x89PNG\r\n\x1a\n"]


@fuzz
@given(CHANCE)
def test_pictures_of_mel(service: Service, chance: Random) -> None:
    check_all(service, chance, MEL_PATHS, PICTURES)


SOUNDS = [
    sound("WAV"), sound("WAV", "FLOAT"), sound("WAV", "ULAW"), sound("FLAC"), sound("OGG"), sound("MP3"), sound("AIFF"),
    sound("WAV", channels=3), sound("OGG", "OPUS"), sound("CAF"), sound("AU"), sound("W64"),
]  # fmt: skip


@fuzz
@given(CHANCE)
def test_sounds(service: Service, chance: Random) -> None:
    check_all(service, chance, ["/v1/analyse", "/v1/vary?model=likes"], SOUNDS)


TUNE_PATHS = [f"/v1/render{query}" for query in ("", "?out_of_range=skip", "?percussion=true&format=mp3")]
TUNES = [golden_tune(), scale(60, 64, 67), scale(30, 90, channel=9)]


@fuzz
@given(CHANCE)
def test_tunes(service: Service, chance: Random) -> None:
    check_all(service, chance, TUNE_PATHS, TUNES)


def messages() -> list[tuple[str, bytes]]:
    """Return honest messages by their methods."""
    tensor = pb.Tensor(shape=[1, 2, BANDS], data=bytes(4 * 2 * BANDS))
    latents = pb.Tensor(shape=[1, LATENT], data=bytes(4 * LATENT))
    predict = predict_pb2.PredictRequest()
    predict.model_spec.name = "notes"
    for name, dtype, shape, data in (("latent", 1, [1, LATENT], bytes(4 * LATENT)), ("label", 3, [1], bytes(4))):
        given = predict.inputs[name]
        given.dtype, given.tensor_content = dtype, data
        for length in shape:
            given.tensor_shape.dim.add(size=length)
    asked = infer.ModelInferRequest(model_name="notes", raw_input_contents=[bytes(4 * LATENT), bytes(4)])
    asked.inputs.add(name="latent", datatype="FP32", shape=[1, LATENT])
    asked.inputs.add(name="label", datatype="INT32", shape=[1])
    ours = {
        "Generate": pb.GenerateRequest(seed=3, label="p60", count=2), "Sample": pb.SampleRequest(latents=latents),
        "Decode": pb.DecodeRequest(features=tensor, format="pcm"), "Analyse": pb.AnalyseRequest(audio=SOUNDS[0]),
        "Interpolate": pb.InterpolateRequest(seeds=[1, 2], steps=3),
        "Vary": pb.VaryRequest(model="likes", audio=SOUNDS[0]),
        "Render": pb.RenderRequest(midi=TUNES[1], programs={1: 2}), "GetModel": pb.GetModelRequest(model="notes"),
    }  # fmt: skip
    found = [(f"/latentone.v1.Synthesizer/{name}", message.SerializeToString()) for name, message in ours.items()]
    found.append(("/tensorflow.serving.PredictionService/Predict", predict.SerializeToString()))
    found.append(("/inference.GRPCInferenceService/ModelInfer", asked.SerializeToString()))
    return found


MESSAGES = messages()


@fuzz
@given(CHANCE)
def test_messages(service: Service, chance: Random) -> None:
    for _ in range(BODIES):
        method, honest = chance.choice(MESSAGES)
        body = damaged(chance, [honest])
        assert service.call(method, body) not in OURS, (method, body[:500])


def test_what_is_not_damaged_is_answered(service: Service) -> None:
    """The bodies that are damaged above are honest ones: else the tests above would test little."""
    for method, honest in MESSAGES:
        assert service.call(method, honest) is grpc.StatusCode.OK, method
    for body in (*ARRAYS[:4], PICTURES[0]):
        assert service.post("/v1/decode", body)[0] == 200
    for body in SOUNDS[:7]:
        assert service.post("/v1/analyse", body)[0] == 200
    for body in TUNES[:2]:
        assert service.post("/v1/render", body)[0] == 200
