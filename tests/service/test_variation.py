"""Sounds that begin from sounds, over both transports: variations at a distance, and paths that pass sounds."""

from __future__ import annotations

import base64
import io
from typing import Any

import grpc
import numpy as np
import pytest
import soundfile

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import Server
from tests.service.test_metrics import total
from tests.service.tiny_model import KINDS, LABELS, LATENT, RATE_HZ

CLIP = KINDS["likes"].clip


def sound(
    samples: int = CLIP, *, seed: int = 0, channels: int = 1, rate_hz: int = RATE_HZ, scale: float = 0.2
) -> bytes:
    """Return a file of noise."""
    noise = scale * np.random.default_rng(seed).uniform(-1, 1, (samples, channels))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, rate_hz, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


SOUND = sound()


def post(server: Server, query: str, body: bytes = SOUND, accept: str = "") -> Any:
    headers = {"content-type": "audio/wav"} | ({"accept": accept} if accept else {})
    return server.http.post(f"/v1/vary?{query}", content=body, headers=headers)


def varied(server: Server, query: str, body: bytes = SOUND) -> np.ndarray:
    """Return the variations as an array."""
    answer = post(server, query, body, "application/x-npy")
    assert answer.status_code == 200, answer.text
    read: np.ndarray = np.load(io.BytesIO(answer.content))
    return read


def made(server: Server, operation: str, **fields: Any) -> np.ndarray:
    """Return clips that an operation makes of JSON."""
    answer = server.http.post(f"/v1/{operation}", json=fields, headers={"accept": "application/x-npy"})
    assert answer.status_code == 200, answer.text
    read: np.ndarray = np.load(io.BytesIO(answer.content))
    return read


def found(server: Server, model: str, signature: str, body: bytes = SOUND) -> np.ndarray:
    """Return what a signature finds in a sound, through TensorFlow Serving's protocol."""
    clip = soundfile.read(io.BytesIO(body), dtype="float32")[0]
    fields = {"signature_name": signature, "inputs": [clip.tolist()]}
    answer = server.http.post(f"/v1/models/{model}:predict", json=fields)
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["outputs"], np.float32)


def text(file: bytes) -> str:
    return base64.b64encode(file).decode()


def test_at_distance_0_it_is_what_the_model_makes_of_the_sounds_own_latent_and_label(kinds_server: Server) -> None:
    labels = set()
    for body in (sound(seed=seed) for seed in range(6)):
        latent = found(kinds_server, "likes", "encode", body)
        label = LABELS[int(found(kinds_server, "likes", "classify", body).argmax())]
        own = made(kinds_server, "generate", model="likes", latents=latent.tolist(), label=label)
        assert latent.shape == (1, LATENT)
        near = varied(kinds_server, "model=likes&distance=0&count=2", body)
        np.testing.assert_array_equal(near, np.repeat(own, 2, axis=0))
        labels.add(label)
    assert len(labels) > 1, "one label for all would go unnoticed"


@pytest.mark.parametrize(("model", "channels", "label"), [("likes", 1, "two"), ("murmurs", 2, "")])
def test_at_distance_1_it_is_what_the_seed_alone_makes(
    kinds_server: Server, model: str, channels: int, label: str
) -> None:
    far = varied(kinds_server, f"model={model}&distance=1&count=3&seed=5&label={label}", sound(channels=channels))
    np.testing.assert_array_equal(far, made(kinds_server, "generate", model=model, seed=5, count=3, label=label))


@pytest.mark.parametrize(("model", "channels"), [("likes", 1), ("murmurs", 2)])
def test_the_nearer_the_distance_the_more_alike(kinds_server: Server, model: str, channels: int) -> None:
    body, query = sound(channels=channels), f"model={model}&count=8&seed=5"
    near = varied(kinds_server, f"{query}&distance=0", body)
    errors = [
        float(np.abs(varied(kinds_server, f"{query}&distance={distance}", body) - near).mean())
        for distance in (0.1, 0.4, 1)
    ]
    assert 0 < errors[0] < errors[1] < errors[2]


