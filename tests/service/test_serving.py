"""Predict of TensorFlow Serving's gRPC service, through the stubs and messages of tensorflow-serving-api."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests.service.conftest import Server, refused
from tests.service.own import decoded, drawn, features_of, generated
from tests.service.test_metrics import total
from tests.service.tiny_model import BANDS, FRAMES, HOP, KINDS

Code = grpc.StatusCode
LATENTS = drawn(3)
ONES = np.ones(3, np.int32)


def prediction(server: Server) -> Any:
    return prediction_service_pb2_grpc.PredictionServiceStub(server.channel)


def request(signature: str = "", model: str = "tiny", version: int | None = None, **inputs: Any) -> Any:
    wanted = predict_pb2.PredictRequest()
    wanted.model_spec.name, wanted.model_spec.signature_name = model, signature
    if version is not None:
        wanted.model_spec.version.value = version
    for name, value in inputs.items():
        wanted.inputs[name].CopyFrom(
            value if hasattr(value, "dtype") and hasattr(value, "DESCRIPTOR") else proto(value)
        )
    return wanted


def proto(value: Any) -> Any:
    return tf.make_tensor_proto(value)


def predict(server: Server, *names: Any, **inputs: Any) -> np.ndarray:
    answer = prediction(server).Predict(request(*names, **inputs))
    (output,) = answer.outputs.values()
    return np.asarray(tf.make_ndarray(output))


@pytest.mark.parametrize("signature", ["", "serving_default", "generate"])
def test_generate_has_the_bits_of_our_own(server: Server, signature: str) -> None:
    answer = prediction(server).Predict(request(signature, latent=LATENTS, label=ONES))
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("tiny", 2)
    assert answer.model_spec.signature_name == (signature or "serving_default")
    assert list(answer.outputs) == ["waveform"]
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["waveform"]), generated(server, LATENTS))


def test_sample_decode_and_analyse_have_the_bits_of_our_own(server: Server) -> None:
    features = predict(server, "sample", latent=LATENTS, label=ONES)
    np.testing.assert_array_equal(features, features_of(server, LATENTS))
    waveform = predict(server, "decode", features=features)
    np.testing.assert_array_equal(waveform, decoded(server, features))
    assert predict(server, "analyse", waveform=waveform).shape == (3, FRAMES, BANDS)


def test_any_number_of_frames_is_decoded(server: Server) -> None:
    assert predict(server, "decode", features=np.zeros((2, 5, BANDS), np.float32)).shape == (2, 5 * HOP)


def test_a_version_is_chosen_by_its_number(server: Server) -> None:
    old = predict(server, "", "tiny", 1, latent=LATENTS, label=ONES)
    np.testing.assert_array_equal(old, generated(server, LATENTS, version=1))


@pytest.mark.parametrize("model", ["wide", "raw"])
def test_models_of_other_kinds_are_called(kinds_server: Server, model: str) -> None:
    label = {"label": ONES} if KINDS[model].labels else {}
    waveform = predict(kinds_server, "", model, latent=LATENTS, **label)
    np.testing.assert_array_equal(waveform, generated(kinds_server, LATENTS, model=model, labelled=bool(label)))
    if KINDS[model].features:
        features = predict(kinds_server, "analyse", model, waveform=waveform)
        assert features.shape == (3, FRAMES, BANDS, 2)
        assert predict(kinds_server, "decode", model, features=features).shape == waveform.shape


def test_tensors_are_read_in_every_form_that_they_may_have(server: Server) -> None:
    numbers = tf.make_tensor_proto(LATENTS)
    numbers.ClearField("tensor_content")
    numbers.float_val.extend(LATENTS.ravel().tolist())
    one = tf.make_tensor_proto(1, dtype=tf.int32, shape=[3])
    assert len(one.int_val) == 1
    np.testing.assert_array_equal(predict(server, latent=numbers, label=one), generated(server, LATENTS))


def test_answers_are_numbers_that_every_client_reads(server: Server) -> None:
    output = prediction(server).Predict(request(latent=LATENTS, label=ONES)).outputs["waveform"]
    assert len(output.float_val) == 3 * FRAMES * HOP
    assert not output.tensor_content


def test_an_output_filter_chooses(server: Server) -> None:
    wanted = request(latent=LATENTS, label=ONES)
    wanted.output_filter.append("waveform")
    assert list(prediction(server).Predict(wanted).outputs) == ["waveform"]
    wanted.output_filter.append("waveform")
    assert refused(prediction(server).Predict, wanted) == (
        Code.INVALID_ARGUMENT,
        "duplicate output tensor alias: waveform",
    )


BAD = [
    ({"model": ""}, Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
    ({"model": "nope"}, Code.NOT_FOUND, "Servable not found for request: Latest(nope); there is no model 'nope'"),
    ({"version": 9}, Code.NOT_FOUND, "Servable not found for request: Specific(tiny, 9); model 'tiny' has no version"),
    ({"version": 0}, Code.NOT_FOUND, "Specific(tiny, 0)"),
    ({"version": -1}, Code.NOT_FOUND, "Specific(tiny, -1)"),
    ({"version": 2**62}, Code.NOT_FOUND, "Servable not found"),
    ({"signature": "classify"}, Code.FAILED_PRECONDITION, 'Serving signature key "classify" not found.'),
    ({"label": None}, Code.INVALID_ARGUMENT, "1!=2 len({latent}) != len({label,latent}). Sent extra: {}. Missing"),
    ({"x": ONES}, Code.INVALID_ARGUMENT, "Sent extra: {x}. Missing but required: {}."),
    ({"latent": LATENTS.astype(np.float64)}, Code.INVALID_ARGUMENT, "takes DT_FLOAT, not DT_DOUBLE"),
    ({"label": ONES.astype(np.int64)}, Code.INVALID_ARGUMENT, "label: the signature takes DT_INT32, not DT_INT64"),
    ({"latent": "text"}, Code.INVALID_ARGUMENT, "not DT_STRING"),
    ({"latent": LATENTS[:, 1:]}, Code.INVALID_ARGUMENT, "latent: the signature takes [-1, 8], not [3, 7]"),
    ({"latent": LATENTS[0]}, Code.INVALID_ARGUMENT, "not [8]"),
    ({"latent": np.zeros((0, 8), np.float32)}, Code.INVALID_ARGUMENT, "not [0, 8]"),
    ({"label": ONES[:2]}, Code.INVALID_ARGUMENT, "equal 0th-dimension size: latent has 3, label has 2"),
    ({"label": ONES + 2}, Code.INVALID_ARGUMENT, "has labels 0 to 2, not 3"),
    ({"label": ONES - 2}, Code.INVALID_ARGUMENT, "has labels 0 to 2, not -1"),
    ({"latent": LATENTS * np.nan}, Code.INVALID_ARGUMENT, "latent: must be finite"),
    ({"latent": LATENTS * np.inf}, Code.INVALID_ARGUMENT, "latent: must be finite"),
    ({"latent": drawn(41), "label": np.ones(41, np.int32)}, Code.INVALID_ARGUMENT, "at most 40 items"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[2])
def test_a_mistake_is_told_in_words_of_its_kind(server: Server, case: tuple[dict[str, Any], Any, str]) -> None:
    fields, code, words = case
    given = {"latent": LATENTS, "label": ONES} | fields
    answer = refused(prediction(server).Predict, request(**{name: v for name, v in given.items() if v is not None}))
    assert answer[0] == code
    assert words in answer[1]


def test_features_and_sounds_are_held_to_the_limits(server: Server) -> None:
    cases = [
        ("decode", {"features": np.zeros((1, 2600, BANDS), np.float32)}, Code.RESOURCE_EXHAUSTED, "20.8 seconds"),
        ("analyse", {"waveform": np.zeros((2, 90_048), np.float32)}, Code.RESOURCE_EXHAUSTED, "22.5 seconds"),
        ("analyse", {"waveform": np.zeros((1, 100), np.float32)}, Code.INVALID_ARGUMENT, "whole hops of 64 samples"),
        ("decode", {"features": np.zeros((1, 0, BANDS), np.float32)}, Code.INVALID_ARGUMENT, "not [1, 0, 16]"),
    ]
    for signature, inputs, code, words in cases:
        answer = refused(prediction(server).Predict, request(signature, **inputs))
        assert answer[0] == code
        assert words in answer[1]


def tensor(dtype: int, *shape: int, **values: Any) -> Any:
    made = tf.make_tensor_proto(0.0)
    made.Clear()
    made.dtype = dtype
    for length in shape:
        made.tensor_shape.dim.add(size=length)
    for name, value in values.items():
        getattr(made, name).extend(value) if isinstance(value, list) else setattr(made, name, value)
    return made


MALFORMED = [
    (tensor(1, 3, 8), "latent: shape [3, 8] wants 24 values of DT_FLOAT, 0 came"),
    (tensor(1, 3, 8, float_val=[0.0] * 23), "23 came"),
    (tensor(1, 3, 8, double_val=[0.0] * 24), "0 came"),
    (tensor(1, 3, 8, tensor_content=b"\0" * 95), "wants 96 bytes, 95 came"),
    (tensor(1, -3, 8, float_val=[0.0]), "not [-3, 8]"),
    (tensor(1, 2**40, 8, float_val=[0.0]), "values of DT_FLOAT, 1 came"),
    (tensor(1, *[1] * 300, float_val=[0.0]), "the signature takes [-1, 8]"),
    (tensor(0, 3, 8), "not DT_INVALID"),
    (tensor(4321, 3, 8), "not 4321"),
]


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case[1])
def test_a_tensor_that_lies_about_itself_is_refused(server: Server, case: tuple[Any, str]) -> None:
    code, text = refused(prediction(server).Predict, request(latent=case[0], label=ONES))
    assert code == Code.INVALID_ARGUMENT
    assert case[1] in text


def test_bytes_that_are_no_message_are_refused(server: Server) -> None:
    method = server.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    assert refused(method, b"\xff\xff") == (Code.INVALID_ARGUMENT, "the message is not a PredictRequest")
    assert refused(method, b"") == (Code.INVALID_ARGUMENT, "Missing ModelSpec")


def test_a_long_text_of_the_client_fits_the_refusal(server: Server) -> None:
    code, text = refused(prediction(server).Predict, request("𝄞" * 50_000, latent=LATENTS, label=ONES))
    assert code == Code.FAILED_PRECONDITION
    assert text.startswith('Serving signature key "𝄞𝄞')


def test_a_deadline_is_kept(server: Server) -> None:
    wanted = request("", "slow", latent=LATENTS, label=ONES)
    with pytest.raises(grpc.RpcError) as failure:
        prediction(server).Predict(wanted, timeout=0.1)
    assert failure.value.code() == Code.DEADLINE_EXCEEDED


def test_a_full_queue_is_told(server: Server) -> None:
    many = request("", "slow", latent=drawn(40), label=np.ones(40, np.int32))
    first = prediction(server).Predict.future(many)
    second = prediction(server).Predict.future(many)
    codes = {call.exception().code() for call in (first, second) if call.exception(timeout=60)}
    assert codes == {Code.RESOURCE_EXHAUSTED}


def test_calls_are_counted_by_operation_and_model(server: Server) -> None:
    labels = {"transport": "grpc", "operation": "predict", "model": "tiny", "code": "OK"}
    before = total(server, "latentone_request_duration_seconds_count", **labels)
    seconds = total(server, "latentone_audio_seconds_total", model="tiny")
    predict(server, latent=LATENTS, label=ONES)
    predict(server, "sample", latent=LATENTS, label=ONES)
    assert total(server, "latentone_request_duration_seconds_count", **labels) == before + 2
    assert total(server, "latentone_audio_seconds_total", model="tiny") - seconds == pytest.approx(3 * 1024 / 8000)
