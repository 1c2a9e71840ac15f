"""The gRPC service of a real server, through the committed stubs."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import Server
from tests.service.tiny_model import BANDS, FRAMES, HOP, LATENT, RATE_HZ


def values(tensor: pb.Tensor) -> np.ndarray:
    return np.frombuffer(tensor.data, "<f4").reshape(tensor.shape)


def tensor(array: np.ndarray) -> pb.Tensor:
    return pb.Tensor(shape=array.shape, data=array.astype("<f4").tobytes())


def test_the_same_request_gives_the_same_bytes_on_both_transports(server: Server) -> None:
    answer = server.stub.Generate(pb.GenerateRequest(model="tiny", seed=3, label="two", format="flac"))
    assert answer.clips[0].audio == server.generate(model="tiny", seed=3, label="two", format="flac").content
    assert (answer.model, answer.version, answer.seed, answer.sample_rate_hz) == ("tiny", 2, 3, RATE_HZ)
    assert answer.clips[0].label == "two"


def test_an_empty_request_gives_a_wav_and_its_seed(server: Server) -> None:
    answer, call = server.stub.Generate.with_call(pb.GenerateRequest())
    assert answer.clips[0].audio[:4] == b"RIFF"
    assert answer.HasField("seed")
    assert answer.format == "wav"
    timing = dict(call.trailing_metadata())["server-timing"]
    assert "generate;dur=" in timing


def test_sample_then_decode_is_generate(server: Server) -> None:
    sampled = server.stub.Sample(pb.SampleRequest(seed=2, count=3))
    assert list(sampled.features.shape) == [3, FRAMES, BANDS]
    decoded = server.stub.Decode(pb.DecodeRequest(features=sampled.features, format="f32"))
    generated = server.stub.Generate(pb.GenerateRequest(seed=2, count=3, format="f32"))
    for one, other in zip(decoded.clips, generated.clips, strict=True):
        np.testing.assert_allclose(np.frombuffer(one.audio, "<f4"), np.frombuffer(other.audio, "<f4"), atol=1e-6)


def test_a_sound_is_analysed(server: Server) -> None:
    sound = server.stub.Generate(pb.GenerateRequest(seed=2)).clips[0].audio
    analysed = server.stub.Analyse(pb.AnalyseRequest(audio=sound))
    assert values(analysed.features).shape == (1, FRAMES, BANDS)


def test_given_latents(server: Server) -> None:
    latents = np.zeros((2, LATENT), np.float32)
    answer = server.stub.Generate(pb.GenerateRequest(latents=tensor(latents), label="one", format="f32"))
    assert not answer.HasField("seed")
    assert [len(clip.audio) for clip in answer.clips] == [4 * FRAMES * HOP] * 2


def test_a_path_between_seeds(server: Server) -> None:
    answer = server.stub.Interpolate(pb.InterpolateRequest(seeds=[1, 2, 3], label="one"))
    assert list(answer.seeds) == [1, 2, 3]
    assert len(answer.clips) == 8


def test_models_are_listed_alike_on_both_transports(server: Server) -> None:
    listed = server.stub.ListModels(pb.ListModelsRequest())
    by_grpc = [
        MessageToDict(model, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for model in listed.models
    ]
    assert by_grpc == server.http.get("/v1/models").json()["models"]
    one = server.stub.GetModel(pb.GetModelRequest(model="tiny", version=1))
    assert one.model.version == 1
    assert one.contract["audio"]["sample_rate_hz"] == RATE_HZ


def test_health_is_told_for_the_server_and_the_service(server: Server) -> None:
    health = health_pb2_grpc.HealthStub(server.channel)
    for name in ("", "latentone.v1.Synthesizer"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refused:
        health.Check(health_pb2.HealthCheckRequest(service="none"))
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_names_the_services(server: Server) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    (answer,) = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    names = {service.name for service in answer.list_services_response.service}
    assert {"latentone.v1.Synthesizer", "grpc.health.v1.Health"} <= names


def test_a_deadline_that_is_too_short_is_kept(server: Server) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        server.stub.Generate(pb.GenerateRequest(model="slow"), timeout=0.02)
    assert refused.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.stub.Generate(pb.GenerateRequest()).clips