@pytest.mark.parametrize("form", ["wav", "flac"])
def test_http_and_grpc_make_the_same_bytes(kinds_server: Server, form: str) -> None:
    fields: dict[str, Any] = {"model": "likes", "count": 2, "distance": 0.3, "seed": 2**64 - 1, "format": form}
    answer = kinds_server.stub.Vary(pb.VaryRequest(audio=SOUND, **fields))
    by_json = kinds_server.http.post(
        "/v1/vary", json={**fields, "audio": text(SOUND)}, headers={"accept": "application/json"}
    ).json()
    assert [base64.b64decode(clip["audio"]) for clip in by_json["clips"]] == [clip.audio for clip in answer.clips]
    assert {clip.label for clip in answer.clips} == {clip["label"] for clip in by_json["clips"]}
    assert (answer.seed, answer.sample_rate_hz, answer.distance) == (2**64 - 1, RATE_HZ, 0.3)
    facts = ("model", "version", "seed", "sample_rate_hz", "format", "distance", "sound_seconds", "heard_seconds")
    assert {name: getattr(answer, name) for name in facts} == {name: by_json[name] for name in facts}
    query = "&".join(f"{name}={value}" for name, value in fields.items())
    assert post(kinds_server, query).content == kinds_server.http.post(
        "/v1/vary", json={**fields, "audio": text(SOUND)}
    ).content  # fmt: skip


