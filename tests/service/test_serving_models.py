"""What TensorFlow Serving's gRPC services say of models, and what they refuse to do with these."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.service.conftest import Server, refused
from tests.service.tiny_model import BANDS, LATENT

Code = grpc.StatusCode


def prediction(server: Server) -> Any:
    return prediction_service_pb2_grpc.PredictionServiceStub(server.channel)


def model_service(server: Server) -> Any:
    return model_service_pb2_grpc.ModelServiceStub(server.channel)


def test_metadata_names_every_signature(server: Server) -> None:
    wanted = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    wanted.model_spec.name = "tiny"
    answer = prediction(server).GetModelMetadata(wanted)
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("tiny", 2)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    assert set(found.signature_def) == {"serving_default", "generate", "sample", "decode", "analyse"}
    default, decode = found.signature_def["serving_default"], found.signature_def["decode"]
    assert {name: tf.dtypes.as_dtype(info.dtype) for name, info in default.inputs.items()} == {
        "latent": tf.float32,
        "label": tf.int32,
    }
    assert tf.TensorShape(default.inputs["latent"].tensor_shape).as_list() == [None, LATENT]
    assert tf.TensorShape(decode.inputs["features"].tensor_shape).as_list() == [None, None, BANDS]
    assert default.method_name == "tensorflow/serving/predict"


def test_metadata_is_refused_as_tensorflow_serving_does(server: Server) -> None:
    wanted = get_model_metadata_pb2.GetModelMetadataRequest()
    method = prediction(server).GetModelMetadata
    assert refused(method, wanted) == (Code.INVALID_ARGUMENT, "Missing ModelSpec")
    wanted.model_spec.name = "nope"
    assert "must specify at least one metadata_field" in refused(method, wanted)[1]
    wanted.metadata_field.append("cost")
    assert refused(method, wanted) == (Code.INVALID_ARGUMENT, "Metadata field cost is not supported")
    wanted.metadata_field[:] = ["signature_def"]
    assert refused(method, wanted)[0] == Code.NOT_FOUND


def status(server: Server, **spec: Any) -> dict[int, str]:
    wanted = get_model_status_pb2.GetModelStatusRequest()
    wanted.model_spec.name = spec.get("name", "tiny")
    if "version" in spec:
        wanted.model_spec.version.value = spec["version"]
    if "label" in spec:
        wanted.model_spec.version_label = spec["label"]
    answer = model_service(server).GetModelStatus(wanted).model_version_status
    return {one.version: get_model_status_pb2.ModelVersionStatus.State.Name(one.state) for one in answer}


def test_the_status_of_a_model_is_that_of_its_versions(server: Server) -> None:
    server.generate(model="tiny", version=1)
    assert status(server) == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert status(server, version=2) == {2: "AVAILABLE"}
    for spec in ({"name": "nope"}, {"version": 9}, {"label": "stable"}):
        with pytest.raises(grpc.RpcError) as failure:
            status(server, **spec)
        assert failure.value.code() == Code.NOT_FOUND


def test_a_label_is_not_found(server: Server) -> None:
    wanted = predict_pb2.PredictRequest()
    wanted.model_spec.name, wanted.model_spec.version_label = "tiny", "stable"
    code, text = refused(prediction(server).Predict, wanted)
    assert code == Code.NOT_FOUND
    words = "Unrecognized servable version label: stable; model 'tiny' has no version label 'stable'; it has none"
    assert text == words


def test_what_these_models_have_no_use_for_is_unimplemented(server: Server) -> None:
    stub = prediction(server)
    for method, wanted in (
        (stub.Classify, classification_pb2.ClassificationRequest()),
        (stub.Regress, regression_pb2.RegressionRequest()),
        (stub.MultiInference, inference_pb2.MultiInferenceRequest()),
    ):
        code, text = refused(method, wanted)
        assert code == Code.UNIMPLEMENTED
        assert "for predict only" in text


def test_a_reload_is_for_an_admin(server: Server) -> None:
    code, text = refused(model_service(server).HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest())
    assert code == Code.PERMISSION_DENIED
    assert "no admin key" in text
