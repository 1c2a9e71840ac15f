"""The Open Inference Protocol's gRPC service of a real server, through the committed stubs."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest

from service.generated.inference import open_inference_pb2 as pb
from service.generated.inference.open_inference_pb2_grpc import GRPCInferenceServiceStub
from tests.service.conftest import Server, refused
from tests.service.own import decoded, drawn, features_of, generated
from tests.service.test_metrics import total
from tests.service.tiny_model import BANDS, FRAMES, HOP, LATENT

Code = grpc.StatusCode
LATENTS = drawn(3)
LABELS = np.ones(3, np.int32)
LONG = np.zeros((1, 2600, BANDS), np.float32)
TYPES = {"float32": "FP32", "int32": "INT32"}


def stub(server: Server) -> GRPCInferenceServiceStub:
    return GRPCInferenceServiceStub(server.channel)


def request(*, raw: bool = True, outputs: tuple[str, ...] = (), signature: Any = None, **given: Any) -> Any:
    """Return a request; arrays are its inputs and everything else its fields."""
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    fields = {"model_name": "tiny"} | {name: value for name, value in given.items() if name not in arrays}
    wanted = pb.ModelInferRequest(**fields)
    for name, array in arrays.items():
        tensor = wanted.inputs.add(name=name, datatype=TYPES.get(array.dtype.name, "FP64"), shape=array.shape)
        if raw:
            wanted.raw_input_contents.append(array.tobytes())
        else:
            field = {"FP32": "fp32_contents", "INT32": "int_contents", "FP64": "fp64_contents"}[tensor.datatype]
            getattr(tensor.contents, field).extend(array.ravel().tolist())
    for name in outputs:
        wanted.outputs.add(name=name)
    if signature is not None:
        wanted.parameters["signature"].CopyFrom(signature)
    return wanted


def named(signature: str) -> pb.InferParameter:
    return pb.InferParameter(string_param=signature)


def values(answer: pb.ModelInferResponse) -> np.ndarray:
    (output,) = answer.outputs
    assert output.datatype == "FP32"
    if answer.raw_output_contents:
        assert not output.HasField("contents")
        return np.frombuffer(answer.raw_output_contents[0], "<f4").reshape(output.shape)
    return np.array(output.contents.fp32_contents, np.float32).reshape(output.shape)


def infer(server: Server, **given: Any) -> np.ndarray:
    return values(stub(server).ModelInfer(request(**given)))


@pytest.mark.parametrize("raw", [True, False])
def test_generate_has_the_bits_of_our_own(server: Server, raw: bool) -> None:
    answer = stub(server).ModelInfer(request(raw=raw, latent=LATENTS, label=LABELS, id="42"))
    assert (answer.model_name, answer.model_version, answer.id) == ("tiny", "2", "42")
    assert answer.outputs[0].name == "waveform"
    assert bool(answer.raw_output_contents) == raw
    np.testing.assert_array_equal(values(answer), generated(server, LATENTS))


def test_the_names_of_the_tensors_say_which_signature_is_meant(server: Server) -> None:
    features = infer(server, latent=LATENTS, label=LABELS, outputs=("features",))
    np.testing.assert_array_equal(features, features_of(server, LATENTS))
    waveform = infer(server, features=features)
    np.testing.assert_array_equal(waveform, decoded(server, features))
    assert infer(server, waveform=waveform).shape == (3, FRAMES, BANDS)


def test_a_parameter_may_name_the_signature(server: Server) -> None:
    features = infer(server, latent=LATENTS, label=LABELS, signature=named("sample"))
    np.testing.assert_array_equal(features, features_of(server, LATENTS))
    waveform = infer(server, latent=LATENTS, label=LABELS, signature=named("serving_default"))
    np.testing.assert_array_equal(waveform, generated(server, LATENTS))


def test_the_order_of_the_tensors_does_not_matter(server: Server) -> None:
    np.testing.assert_array_equal(infer(server, label=LABELS, latent=LATENTS), generated(server, LATENTS))


def test_a_version_is_chosen(server: Server) -> None:
    old = infer(server, latent=LATENTS, label=LABELS, model_version="1")
    np.testing.assert_array_equal(old, generated(server, LATENTS, version=1))


def test_stereo_and_raw_models_are_called(kinds_server: Server) -> None:
    wide = infer(kinds_server, model_name="wide", latent=LATENTS, label=LABELS)
    np.testing.assert_array_equal(wide, generated(kinds_server, LATENTS, model="wide"))
    raw = infer(kinds_server, model_name="raw", latent=LATENTS)
    np.testing.assert_array_equal(raw, generated(kinds_server, LATENTS, model="raw", labelled=False))


def test_the_server_says_what_it_is_and_that_it_is_ready(server: Server) -> None:
    assert stub(server).ServerLive(pb.ServerLiveRequest()).live
    assert stub(server).ServerReady(pb.ServerReadyRequest()).ready
    described = stub(server).ServerMetadata(pb.ServerMetadataRequest())
    assert described.name == "latentone"
    assert list(described.extensions) == ["binary_tensor_data"]


def test_a_model_says_what_it_takes(server: Server) -> None:
    assert stub(server).ModelReady(pb.ModelReadyRequest(name="tiny")).ready
    answer = stub(server).ModelMetadata(pb.ModelMetadataRequest(name="tiny"))
    assert (answer.name, list(answer.versions), answer.platform) == ("tiny", ["1", "2"], "tensorflow_savedmodel")
    assert [(one.name, one.datatype, list(one.shape)) for one in answer.inputs] == [
        ("latent", "FP32", [-1, LATENT]),
        ("label", "INT32", [-1]),
    ]
    assert [(one.name, one.datatype, list(one.shape)) for one in answer.outputs] == [
        ("waveform", "FP32", [-1, FRAMES * HOP])
    ]


BAD = [
    ({"model_name": ""}, Code.INVALID_ARGUMENT, "names no model"),
    ({"model_name": "nope"}, Code.NOT_FOUND, "no model 'nope'"),
    ({"model_version": "9"}, Code.NOT_FOUND, "no version 9"),
    ({"model_version": "0"}, Code.NOT_FOUND, "no version '0'"),
    ({"model_version": "-1"}, Code.NOT_FOUND, "no version '-1'"),
    ({"model_version": "9" * 30}, Code.NOT_FOUND, "no version"),
    ({"model_version": "stable"}, Code.NOT_FOUND, "no version 'stable'"),
    ({"signature": named("nope")}, Code.FAILED_PRECONDITION, 'Serving signature key "nope" not found'),
    ({"signature": named("decode")}, Code.INVALID_ARGUMENT, "Missing but required: {features}"),
    ({"signature": pb.InferParameter(int64_param=1)}, Code.INVALID_ARGUMENT, "parameters.signature: must be a text"),
    ({"signature": named("generate"), "outputs": ("features",)}, Code.INVALID_ARGUMENT, "expected to be in the set"),
    ({"label": None}, Code.INVALID_ARGUMENT, "takes latent; it has generate: latent, label to waveform"),
    ({"label": None, "latent": None}, Code.INVALID_ARGUMENT, "takes nothing; it has"),
    ({"outputs": ("sound",)}, Code.INVALID_ARGUMENT, "takes latent, label and gives sound; it has"),
    ({"outputs": ("waveform", "waveform")}, Code.INVALID_ARGUMENT, "and gives waveform, waveform"),
    ({"latent": LATENTS.astype(np.float64)}, Code.INVALID_ARGUMENT, "latent: the signature takes FP32, not 'FP64'"),
    ({"latent": LATENTS[:, 1:]}, Code.INVALID_ARGUMENT, "latent: the signature takes [-1, 8], not [3, 7]"),
    ({"latent": LATENTS[0]}, Code.INVALID_ARGUMENT, "not [8]"),
    ({"label": LABELS[:2]}, Code.INVALID_ARGUMENT, "equal 0th-dimension size"),
    ({"label": LABELS + 2}, Code.INVALID_ARGUMENT, "has labels 0 to 2, not 3"),
    ({"latent": LATENTS * np.nan}, Code.INVALID_ARGUMENT, "latent: must be finite"),
    ({"latent": drawn(41), "label": np.ones(41, np.int32)}, Code.INVALID_ARGUMENT, "at most 40 items"),
    ({"latent": None, "label": None, "features": LONG}, Code.RESOURCE_EXHAUSTED, "20.8 s"),
]  # fmt: skip


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("case", BAD, ids=lambda case: case[2])
def test_a_mistake_is_told(server: Server, case: tuple[dict[str, Any], Any, str], raw: bool) -> None:
    fields, code, words = case
    given = {"latent": LATENTS, "label": LABELS} | fields
    wanted = request(raw=raw, **{name: value for name, value in given.items() if value is not None})
    answer = refused(stub(server).ModelInfer, wanted)
    assert answer[0] == code
    assert words in answer[1]


def test_tensors_that_lie_about_themselves_are_refused(server: Server) -> None:
    method = stub(server).ModelInfer
    short = request(latent=LATENTS, label=LABELS)
    short.raw_input_contents[0] = short.raw_input_contents[0][1:]
    fewer = request(latent=LATENTS, label=LABELS)
    del fewer.raw_input_contents[1:]
    both = request(latent=LATENTS, label=LABELS)
    both.inputs[0].contents.fp32_contents.append(1)
    elsewhere = request(latent=LATENTS, label=LABELS, raw=False)
    elsewhere.inputs[0].contents.ClearField("fp32_contents")
    elsewhere.inputs[0].contents.fp64_contents.extend([0.0] * 24)
    twice = request(latent=LATENTS, label=LABELS)
    twice.inputs.add().CopyFrom(twice.inputs[0])
    huge = request(latent=LATENTS, label=LABELS)
    huge.inputs[0].shape[0] = 2**62
    negative = request(latent=LATENTS, label=LABELS)
    negative.inputs[0].shape[0] = -3
    cases = [
        (short, "latent: shape [3, 8] wants 96 bytes of FP32, 95 came"),
        (fewer, "raw_input_contents: 1 came for 2 inputs"),
        (both, "latent: contents must be absent where raw_input_contents is used"),
        (elsewhere, "latent: shape [3, 8] does not fit data of [0]"),
        (twice, "no signature of model 'tiny' takes latent, label, latent"),
        (huge, "bytes of FP32, 96 came"),
        (negative, "not [-3, 8]"),
    ]
    for wanted, words in cases:
        code, text = refused(method, wanted)
        assert code == Code.INVALID_ARGUMENT
        assert words in text


def test_models_that_are_not_there_are_not_found(server: Server) -> None:
    for method, kind in (
        (stub(server).ModelReady, pb.ModelReadyRequest),
        (stub(server).ModelMetadata, pb.ModelMetadataRequest),
    ):
        assert refused(method, kind(name="nope"))[0] == Code.NOT_FOUND
        assert refused(method, kind(name="tiny", version="9"))[0] == Code.NOT_FOUND


def test_a_deadline_is_kept(server: Server) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        stub(server).ModelInfer(request(model_name="slow", latent=LATENTS, label=LABELS), timeout=0.1)
    assert failure.value.code() == Code.DEADLINE_EXCEEDED


def test_calls_are_counted_by_operation_and_model(server: Server) -> None:
    labels = {"transport": "grpc", "operation": "infer", "model": "tiny", "code": "OK"}
    before = total(server, "latentone_request_duration_seconds_count", **labels)
    infer(server, latent=LATENTS, label=LABELS)
    assert total(server, "latentone_request_duration_seconds_count", **labels) == before + 1
