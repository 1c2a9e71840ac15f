"""Models of every kind, over both transports: stereo, features with channels, a fixed length, none, pitches."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import bentoml
import grpc
import numpy as np
import pytest
import soundfile

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import Server
from tests.service.test_grpc import tensor, values
from tests.service.tiny_model import BANDS, FRAMES, KINDS, NAMED, PITCHES, RATE_HZ

CLIP = KINDS["wide"].clip


def npy(body: bytes) -> np.ndarray:
    read: np.ndarray = np.load(io.BytesIO(body))
    return read


def sound(samples: np.ndarray, rate: int = RATE_HZ) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["wav", "wav_float", "flac", "ogg", "opus", "mp3"])
def test_a_stereo_model_makes_stereo_files(kinds_server: Server, form: str) -> None:
    answer = kinds_server.generate(model="wide", seed=1, count=2, format=form)
    assert answer.headers["x-latentone-channels"] == "2"
    with soundfile.SoundFile(io.BytesIO(answer.content)) as file:
        assert file.channels == 2
        assert len(file) >= 2 * CLIP
    by_grpc = kinds_server.stub.Generate(pb.GenerateRequest(model="wide", seed=1, count=2, format=form))
    assert soundfile.info(io.BytesIO(by_grpc.clips[1].audio)).channels == 2


def test_stereo_is_the_same_sound_in_every_form(kinds_server: Server) -> None:
    wanted = {"model": "wide", "seed": 1, "count": 2, "format": "f32"}
    whole = np.frombuffer(kinds_server.generate(**wanted).content, "<f4").reshape(2, CLIP, 2)
    assert not np.array_equal(whole[..., 0], whole[..., 1])
    answers = {
        media: kinds_server.http.post("/v1/generate", json=wanted, headers={"accept": media})
        for media in ("application/zip", "application/x-npy", "application/json")
    }
    np.testing.assert_array_equal(npy(answers["application/x-npy"].content), whole)
    with zipfile.ZipFile(io.BytesIO(answers["application/zip"].content)) as archive:
        zipped = b"".join(archive.read(name) for name in sorted(archive.namelist()))
    listed = b"".join(base64.b64decode(clip["audio"]) for clip in answers["application/json"].json()["clips"])
    assert zipped == listed == whole.tobytes()


def test_features_with_channels_are_decoded_on_both_transports(kinds_server: Server) -> None:
    sampled = npy(kinds_server.http.post("/v1/sample?model=wide&seed=2&count=3").content)
    assert sampled.shape == (3, FRAMES, BANDS, 2)
    by_grpc = kinds_server.stub.Sample(pb.SampleRequest(model="wide", seed=2, count=3))
    np.testing.assert_array_equal(values(by_grpc.features), sampled)
    wanted, accept = {"model": "wide", "seed": 2, "count": 3}, {"accept": "application/x-npy"}
    generated = npy(kinds_server.http.post("/v1/generate", json=wanted, headers=accept).content)
    decoded = kinds_server.http.post(
        "/v1/decode", json={"model": "wide", "features": sampled.tolist(), "format": "f32"}
    )
    np.testing.assert_allclose(np.frombuffer(decoded.content, "<f4").reshape(generated.shape), generated, atol=1e-6)
    one = kinds_server.stub.Decode(pb.DecodeRequest(model="wide", features=tensor(sampled[0]), format="f32"))
    np.testing.assert_allclose(np.frombuffer(one.clips[0].audio, "<f4").reshape(CLIP, 2), generated[0], atol=1e-6)


def test_features_with_channels_are_drawn_one_above_the_other(kinds_server: Server) -> None:
    pictures = [
        kinds_server.http.post(f"/v1/sample?model={name}&seed=1&format=png").content for name in ("notes", "wide")
    ]
    (_, flat), (_, tall) = (picture_size(picture) for picture in pictures)
    assert tall > 1.5 * flat


def picture_size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


@pytest.mark.parametrize("length", [1, CLIP - 1, CLIP])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_model_of_one_length_analyses_shorter_sounds_with_silence(
    kinds_server: Server, length: int, channels: int
) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (length, channels)).astype(np.float32)
    short = kinds_server.http.post("/v1/analyse?model=wide", content=sound(samples))
    padded = np.pad(np.broadcast_to(samples, (length, 2)), [(0, CLIP - length), (0, 0)])
    whole = kinds_server.stub.Analyse(pb.AnalyseRequest(model="wide", audio=sound(padded)))
    assert npy(short.content).shape == (1, FRAMES, BANDS, 2)
    np.testing.assert_array_equal(npy(short.content), values(whole.features))


@pytest.mark.parametrize(
    ("operation", "fields", "status", "words"),
    [
        ("analyse", {"audio": sound(np.zeros((CLIP + 1, 2)))}, 400, r"at most 1000 samples \(0.125 seconds\), 1001"),
        ("analyse", {"audio": sound(np.zeros((10, 3)))}, 400, "3 channels; at most 2"),
        ("analyse", {"audio": sound(np.zeros((21 * RATE_HZ, 2)))}, 413, "longer than 20 seconds"),
        ("decode", {"features": np.zeros((1, FRAMES + 1, BANDS, 2))}, 400, r"wants \[count, 16, 16, 2\]"),
        ("decode", {"features": np.zeros((1, FRAMES, BANDS))}, 400, r"wants \[count, 16, 16, 2\], not \[1, 16, 16\]"),
        ("generate", {"pitch": 61}, 400, "has no pitch 61; it has 48 to 72, the nearest is 60"),
        ("generate", {"pitch": 90.5}, 400, "has no pitch 90.5; it has 48 to 72, the nearest is 72"),
        ("sample", {"model": "raw"}, 400, "can't sample; it can generate"),
        ("decode", {"model": "raw", "features": np.zeros((1, 1))}, 400, "can't decode; it can generate"),
    ],
)  # fmt: skip
def test_mistakes_are_told_alike_on_both_transports(
    kinds_server: Server, operation: str, fields: dict, status: int, words: str
) -> None:
    fields = {"model": "wide", **fields}
    as_json = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in fields.items()
    }
    as_json = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in as_json.items()}
    answer = kinds_server.http.post(f"/v1/{operation}", json=as_json)
    assert answer.status_code == status
    given = {name: tensor(value) if isinstance(value, np.ndarray) else value for name, value in fields.items()}
    method = operation.capitalize()
    with pytest.raises(grpc.RpcError, match=words) as refused:
        getattr(kinds_server.stub, method)(getattr(pb, f"{method}Request")(**given))
    assert refused.value.details() == answer.json()["detail"]


def test_seconds_of_a_fixed_length_are_those_of_its_clips(kinds_server: Server) -> None:
    """160 clips are 20.0 seconds, which is the limit; by frames and hops they would be 20.5."""
    many = np.zeros((160, FRAMES, BANDS, 2), np.float32)
    answer = kinds_server.stub.Decode(pb.DecodeRequest(model="wide", features=tensor(many), format="pcm"))
    assert len(answer.clips) == 160


def test_a_model_without_features_generates(kinds_server: Server) -> None:
    answer = kinds_server.generate(model="raw", seed=1, format="f32")
    assert len(np.frombuffer(answer.content, "<f4")) == KINDS["raw"].clip
    assert "x-latentone-label" not in answer.headers or answer.headers["x-latentone-label"] == ""
    path = kinds_server.stub.Interpolate(pb.InterpolateRequest(model="raw", seeds=[1, 2], format="f32"))
    assert path.clips[0].audio == answer.content


@pytest.mark.parametrize("name", ["notes", "wide"])
def test_a_pitch_is_the_label_that_stands_for_it(kinds_server: Server, name: str) -> None:
    wanted = {"model": name, "seed": 5, "format": "pcm"}
    by_label = kinds_server.generate(**wanted, label="p60")
    by_pitch = kinds_server.generate(**wanted, pitch=60)
    assert by_pitch.content == by_label.content
    assert by_pitch.headers["x-latentone-label"] == "p60"
    assert kinds_server.http.post("/v1/generate", params={**wanted, "pitch": "60.0"}).content == by_label.content
    assert kinds_server.stub.Generate(pb.GenerateRequest(**wanted, pitch=60)).clips[0].audio == by_label.content
    assert list(kinds_server.stub.Sample(pb.SampleRequest(model=name, pitch=48)).labels) == ["p48"]
    path = kinds_server.stub.Interpolate(pb.InterpolateRequest(model=name, seeds=[5, 6], pitch=60, format="pcm"))
    assert path.clips[0].audio == by_label.content
    assert {clip.label for clip in path.clips} == {"p60"}
    over_http = kinds_server.http.post(
        "/v1/interpolate", json={"model": name, "seeds": [5, 6], "pitch": 60, "steps": 2}
    )
    assert over_http.headers["x-latentone-label"] == "p60,p60"


def test_bentoml_s_client_knows_pitches_and_channels(kinds_server: Server) -> None:
    with bentoml.SyncHTTPClient(kinds_server.url) as client:
        waveform = np.asarray(client.generate(model="wide", seed=3, pitch=60), np.float32)
        features = client.sample(model="wide", seed=3, pitch=60)
        decoded = np.asarray(client.decode(model="wide", features=features), np.float32)
    assert waveform.shape == (1, CLIP, 2)
    np.testing.assert_allclose(decoded, waveform, atol=1e-6)


def test_a_model_tells_its_pitches_and_channels(kinds_server: Server) -> None:
    listed = {model["name"]: model for model in kinds_server.http.get("/v1/models").json()["models"]}
    assert listed["notes"]["pitches"] == list(PITCHES)
    assert listed["raw"]["pitches"] == []
    assert {name: model["channels"] for name, model in listed.items()} == {
        **{name: kind.channels for name, kind in KINDS.items()}, "griffin-lim": 1,
    }  # fmt: skip
    told = kinds_server.stub.GetModel(pb.GetModelRequest(model="wide")).model
    assert (list(told.pitches), told.channels, list(told.labels)) == (list(PITCHES), 2, list(NAMED))
    assert json.dumps(listed["wide"]["operations"]) == '["generate", "sample", "decode", "analyse"]'
