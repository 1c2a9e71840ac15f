"""Decode for everyone: any mel definition, pictures and warnings, alike on both transports."""

from __future__ import annotations

import io
import json
import re
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile
from prometheus_client import CollectorRegistry

from service import griffin_lim, requests
from service.engines import Engines
from service.entry import Entry
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.library import Library
from service.metrics import Metrics
from service.model_folder import read_versions
from tests.service.conftest import Server
from tests.service.test_bad_input import as_json, as_proto
from tests.service.test_grey_picture import png
from tests.service.tiny_model import BANDS

RATE, A4 = 22_050, 440.0
TONE = 0.4 * np.sin(2 * np.pi * A4 * np.arange(RATE) / RATE).astype(np.float32)
MEL = librosa.power_to_db(librosa.feature.melspectrogram(y=TONE, sr=RATE)).T  # librosa's defaults throughout
Fields = dict[str, Any]


def decoded(server: Server, **fields: Any) -> list[tuple[np.ndarray, int, list[str]]]:
    """Return the clips, the rate and the warnings over HTTP and over gRPC."""
    fields = {**fields, "format": "wav_float"}
    body = {name: as_json(value) for name, value in fields.items()}
    answer = server.http.post("/v1/decode", json=body)
    assert answer.status_code == 200, answer.text
    over_http = soundfile.read(io.BytesIO(answer.content))
    warned = answer.headers.get("x-latentone-warning", "")
    reply = server.stub.Decode(pb.DecodeRequest(**{name: as_proto(value) for name, value in fields.items()}))
    assert "; ".join(reply.warnings) == warned
    in_json = server.http.post("/v1/decode", json=body, headers={"accept": "application/json"}).json()
    assert in_json.get("warnings", []) == list(reply.warnings)
    over_grpc = np.concatenate([soundfile.read(io.BytesIO(clip.audio))[0] for clip in reply.clips])
    return [
        (over_http[0], over_http[1], list(reply.warnings)),
        (over_grpc, reply.sample_rate_hz, list(reply.warnings)),
    ]


def same(answers: list[tuple[np.ndarray, int, list[str]]]) -> tuple[np.ndarray, int, list[str]]:
    (first, rate, warnings), (second, other_rate, _) = answers
    np.testing.assert_array_equal(first, second)
    assert rate == other_rate
    return first, rate, warnings


def pitch(sound: np.ndarray, rate: int) -> float:
    """Return the frequency of the highest peak of a spectrum of the middle."""
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8 * len(middle)))
    return float(np.argmax(spectrum) * rate / (8 * len(middle)))