@pytest.mark.parametrize(("samples", "heard"), [(CLIP // 2, CLIP // 2), (3 * CLIP, CLIP)])
def test_a_sound_of_another_length_is_cut_or_filled_up_and_that_is_told(
    kinds_server: Server, samples: int, heard: int
) -> None:
    body = sound(samples)
    headers = post(kinds_server, "model=likes&seed=1&distance=0.25", body).headers
    assert float(headers["x-latentone-sound-seconds"]) == pytest.approx(samples / RATE_HZ, rel=1e-3)
    assert float(headers["x-latentone-heard-seconds"]) == pytest.approx(heard / RATE_HZ, rel=1e-3)
    assert headers["x-latentone-distance"] == "0.25"
    stages = [entry.split(";")[0] for entry in headers["server-timing"].split(", ")]
    assert {"encoder", "classify", "generate", "encode"} < set(stages), "encode is the writing of the file"
    clip = np.zeros(CLIP)
    clip[:heard] = soundfile.read(io.BytesIO(body))[0][:heard]
    whole = io.BytesIO()
    soundfile.write(whole, clip, RATE_HZ, format="WAV", subtype="FLOAT")
    query = "model=likes&seed=1&distance=0.25"
    np.testing.assert_array_equal(varied(kinds_server, query, body), varied(kinds_server, query, whole.getvalue()))


def test_a_file_says_how_far_it_is_from_the_sound(kinds_server: Server) -> None:
    with soundfile.SoundFile(
        io.BytesIO(post(kinds_server, "model=likes&seed=1&label=one&distance=0.5").content)
    ) as file:
        assert file.comment == "model=likes; version=1; seed=1; label=one; distance=0.5"


def test_a_path_passes_sounds_and_then_seeds(kinds_server: Server) -> None:
    sounds, fields = [SOUND, sound(seed=1)], {"model": "likes", "seeds": [7], "steps": 5}
    path = made(kinds_server, "interpolate", sounds=[text(each) for each in sounds], **fields)
    label = LABELS[int(found(kinds_server, "likes", "classify").argmax())]
    for place, each in ((0, sounds[0]), (2, sounds[1])):
        own = varied(kinds_server, f"model=likes&distance=0&label={label}", each)[0]
        np.testing.assert_allclose(path[place], own, atol=1e-5)
    np.testing.assert_allclose(
        path[4], made(kinds_server, "generate", model="likes", seed=7, label=label)[0], atol=1e-5
    )
    answer = kinds_server.stub.Interpolate(pb.InterpolateRequest(sounds=sounds, format="f32", **fields))
    assert b"".join(clip.audio for clip in answer.clips) == path.tobytes()
    assert (answer.sounds, list(answer.seeds), answer.clips[3].label) == (2, [7], label)
    listed = kinds_server.http.post("/v1/interpolate", json={**fields, "sounds": [text(each) for each in sounds]})
    assert (listed.headers["x-latentone-sounds"], listed.headers["x-latentone-seed"]) == ("2", "7")
    with soundfile.SoundFile(io.BytesIO(listed.content)) as file:
        assert file.comment == f"model=likes; version=1; seed=7; label={label}; sounds=2; steps=5"


BAD: list[tuple[bytes, dict[str, Any], int, str]] = [
    (b"RIFF no sound", {}, 415, "no sound file"),
    (b"", {}, 400, "audio"),
    (sound(0), {}, 400, "empty"),
    (sound(21 * RATE_HZ), {}, 413, "longer than 20 seconds"),
    (sound(rate_hz=44_100), {}, 400, "the model wants 8000 Hz; resample it"),
    (sound(channels=9), {}, 400, "9 channels"),
    (sound(scale=np.nan), {}, 400, "NaN"),
    (SOUND, {"distance": float("nan")}, 400, "distance"),
    (SOUND, {"distance": -0.1}, 400, "greater than or equal to 0"),
    (SOUND, {"distance": 1.5}, 400, "less than or equal to 1"),
    (SOUND, {"count": 0}, 400, "greater than or equal to 1"),
    (SOUND, {"count": 161}, 400, "at most 160"),
    (SOUND, {"label": "nine"}, 400, "no label 'nine'"),
    (SOUND, {"model": "raw"}, 400, "has no encoder, so it takes no sounds: train one with `python -m trainer encode"),
    (SOUND, {"model": "nobody"}, 404, "nobody"),
    (SOUND, {"format": "aac"}, 400, "must be one of"),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[3])
def test_a_mistake_is_told_alike_on_both_transports(
    kinds_server: Server, case: tuple[bytes, dict[str, Any], int, str]
) -> None:
    body, fields, status, words = case
    wanted = {"model": "likes", **fields}
    answer = post(kinds_server, "&".join(f"{name}={value}" for name, value in wanted.items()), body)
    assert answer.status_code == status, answer.text
    with pytest.raises(grpc.RpcError, match=words) as refused:
        kinds_server.stub.Vary(pb.VaryRequest(audio=body, **wanted))
    assert refused.value.details() == answer.json()["detail"]


def test_a_path_of_sounds_wants_an_encoder_and_two_ends(kinds_server: Server) -> None:
    for fields, words in (
        ({"model": "raw", "sounds": [text(SOUND)], "seeds": [1]}, "trainer encode"),
        ({"model": "likes", "sounds": [text(SOUND)]}, "at least 2"),
        ({"model": "likes", "sounds": ["?", text(SOUND)]}, "base64"),
        ({"model": "likes", "sounds": [text(b"RIFF"), text(SOUND)]}, "no sound file"),
    ):
        answer = kinds_server.http.post("/v1/interpolate", json=fields)
        assert answer.status_code in (400, 415)
        assert words in answer.json()["detail"]


def test_variations_are_counted_and_the_operation_is_listed(kinds_server: Server) -> None:
    before = total(kinds_server, "latentone_audio_seconds_total", model="likes")
    post(kinds_server, "model=likes&count=3")
    assert total(kinds_server, "latentone_audio_seconds_total", model="likes") - before == pytest.approx(
        3 * CLIP / RATE_HZ
    )
    assert total(kinds_server, "latentone_request_duration_seconds_count", operation="vary", code="200") > 0
    listed = {
        model.name: list(model.operations) for model in kinds_server.stub.ListModels(pb.ListModelsRequest()).models
    }
    assert ("vary" in listed["likes"], "vary" in listed["raw"]) == (True, False)
