"""No failure tells a stranger what is none of their business, on either transport: places, versions, code."""

from __future__ import annotations

import json
import re
from typing import Any

import grpc
import pytest
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from service.generated.inference import open_inference_pb2 as v2
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import ROOT, Server

GARBAGE = [b"\xff" * 20, b"\x08", b"\x12\xff\xff\xff\xff\x0f"]
JSON = {"content-type": "application/json"}
TELLTALE = re.compile(
    r"Traceback|File \"|\.pyx?\b|<class|<_io|object at 0x|0x[0-9a-f]{6}|Exception|\wError\b"
    r"|site-packages|/(home|root|tmp|usr|opt|var|proc|work)\b|assets\.extra|variables"
    r"|(?i:pydantic|numpy|bentoml|starlette|fastapi|uvicorn|soundfile|libsndfile|mido|pillow|tensorflow\.python)"
    r"|\b\d+\.\d+\.\d+\b|\bservice\.\w|\blog_?file|127\.0\.0\.1:\d"
)


def check(text: str, server: Server) -> None:
    """Hold a text to what a stranger may read."""
    told = TELLTALE.search(text)
    assert told is None, f"{told[0]!r} in {text}"
    for place in (str(ROOT), str(server.log.parent)):
        assert place not in text


HTTP: list[tuple[str, str, bytes, dict[str, str]]] = [
    ("POST", "/v1/generate", b"{", {}),
    ("POST", "/v1/generate", b'{"model": "../../etc/passwd"}', {}),
    ("POST", "/v1/generate", b'{"format": "exe"}', {}),
    ("POST", "/v1/generate", b'{"latents": {"shape": [1], "data": "!"}}', {}),
    ("POST", "/v1/generate", b"", {"accept": "text/html"}),
    ("POST", "/v1/decode", b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16, {}),
    ("POST", "/v1/decode", b"\x93NUMPY\x01\x00\x12\x00{'descr': __import__", {}),
    ("POST", "/v1/decode", b"\x89PNG\r\n\x1a\nnonsense", {}),
    ("POST", "/v1/decode", b"text", {}),
    ("POST", "/v1/analyse", b"RIFF\xff\xff\xff\xffWAVEfmt ", {}),
    ("POST", "/v1/analyse", b"OggS\x00nonsense", {}),
    ("POST", "/v1/vary", b"fLaC\x00\x00\x00\x22nonsense", {}),
    ("POST", "/v1/render", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60MTrk\xff\xff\xff\xff", {}),
    ("POST", "/v1/render", b"MThd", {}),
    ("POST", "/v1/generate", b" " * (2**20 + 1), {}),
    ("GET", "/v1/models/..%2f..%2fetc", b"", {}),
    ("GET", "/v1/models/tiny/versions/x", b"", {}),
    ("POST", "/v1/models/tiny:predict", b'{"instances": [{"nonsense": 1}]}', {}),
    ("POST", "/v1/models/tiny:predict", b'{"instances": 1}', {}),
    ("POST", "/v1/models/tiny:predict", b'{"signature_name": "../x", "instances": [1]}', {}),
    ("POST", "/v1/models/tiny:classify", b"{}", {}),
    ("POST", "/v1/models/tiny/labels/canary:predict", b"{}", {}),
    ("POST", "/v2/models/tiny/infer", b'{"inputs": [{"name": "latent"}]}', {}),
    ("POST", "/v2/models/tiny/infer", b"{}", {"inference-header-content-length": "x"}),
    ("GET", "/v2/models/nope", b"", {}),
    ("POST", "/generate", b"[]", JSON),
    ("POST", "/generate", b'{"seed": "x"}', JSON),
    ("POST", "/decode", b'{"features": "x"}', JSON),
    ("POST", "/decode", b'{"features": [[1], [2, 3]]}', JSON),
    ("POST", "/decode", b'{"features": {"a": 1}}', JSON),
    ("POST", "/decode", b"x", {"content-type": "multipart/form-data; boundary=y"}),
    ("POST", "/decode", b"x", {"content-type": "application/vnd.bentoml+pickle"}),
    ("GET", "/static_content/%2e%2e/app.py", b"", {}),
    ("GET", "/static_content/swagger-ui.css", b"", {"range": "bytes=x"}),
    ("DELETE", "/", b"", {}),
    ("GET", "/nothing", b"", {}),
]


@pytest.mark.parametrize(("method", "path", "body", "headers"), HTTP)
def test_no_failure_over_http_says_more_than_a_stranger_may_read(
    disk_server: Server, method: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = disk_server.http.request(method, path, content=body, headers=headers)
    assert answer.status_code >= 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    problem.pop("instance")  # what the client itself has sent
    check(json.dumps(problem), disk_server)
    check("".join(value for name, value in answer.headers.items() if name != "date"), disk_server)


METHODS = [
    "latentone.v1.Synthesizer/Generate",
    "latentone.v1.Synthesizer/GenerateStream",
    "latentone.v1.Synthesizer/Render",
    "latentone.v1.Synthesizer/GetModel",
    "inference.GRPCInferenceService/ModelInfer",
    "inference.GRPCInferenceService/ModelMetadata",
    "tensorflow.serving.PredictionService/Predict",
    "tensorflow.serving.PredictionService/GetModelMetadata",
    "tensorflow.serving.ModelService/GetModelStatus",
    "tensorflow.serving.ModelService/HandleReloadConfigRequest",
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("message", GARBAGE)
def test_a_message_that_is_none_is_the_callers_mistake(disk_server: Server, method: str, message: bytes) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        disk_server.channel.unary_unary(f"/{method}")(message, timeout=20)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    check(refused.value.details(), disk_server)


def inference(**fields: Any) -> v2.ModelInferRequest:
    tensor = v2.ModelInferRequest.InferInputTensor(**fields)
    return v2.ModelInferRequest(model_name="tiny", inputs=[tensor], raw_input_contents=[b"x"])


def prediction(name: str, **fields: Any) -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = name
    request.inputs["latent"].CopyFrom(TensorProto(**fields))
    return request


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("latentone.v1.Synthesizer/Generate", pb.GenerateRequest(model="../../etc/passwd")),
        ("latentone.v1.Synthesizer/Generate", pb.GenerateRequest(latents=pb.Tensor(shape=[1], data=b"x"))),
        ("latentone.v1.Synthesizer/Decode", pb.DecodeRequest(picture=b"\x89PNG\r\n\x1a\nnonsense")),
        ("latentone.v1.Synthesizer/Analyse", pb.AnalyseRequest(audio=b"RIFF\xff\xff\xff\xffWAVEfmt ")),
        ("latentone.v1.Synthesizer/Render", pb.RenderRequest(midi=b"MThd")),
        ("latentone.v1.Synthesizer/GenerateStream", pb.GenerateStreamRequest(seconds=1e9)),
        ("latentone.v1.Synthesizer/Nothing", pb.GenerateRequest()),
        ("inference.GRPCInferenceService/ModelInfer", inference(name="latent", datatype="FP32", shape=[1, 8])),
        ("inference.GRPCInferenceService/ModelInfer", inference(name="nonsense", datatype="BYTES", shape=[-1])),
        ("tensorflow.serving.PredictionService/Predict", prediction("nope")),
        ("tensorflow.serving.PredictionService/Predict", prediction("tiny", dtype=7)),
        ("tensorflow.serving.PredictionService/Predict", prediction("tiny", dtype=1, tensor_content=b"x")),
    ],
)
def test_no_failure_over_grpc_says_more_than_a_stranger_may_read(
    disk_server: Server, method: str, message: Any
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        disk_server.channel.unary_unary(f"/{method}")(message.SerializeToString(), timeout=20)
    assert refused.value.code() not in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)
    check(refused.value.details(), disk_server)
    trailer = b"".join(
        value if isinstance(value, bytes) else value.encode() for _, value in refused.value.trailing_metadata()
    )
    check(re.sub(rb"type\.googleapis\.com/[\w.]+", b"", trailer).decode(errors="replace"), disk_server)
