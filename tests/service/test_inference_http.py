"""The Open Inference Protocol's HTTP routes of a real server, in JSON and with binary tensors."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import httpx
import numpy as np
import pytest

from tests.service.conftest import ROOT, Server
from tests.service.own import decoded, drawn, features_of, generated
from tests.service.tiny_model import BANDS, FRAMES, HOP, LATENT

LATENTS = drawn(3)
LABELS = np.ones(3, np.int32)
TYPES = {"float32": "FP32", "int32": "INT32"}
HEADER = "Inference-Header-Content-Length"


def tensor(name: str, array: np.ndarray, **changes: Any) -> dict[str, Any]:
    listed = {"name": name, "shape": list(array.shape), "datatype": TYPES[array.dtype.name]}
    return listed | {"data": array.ravel().tolist()} | changes


BOTH = [tensor("latent", LATENTS), tensor("label", LABELS)]


def infer(server: Server, inputs: list[dict[str, Any]], place: str = "tiny", **fields: Any) -> httpx.Response:
    return server.http.post(f"/v2/models/{place}/infer", json={"inputs": inputs, **fields})


def binary(server: Server, arrays: dict[str, np.ndarray], *, sizes: int = 0, **fields: Any) -> httpx.Response:
    """Send tensors as bytes after the JSON. sizes: how far each size that is told is from the true one."""
    inputs = [
        {**tensor(name, array), "parameters": {"binary_data_size": array.nbytes + sizes}}
        for name, array in arrays.items()
    ]
    for one in inputs:
        del one["data"]
    head = json.dumps({"inputs": inputs, **fields}).encode()
    body = head + b"".join(array.tobytes() for array in arrays.values())
    headers = {HEADER: str(len(head)), "content-type": "application/octet-stream"}
    return server.http.post("/v2/models/tiny/infer", content=body, headers=headers)


def values(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    length = int(answer.headers.get(HEADER, len(answer.content)))
    (output,) = json.loads(answer.content[:length])["outputs"]
    assert output["datatype"] == "FP32"
    if "data" in output:
        return np.array(output["data"], np.float32).reshape(output["shape"])
    assert output["parameters"]["binary_data_size"] == len(answer.content) - length
    return np.frombuffer(answer.content[length:], "<f4").reshape(output["shape"])


def test_json_has_the_bits_of_our_own(server: Server) -> None:
    answer = infer(server, BOTH, id="42")
    assert HEADER not in answer.headers
    assert {**answer.json(), "outputs": []} == {"model_name": "tiny", "model_version": "2", "id": "42", "outputs": []}
    np.testing.assert_array_equal(values(answer), generated(server, LATENTS))


def test_data_may_be_nested_as_its_shape_is(server: Server) -> None:
    nested = [tensor("latent", LATENTS, data=LATENTS.tolist()), BOTH[1]]
    np.testing.assert_array_equal(values(infer(server, nested)), generated(server, LATENTS))


def test_binary_tensors_have_the_bits_of_our_own(server: Server) -> None:
    arrays = {"latent": LATENTS, "label": LABELS}
    wanted = generated(server, LATENTS)
    listed = binary(server, arrays)
    assert HEADER not in listed.headers
    np.testing.assert_array_equal(values(listed), wanted)
    for form in (
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "waveform", "parameters": {"binary_data": True}}]},
    ):
        answer = binary(server, arrays, **form)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert HEADER in answer.headers
        np.testing.assert_array_equal(values(answer), wanted)
        np.testing.assert_array_equal(values(infer(server, BOTH, **form)), wanted)


def test_json_and_binary_tensors_may_stand_side_by_side(server: Server) -> None:
    head = [{**tensor("latent", LATENTS), "parameters": {"binary_data_size": LATENTS.nbytes}}, BOTH[1]]
    del head[0]["data"]
    text = json.dumps({"inputs": head}).encode()
    answer = server.http.post(
        "/v2/models/tiny/infer", content=text + LATENTS.tobytes(), headers={HEADER: str(len(text))}
    )
    np.testing.assert_array_equal(values(answer), generated(server, LATENTS))


def test_an_output_may_be_json_where_the_others_would_be_binary(server: Server) -> None:
    listed = [{"name": "waveform", "parameters": {"binary_data": False}}]
    assert HEADER not in infer(server, BOTH, outputs=listed, parameters={"binary_data_output": True}).headers


def test_the_names_of_the_tensors_say_which_signature_is_meant(server: Server) -> None:
    features = values(infer(server, BOTH, outputs=[{"name": "features"}]))
    np.testing.assert_array_equal(features, features_of(server, LATENTS))
    waveform = values(infer(server, [tensor("features", features)]))
    np.testing.assert_array_equal(waveform, decoded(server, features))
    assert values(infer(server, [tensor("waveform", waveform)])).shape == (3, FRAMES, BANDS)
    same = values(infer(server, BOTH, parameters={"signature": "sample"}))
    np.testing.assert_array_equal(same, features)


def test_a_version_is_chosen_in_the_path(server: Server) -> None:
    old = values(infer(server, BOTH, "tiny/versions/1"))
    np.testing.assert_array_equal(old, generated(server, LATENTS, version=1))


def test_the_server_says_what_it_is_and_that_it_is_ready(server: Server) -> None:
    described = server.http.get("/v2").json()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (described["name"], described["version"]) == (project["name"], project["version"])
    assert "binary_tensor_data" in described["extensions"]
    assert server.http.get("/v2/health/live").json() == {"live": True}
    assert server.http.get("/v2/health/ready").json() == {"ready": True}


def test_a_model_says_what_it_takes(server: Server) -> None:
    for place in ("tiny", "tiny/versions/2"):
        assert server.http.get(f"/v2/models/{place}/ready").json() == {"name": "tiny", "ready": True}
        assert server.http.get(f"/v2/models/{place}").json() == {
            "name": "tiny",
            "versions": ["1", "2"],
            "platform": "tensorflow_savedmodel",
            "inputs": [
                {"name": "latent", "datatype": "FP32", "shape": [-1, LATENT]},
                {"name": "label", "datatype": "INT32", "shape": [-1]},
            ],
            "outputs": [{"name": "waveform", "datatype": "FP32", "shape": [-1, FRAMES * HOP]}],
        }


BAD = [
    ("tiny", {}, 400, "inputs: Field required"),
    ("tiny", {"inputs": {}}, 400, "inputs: Input should be a valid list"),
    ("tiny", {"inputs": []}, 400, "takes nothing; it has"),
    ("tiny", {"inputs": BOTH * 9}, 400, "inputs: List should have at most 16 items"),
    ("tiny", {"inputs": BOTH * 2}, 400, "takes latent, label, latent, label; it has"),
    ("tiny", {"inputs": BOTH[:1]}, 400, "no signature of model 'tiny' takes latent; it has generate"),
    ("tiny", {"inputs": BOTH, "outputs": [{"name": "sound"}]}, 400, "and gives sound; it has"),
    ("tiny", {"inputs": BOTH, "id": 3}, 400, "id: Input should be a valid string"),
    ("tiny", {"inputs": BOTH, "parameters": {"signature": 3}}, 400, "parameters.signature: must be a text"),
    ("tiny", {"inputs": BOTH, "parameters": {"signature": "foo"}}, 400, 'Serving signature key "foo" not found'),
    ("tiny", {"inputs": [tensor("latent", LATENTS, datatype="FP64"), BOTH[1]]}, 400, "takes FP32, not 'FP64'"),
    ("tiny", {"inputs": [tensor("latent", LATENTS, shape=[3, 7]), BOTH[1]]}, 400, "takes [-1, 8], not [3, 7]"),
    ("tiny", {"inputs": [tensor("latent", LATENTS, shape=[4, 8]), BOTH[1]]}, 400, "[4, 8] does not fit data of [24]"),
    ("tiny", {"inputs": [tensor("latent", LATENTS, shape=[-3, 8]), BOTH[1]]}, 400, "not [-3, 8]"),
    ("tiny", {"inputs": [tensor("latent", LATENTS, shape=[1.5, 8]), BOTH[1]]}, 400, "inputs.0.shape.0"),
    ("tiny", {"inputs": [tensor("latent", LATENTS, data=None), BOTH[1]]}, 400, "give either data or the parameter"),
    ("tiny", {"inputs": [tensor("latent", LATENTS, data=["a"] * 24), BOTH[1]]}, 400, "data must hold numbers only"),
    ("tiny", {"inputs": [tensor("latent", LATENTS, data=[1e300] * 24), BOTH[1]]}, 400, "latent: must be finite"),
    ("tiny", {"inputs": [BOTH[0], tensor("label", LABELS, data=[0.5, 1, 1])]}, 400, "whole numbers of 32 bits"),
    ("tiny", {"inputs": [BOTH[0], tensor("label", LABELS + 2)]}, 400, "has labels 0 to 2, not 3"),
    ("tiny", {"inputs": [BOTH[0], tensor("label", LABELS[:2])]}, 400, "equal 0th-dimension size"),
    ("tiny", {"inputs": [tensor("waveform", np.zeros((1, 100), np.float32))]}, 400, f"whole hops of {HOP} samples"),
    ("tiny", {"inputs": [tensor("features", np.zeros((1, 2600, BANDS), np.float32))]}, 413, "20.8 seconds of sound"),
    ("nope", {"inputs": BOTH}, 404, "no model 'nope'"),
    ("tiny/versions/9", {"inputs": BOTH}, 404, "no version 9"),
    ("tiny/versions/stable", {"inputs": BOTH}, 404, "no version 'stable'"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case[0]}-{case[3]}")
def test_a_mistake_is_told(server: Server, case: tuple[str, dict[str, Any], int, str]) -> None:
    place, fields, status, words = case
    answer = server.http.post(f"/v2/models/{place}/infer", json=fields)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_binary_tensors_that_lie_about_themselves_are_refused(server: Server) -> None:
    arrays = {"latent": LATENTS, "label": LABELS}
    for sizes, words in (
        (4, "latent: shape [3, 8] wants 96 bytes of FP32, 100 came"),
        (-4, "latent: shape [3, 8] wants 96 bytes of FP32, 92 came"),
        (-1000, "latent: binary_data_size is -904, but 108 bytes are left after the JSON"),
        (2**40, "but 108 bytes are left after the JSON"),
        (0.5, "latent: binary_data_size is 96.5"),
    ):
        answer = binary(server, arrays, sizes=sizes)  # type: ignore[arg-type]
        assert answer.status_code == 400
        assert words in answer.json()["error"]
    left = binary(server, {"latent": LATENTS})
    assert left.status_code == 400


@pytest.mark.parametrize("length", ["", "-1", "x", "٣", "1000000", "9" * 40, "5"])
def test_a_wrong_length_of_the_json_is_refused(server: Server, length: str) -> None:
    answer = server.http.post(
        "/v2/models/tiny/infer",
        json={"inputs": BOTH},
        headers={HEADER: length.encode()},  # type: ignore[dict-item]
    )
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("path", ["models/nope", "models/nope/ready", "models/tiny/versions/9", "models/tiny/surprise"])
def test_what_is_not_there_is_not_found(server: Server, path: str) -> None:
    answer = server.http.get(f"/v2/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]