FORMS = {
    "librosa's own": (MEL, {}),
    "no logarithm": (librosa.db_to_power(MEL), {"log": "linear"}),
    "ln of magnitudes, 80 HTK bands": (
        np.log(np.maximum(1e-5, librosa.feature.melspectrogram(
            y=TONE, sr=RATE, n_fft=1024, hop_length=256, n_mels=80, power=1, htk=True, norm=None, fmax=8_000,
        ).T)),
        {"n_fft": 1024, "hop_samples": 256, "power": 1, "mel_scale": "htk", "mel_norm": "none", "log": "ln",
         "fmax_hz": 8_000},
    ),
    "a short window and a hop that divides nothing": (
        librosa.power_to_db(librosa.feature.melspectrogram(y=TONE, sr=RATE, win_length=1102, hop_length=275)).T,
        {"window_samples": 1102, "hop_samples": 275},
    ),
    "scaled to [0, 1]": ((MEL + 80) / 120, {"scale_from": [0, 1], "scale_to": [-80, 40]}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_tone_comes_back_from_its_mel_at_its_pitch_and_level(server: Server, form: str) -> None:
    mel, definition = FORMS[form]
    sound, rate, warnings = same(
        decoded(server, features=mel.astype(np.float32), model="griffin-lim", definition=definition)
    )
    assert rate == RATE
    assert len(sound) == len(mel) * definition.get("hop_samples", 512)
    # A band is some 25 Hz wide there, and that is all that mel says of a pitch.
    assert pitch(sound, rate) == pytest.approx(A4, abs=15)
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.4 / np.sqrt(2), rel=0.15)
    assert warnings == []


def test_a_definition_means_griffin_lim_where_no_model_is_named(server: Server) -> None:
    given = {"features": MEL, "definition": {"n_fft": 2048}}
    named = same(decoded(server, **given, model="griffin-lim"))[0]
    np.testing.assert_array_equal(named, same(decoded(server, **given))[0])
    np.testing.assert_array_equal(named, same(decoded(server, features=MEL, model="griffin-lim"))[0])


def test_iterations_bring_the_sound_nearer_to_its_mel(server: Server) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE // 2).astype(np.float32)
    mel = librosa.feature.melspectrogram(y=noise, sr=RATE).T
    errors = []
    for iterations in (0, 4, 64):
        sound, *_ = same(
            decoded(server, features=mel, iterations=iterations, definition={"log": "linear", "hop_samples": 512})
        )
        again = librosa.feature.melspectrogram(y=sound[256:], sr=RATE).T[: len(mel)]
        errors.append(np.abs(np.sqrt(again[2:-2]) - np.sqrt(mel[2 : len(again) - 2])).mean())
    assert errors[0] > errors[1] > errors[2]


def test_a_mel_relative_to_its_loudest_is_brought_to_a_peak(server: Server) -> None:
    sound, *_ = same(decoded(server, features=MEL - MEL.max(), definition={}, peak=0.5))
    assert np.abs(sound).max() == pytest.approx(0.5, abs=1e-4)


def test_definitions_of_one_shape_are_never_mixed_up(server: Server) -> None:
    """Sixteen requests at once, of four definitions and iterations, get what each gets alone."""
    kinds = [
        {"definition": {"sample_rate_hz": 16_000}}, {"definition": {"mel_scale": "htk"}},
        {"definition": {"hop_samples": 256}}, {"definition": {}, "iterations": 3},
    ]  # fmt: skip
    requests_of = [
        pb.DecodeRequest(features=as_proto(MEL[:20] - item), format="f32", **kind)
        for kind in kinds
        for item in range(4)
    ]
    alone = [server.stub.Decode(request).clips[0].audio for request in requests_of]
    with ThreadPoolExecutor(len(requests_of)) as pool:
        together = [answer.clips[0].audio for answer in pool.map(server.stub.Decode, requests_of)]
    assert together == alone
    assert len(set(alone)) == len(alone)


def test_its_name_is_listed_last_and_its_contract_says_any(server: Server) -> None:
    model = server.http.get("/v1/models").json()["models"][-1]
    assert (model["name"], model["state"], model["operations"]) == ("griffin-lim", "ready", ["decode"])
    features = server.http.get("/v1/models/griffin-lim").json()["contract"]["features"]
    assert features["definition"].startswith("any")
    assert server.stub.ListModels(pb.ListModelsRequest()).models[-1].name == "griffin-lim"


def test_protocols_without_definitions_have_the_default_one(server: Server) -> None:
    rows = MEL[:8][np.newaxis].tolist()
    predicted = server.http.post("/v1/models/griffin-lim:predict", json={"instances": rows}).json()["predictions"]
    own = server.http.post(
        "/v1/decode", json={"features": rows, "model": "griffin-lim"}, headers={"accept": "application/x-npy"}
    )
    np.testing.assert_array_equal(np.array(predicted, np.float32), np.load(io.BytesIO(own.content)))
    absurd = server.http.post("/v1/models/griffin-lim:predict", json={"instances": [[[1000.0] * 128]]})
    assert absurd.status_code == 400
    assert "can't be mel" in absurd.json()["error"]


def test_a_definition_has_the_same_fields_on_both_transports() -> None:
    message = pb.DESCRIPTOR.message_types_by_name["MelDefinition"]
    assert {field.name for field in message.fields} == set(requests.MelDefinition.model_fields)


LEVELS = np.rint((np.clip(MEL, -80, 40) + 80) / 120 * 255).astype(np.uint8).T[::-1]


def test_a_picture_is_decoded_by_the_scale_that_is_stated(server: Server) -> None:
    plain: Fields = {"definition": {}, "iterations": 0}  # each iteration makes differences of rounding larger
    scaled = {**plain, "black": -80, "white": 40}
    sound, rate, _ = same(decoded(server, picture=png(LEVELS), **scaled))
    assert pitch(sound, rate) == pytest.approx(A4, abs=15)
    upside_down = same(decoded(server, picture=png(np.ascontiguousarray(LEVELS[::-1])), low="top", **scaled))[0]
    negative = same(decoded(server, picture=png(255 - LEVELS), **plain, black=40, white=-80))[0]
    array = same(decoded(server, features=-80 + LEVELS[::-1].T.astype(np.float32) * 120 / 255, **plain))[0]
    for other in (upside_down, negative, array):
        np.testing.assert_allclose(other, sound, atol=1e-4)


def test_a_picture_may_be_the_body_with_all_else_in_the_query(server: Server) -> None:
    query = {"definition.n_fft": "2048", "definition.scale_from": "0,1", "definition.scale_to": "-80,40", "black": 0}
    body = png(LEVELS)
    for media in ("image/png", "application/x-www-form-urlencoded"):
        answer = server.http.post(
            "/v1/decode", params={**query, "white": 1}, content=body, headers={"content-type": media}
        )
        assert answer.status_code == 200, answer.text
        sound, rate = soundfile.read(io.BytesIO(answer.content))
        assert pitch(sound, rate) == pytest.approx(A4, abs=15)


@pytest.mark.parametrize("operation", ["sample", "analyse"])
def test_features_go_through_a_grey_picture_and_back(server: Server, operation: str) -> None:
    given: Fields = {"content": server.generate(seed=3).content} if operation == "analyse" else {"json": {"seed": 3}}
    picture = server.http.post(f"/v1/{operation}", params={"format": "grey"}, **given)
    assert picture.headers["content-type"] == "image/png"
    features = np.load(io.BytesIO(server.http.post(f"/v1/{operation}", **given).content))
    straight = same(decoded(server, features=features))[0]
    through, _, warnings = same(decoded(server, picture=picture.content))
    np.testing.assert_allclose(through, straight, atol=1e-3)
    assert np.abs(straight).max() > 0.1
    assert warnings == []


def test_values_that_the_model_has_not_seen_are_decoded_with_a_warning(server: Server) -> None:
    for features in (np.full((4, BANDS), 3.0, np.float32), np.full((4, BANDS), -80.0, np.float32)):
        _, _, (warning,) = same(decoded(server, features=features))
        assert re.search(r"values from (3|-80) to (3|-80), of which the model has seen -1 to 1 only", warning)
    assert same(decoded(server, features=np.ones((4, BANDS), np.float32)))[2] == []


def test_a_mel_that_is_too_loud_is_decoded_with_warnings(server: Server) -> None:
    sound, _, warnings = same(decoded(server, features=MEL + 40, definition={}))
    assert np.abs(sound).max() == 1.0
    assert "louder than any sound" in warnings[0]
    assert "clipped to 1" in warnings[1]


def test_a_grey_picture_holds_one_item(server: Server) -> None:
    answer = server.http.post("/v1/sample", json={"count": 2, "format": "grey"})
    assert answer.status_code == 400
    assert "one item with one channel, not [2, 16, 16]" in json.loads(answer.content)["detail"]


def test_a_folder_of_its_name_is_left_out(models: Path, tmp_path: Path) -> None:
    (tmp_path / "griffin-lim").symlink_to(models / "tiny")
    (tmp_path / "tiny").symlink_to(models / "tiny")
    entry = Entry(griffin_lim.NAME, griffin_lim.VERSION, griffin_lim.FOLDER, griffin_lim.CONTRACT, built_in=True)
    engines = Engines(lambda *_: None, Executor(), Metrics(CollectorRegistry()))  # type: ignore
    library = Library([*read_versions(tmp_path, without=("griffin-lim",)), entry], engines)
    assert [(found.name, found.version) for found in library.entries()] == [
        ("tiny", 1),
        ("tiny", 2),
        ("griffin-lim", 1),
    ]
    assert library.find("griffin-lim") is entry
    assert library.default_name() == "tiny"
