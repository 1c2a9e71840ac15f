"""The HTTP routes of a real server."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.service.conftest import Server
from tests.service.tiny_model import BANDS, FRAMES, HOP, LATENT, RATE_HZ

CLIP = FRAMES * HOP


def samples(body: bytes) -> np.ndarray:
    read, rate = soundfile.read(io.BytesIO(body), dtype="int16")
    assert rate == RATE_HZ
    return read


def test_one_curl_line_without_a_body_gives_a_wav(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    subprocess.run(["curl", "-sf", "-X", "POST", f"{server.url}/v1/generate", "-o", file], check=True)
    read, rate = soundfile.read(file)
    assert (len(read), rate) == (CLIP, RATE_HZ)
    assert np.abs(read).max() > 0.01


def test_curl_with_json_gives_the_format_asked_for(server: Server, tmp_path: Path) -> None:
    file, wanted = tmp_path / "a.flac", '{"model":"tiny","label":"two","seed":3,"format":"flac"}'
    command = ["curl", "-sf", "-H", "content-type: application/json", "-d", wanted]
    subprocess.run([*command, f"{server.url}/v1/generate", "-o", file], check=True)
    with soundfile.SoundFile(file) as sound:
        assert sound.format == "FLAC"
        assert sound.title == "tiny two"
        assert sound.comment == "model=tiny; version=2; seed=3; label=two"


def test_an_answer_says_how_to_make_it_again(server: Server) -> None:
    first = server.generate()
    assert first.headers["x-latentone-model"] == "tiny"
    assert first.headers["x-latentone-version"] == "2"
    assert first.headers["content-type"] == "audio/wav"
    assert {part.split(";")[0].strip() for part in first.headers["server-timing"].split(",")} == {
        "queue", "generate", "encode", "total",
    }  # fmt: skip
    again = server.generate(
        model=first.headers["x-latentone-model"],
        version=int(first.headers["x-latentone-version"]),
        seed=int(first.headers["x-latentone-seed"]),
        label=first.headers["x-latentone-label"],
    )
    assert again.content == first.content


def test_fields_may_stand_in_the_query(server: Server) -> None:
    by_query = server.http.post("/v1/generate?seed=5&label=one&format=flac")
    assert by_query.content == server.generate(seed=5, label="one", format="flac").content


@pytest.mark.parametrize(
    ("accept", "container"),
    [
        ("audio/wav", "WAV"),
        ("audio/flac", "FLAC"),
        ("audio/mpeg", "MP3"),
        ("audio/ogg", "OGG"),
        ("audio/*", "WAV"),
    ],
)
def test_the_accept_header_chooses_the_format(server: Server, accept: str, container: str) -> None:
    answer = server.http.post("/v1/generate?seed=1", headers={"accept": accept})
    with soundfile.SoundFile(io.BytesIO(answer.content)) as sound:
        assert sound.format == container


def test_a_label_is_a_name_or_an_index(server: Server) -> None:
    assert server.generate(seed=1, label=2).content == server.generate(seed=1, label="two").content
    assert server.generate(seed=1, label="2").headers["x-latentone-label"] == "two"
    assert server.generate(seed=4).headers["x-latentone-label"] == "one"  # 4 modulo 3


def test_versions_are_chosen_and_loaded_when_asked_for(server: Server) -> None:
    old, new = server.generate(seed=1, version=1), server.generate(seed=1)
    assert (old.headers["x-latentone-version"], new.headers["x-latentone-version"]) == ("1", "2")
    assert old.content != new.content


def test_several_clips_stand_one_after_another(server: Server) -> None:
    whole = samples(server.generate(seed=7, count=3).content)
    assert len(whole) == 3 * CLIP
    np.testing.assert_array_equal(whole[:CLIP], samples(server.generate(seed=7).content))


def test_several_clips_come_as_a_zip_an_array_or_json(server: Server) -> None:
    wanted = {"seed": 7, "count": 3}
    whole = samples(server.generate(**wanted).content).reshape(3, CLIP)
    answers = {
        media: server.http.post("/v1/generate", json=wanted, headers={"accept": media})
        for media in ("application/zip", "application/x-npy", "application/json")
    }
    with zipfile.ZipFile(io.BytesIO(answers["application/zip"].content)) as archive:
        assert archive.namelist() == ["tiny-0000.wav", "tiny-0001.wav", "tiny-0002.wav"]
        np.testing.assert_array_equal(np.stack([samples(archive.read(name)) for name in archive.namelist()]), whole)
    array = np.load(io.BytesIO(answers["application/x-npy"].content))
    np.testing.assert_array_equal(np.rint(array * 32767), whole)
    facts = answers["application/json"].json()
    clips = facts.pop("clips")
    assert facts == {"model": "tiny", "version": 2, "seed": 7, "sample_rate_hz": RATE_HZ, "format": "wav"}
    assert [clip["label"] for clip in clips] == ["one", "two", "zero"]
    np.testing.assert_array_equal(np.stack([samples(base64.b64decode(clip["audio"])) for clip in clips]), whole)


def test_latents_in_place_of_a_seed(server: Server) -> None:
    latents = np.zeros((2, LATENT), np.float32).tolist()
    answer = server.generate(latents=latents)
    assert "x-latentone-seed" not in answer.headers
    assert len(samples(answer.content)) == 2 * CLIP


@pytest.mark.parametrize("form", ["npy", "json", "base64"])
def test_sample_then_decode_is_generate(server: Server, form: str) -> None:
    sampled = server.http.post(f"/v1/sample?seed=9&label=one&format={form}")
    if form == "npy":
        assert sampled.headers["content-type"] == "application/x-npy"
        decoded = server.http.post("/v1/decode?model=tiny", content=sampled.content)
    else:
        decoded = server.http.post("/v1/decode", json={"features": sampled.json()["features"]})
    assert decoded.headers["content-type"] == "audio/wav"
    generated = samples(server.generate(seed=9, label="one").content)
    np.testing.assert_allclose(samples(decoded.content), generated, atol=1)


def test_features_of_any_length_are_decoded(server: Server) -> None:
    features = np.zeros((5, BANDS), np.float32)
    decoded = server.http.post("/v1/decode", json={"features": features.tolist()})
    assert len(samples(decoded.content)) == 5 * HOP


def test_a_picture_of_features(server: Server) -> None:
    answer = server.http.post("/v1/sample?seed=1&count=3", headers={"accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("form", ["wav", "flac", "ogg", "mp3"])
def test_a_sound_file_is_analysed(server: Server, form: str) -> None:
    sound = server.generate(seed=1, format=form).content
    by_body = server.http.post("/v1/analyse", content=sound)
    shape = np.load(io.BytesIO(by_body.content)).shape
    assert shape[0] == 1
    assert shape[1] >= FRAMES
    assert shape[2] == BANDS
    by_json = server.http.post("/v1/analyse", json={"audio": base64.b64encode(sound).decode(), "format": "npy"})
    assert by_json.content == by_body.content


def test_a_path_between_seeds_begins_and_ends_at_them(server: Server) -> None:
    answer = server.http.post("/v1/interpolate", json={"seeds": [3, 4], "steps": 5, "label": "one"})
    clips = samples(answer.content).reshape(5, CLIP)
    assert answer.headers["x-latentone-seed"] == "3,4"
    for clip, seed in ((clips[0], 3), (clips[-1], 4)):
        np.testing.assert_allclose(clip, samples(server.generate(seed=seed, label="one").content), atol=1)
    assert not np.array_equal(clips[1], clips[0])


def test_models_are_listed_with_their_contracts(server: Server) -> None:
    listed = server.http.get("/v1/models").json()["models"]
    assert [(model["name"], model["version"]) for model in listed] == [
        ("slow", 1), ("tiny", 1), ("tiny", 2), ("griffin-lim", 1),
    ]  # fmt: skip
    assert [model["default"] for model in listed] == [False, False, True, False]
    newest = server.http.get("/v1/models/tiny").json()
    assert newest["model"]["version"] == 2
    assert newest["contract"]["features"]["hop_samples"] == HOP
    assert server.http.get("/v1/models/tiny/versions/1").json()["contract"]["version"] == 1


def test_the_docs_page_needs_nothing_from_elsewhere(server: Server) -> None:
    page = server.http.get("/").text
    assert "http://" not in page
    assert "https://" not in page
    for part in ("static_content/swagger-ui.css", "static_content/swagger-ui-bundle.js"):
        assert part in page
        assert server.get(f"/{part}") == 200


def test_the_docs_describe_every_route_and_load_no_pictures(server: Server) -> None:
    document = server.http.get("/docs.json").json()
    routes = {
        f"/v1/{name}" for name in ("generate", "sample", "decode", "analyse", "vary", "interpolate", "render", "models")
    }
    assert routes | {"/generate", "/v1/models/{name}", "/v1/models:reload"} <= document["paths"].keys()
    fields = document["paths"]["/v1/generate"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    of_generate = {"model", "version", "version_label", "seed", "count", "label", "pitch", "latents", "format"}
    assert of_generate == fields["properties"].keys()
    assert "https://" not in json.dumps(document["info"])
