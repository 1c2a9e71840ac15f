"""TensorFlow Serving's REST forms of a real server."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import numpy as np
import pytest

from tests.service.conftest import Server
from tests.service.own import decoded, drawn, features_of, generated
from tests.service.test_metrics import total
from tests.service.tiny_model import BANDS, FRAMES, HOP, LATENT

LATENTS = drawn(3)
ROWS = [{"latent": latent.tolist(), "label": 1} for latent in LATENTS]
COLUMNS = {"latent": LATENTS.tolist(), "label": [1, 1, 1]}


def b64(array: np.ndarray) -> dict[str, str]:
    return {"b64": base64.b64encode(array.tobytes()).decode()}


def post(server: Server, place: str = "tiny:predict", **fields: Any) -> httpx.Response:
    return server.http.post(f"/v1/models/{place}", json=fields)


def predictions(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    (key,) = answer.json()
    return np.array(answer.json()[key], np.float32)


def test_rows_have_the_bits_of_our_own(server: Server) -> None:
    answer = post(server, instances=ROWS)
    assert list(answer.json()) == ["predictions"]
    np.testing.assert_array_equal(predictions(answer), generated(server, LATENTS))


def test_columns_have_the_bits_of_our_own(server: Server) -> None:
    answer = post(server, inputs=COLUMNS, signature_name="generate")
    assert list(answer.json()) == ["outputs"]
    np.testing.assert_array_equal(predictions(answer), generated(server, LATENTS))


def test_every_signature_is_called_by_its_name(server: Server) -> None:
    features = predictions(post(server, inputs=COLUMNS, signature_name="sample"))
    np.testing.assert_array_equal(features, features_of(server, LATENTS))
    waveform = predictions(post(server, inputs={"features": features.tolist()}, signature_name="decode"))
    np.testing.assert_array_equal(waveform, decoded(server, features))
    analysed = predictions(
        post(server, instances=[{"waveform": w.tolist()} for w in waveform], signature_name="analyse")
    )
    assert analysed.shape == (3, FRAMES, BANDS)


def test_the_name_of_an_only_input_may_be_left_out(server: Server) -> None:
    features = features_of(server, LATENTS)
    sound = decoded(server, features)
    for form in ("instances", "inputs"):
        answer = post(server, **{form: features.tolist(), "signature_name": "decode"})
        np.testing.assert_array_equal(predictions(answer), sound)


def test_tensors_may_be_bytes(server: Server) -> None:
    rows = [{"latent": b64(latent), "label": 1} for latent in LATENTS]
    np.testing.assert_array_equal(predictions(post(server, instances=rows)), generated(server, LATENTS))
    columns = {"latent": b64(LATENTS), "label": b64(np.ones(3, np.int32))}
    np.testing.assert_array_equal(predictions(post(server, inputs=columns)), generated(server, LATENTS))
    features = features_of(server, LATENTS)[:, :5]
    short = post(server, instances=[b64(one) for one in features], signature_name="decode")
    np.testing.assert_array_equal(predictions(short), decoded(server, features))


def test_a_version_is_chosen_in_the_path(server: Server) -> None:
    old = predictions(post(server, "tiny/versions/1:predict", instances=ROWS))
    np.testing.assert_array_equal(old, generated(server, LATENTS, version=1))


def test_stereo_and_raw_models_are_called(kinds_server: Server) -> None:
    wide = predictions(post(kinds_server, "wide:predict", instances=ROWS))
    np.testing.assert_array_equal(wide, generated(kinds_server, LATENTS, model="wide"))
    raw = predictions(post(kinds_server, "raw:predict", instances=LATENTS.tolist()))
    np.testing.assert_array_equal(raw, generated(kinds_server, LATENTS, model="raw", labelled=False))


def test_metadata_names_every_signature(server: Server) -> None:
    answer = server.http.get("/v1/models/tiny/metadata").json()
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "2"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "generate", "sample", "decode", "analyse"}
    latent = signatures["serving_default"]["inputs"]["latent"]
    assert latent["dtype"] == "DT_FLOAT"
    assert [axis["size"] for axis in latent["tensor_shape"]["dim"]] == ["-1", str(LATENT)]
    old = server.http.get("/v1/models/tiny/versions/1/metadata").json()
    assert old["model_spec"]["version"] == "1"


def test_the_status_stands_beside_our_own_description(server: Server) -> None:
    answer = server.http.get("/v1/models/tiny").json()
    assert {"model", "contract"} < answer.keys()
    newest, _ = answer["model_version_status"]
    assert newest == {"version": "2", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    one = server.http.get("/v1/models/tiny/versions/2").json()["model_version_status"]
    assert one == [newest]


BAD = [
    ("tiny:predict", {}, 400, "exactly one of 'inputs' and 'instances'"),
    ("tiny:predict", {"instances": ROWS, "inputs": COLUMNS}, 400, "exactly one of"),
    ("tiny:predict", {"instances": ROWS, "signature": "decode"}, 400, "signature: no such field; known:"),
    ("tiny:predict", {"instances": ROWS, "signature_name": 100}, 400, "'signature_name' key must be a string value."),
    ("tiny:predict", {"instances": ROWS, "signature_name": "foo"}, 400, 'Serving signature key "foo" not found.'),
    ("tiny:predict", {"instances": []}, 400, "Expecting 'instances' value to be an non-empty list"),
    ("tiny:predict", {"instances": {"a": 1}}, 400, "Expecting 'instances' value to be an non-empty list"),
    ("tiny:predict", {"instances": [1.0]}, 400, "takes several inputs; give an object of latent, label"),
    ("tiny:predict", {"instances": [{"latent": [0.0] * 8}]}, 400, "Missing but required: {label}"),
    ("tiny:predict", {"instances": [ROWS[0], {**ROWS[0], "x": 1}]}, 400, "Sent extra: {x}"),
    ("tiny:predict", {"instances": [ROWS[0], {**ROWS[0], "latent": [1.0]}]}, 400, "latent: the nested lists must have"),
    ("tiny:predict", {"instances": [{**ROWS[0], "label": 1.5}]}, 400, "label: must hold whole numbers of 32 bits"),
    ("tiny:predict", {"instances": [{**ROWS[0], "label": 2**40}]}, 400, "label: must hold whole numbers of 32 bits"),
    ("tiny:predict", {"instances": [{**ROWS[0], "label": 2**80}]}, 400, "label: must hold numbers only"),
    ("tiny:predict", {"instances": [{**ROWS[0], "label": "one"}]}, 400, "label: must hold numbers only"),
    ("tiny:predict", {"instances": [{**ROWS[0], "label": 3}]}, 400, "has labels 0 to 2, not 3"),
    ("tiny:predict", {"instances": [{**ROWS[0], "latent": [1e300] * 8}]}, 400, "latent: must be finite"),
    ("tiny:predict", {"instances": [{**ROWS[0], "latent": [0.0] * 7}]}, 400, "takes [-1, 8], not [1, 7]"),
    ("tiny:predict", {"instances": [{**ROWS[0], "latent": None}]}, 400, "latent: must hold numbers only"),
    ("tiny:predict", {"instances": [{**ROWS[0], "latent": {"b64": "?"}}]}, 400, "latent: must be base64"),
    ("tiny:predict", {"instances": [{**ROWS[0], "latent": {"b64": "AAAA"}}]}, 400, "wants 32 bytes of float32, 3 came"),
    ("tiny:predict", {"instances": [{**ROWS[0], "latent": {"b64": 1}}]}, 400, 'lists of numbers or {"b64"'),
    ("tiny:predict", {"instances": [ROWS[0], {**ROWS[0], "latent": b64(LATENTS[0])}]}, 400, "b64 in all"),
    ("tiny:predict", {"instances": ROWS * 14}, 400, "at most 40 items a request"),
    ("tiny:predict", {"inputs": [1.0]}, 400, "inputs: the signature takes several inputs"),
    ("tiny:predict", {"inputs": {**COLUMNS, "label": [1]}}, 400, "equal 0th-dimension size"),
    ("tiny:predict", {"inputs": {**COLUMNS, "label": 1}}, 400, "label: must be a list"),
    ("tiny:predict", {"inputs": {"features": b64(LATENTS)}, "signature_name": "decode"}, 400, "fit several shapes"),
    ("tiny:predict", {"inputs": [[[0.0] * BANDS] * 2600], "signature_name": "decode"}, 413, "20.8 seconds"),
    ("tiny:predict", {"inputs": [[0.0] * 100], "signature_name": "analyse"}, 400, f"whole hops of {HOP} samples"),
    ("nope:predict", {"instances": ROWS}, 404, "Servable not found for request: Latest(nope)"),
    ("tiny/versions/9:predict", {"instances": ROWS}, 404, "Servable not found for request: Specific(tiny, 9)"),
    ("tiny/versions/0:predict", {"instances": ROWS}, 404, "Specific(tiny, 0)"),
    ("tiny/versions/new:predict", {"instances": ROWS}, 404, "there is no version 'new'"),
    ("tiny/labels/stable:predict", {"instances": ROWS}, 404, "Unrecognized servable version label: stable"),
    ("tiny:classify", {"examples": []}, 501, "for predict only"),
    ("tiny/versions/2:regress", {"examples": []}, 501, "for predict only"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case[0]}-{case[3]}")
def test_a_mistake_is_told_in_words_of_its_kind(server: Server, case: tuple[str, dict[str, Any], int, str]) -> None:
    place, fields, status, words = case
    answer = post(server, place, **fields)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    assert answer.json()["detail"] == answer.json()["error"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "place", ["nope/metadata", "tiny/versions/9/metadata", "tiny/labels/stable", "tiny/labels/stable/metadata", "nope"]
)
def test_what_is_not_there_is_not_found(server: Server, place: str) -> None:
    answer = server.http.get(f"/v1/models/{place}")
    assert answer.status_code == 404
    assert answer.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b'{"instances": ' + b"[" * 5000, b'{"instances": NULL}'])
def test_a_body_that_is_no_json_object_is_refused(server: Server, body: bytes) -> None:
    answer = server.http.post("/v1/models/tiny:predict", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_body_over_the_limit_is_refused(server: Server) -> None:
    answer = server.http.post("/v1/models/tiny:predict", content=b" " * (2**20 + 1))
    assert answer.status_code == 413
    assert answer.json()["error"] == "the body is over 1048576 bytes"


def test_a_form_type_is_no_obstacle(server: Server) -> None:
    """As curl -d calls everything a form."""
    media = {"content-type": "application/x-www-form-urlencoded"}
    body = httpx.Request("POST", "http://here", json={"instances": ROWS}).content
    assert server.http.post("/v1/models/tiny:predict", content=body, headers=media).status_code == 200


def test_calls_are_counted_by_operation_and_model(server: Server) -> None:
    labels = {"transport": "http", "operation": "predict", "model": "tiny"}
    before = total(server, "latentone_request_duration_seconds_count", **labels)
    post(server, instances=ROWS)
    post(server, "tiny:predict")
    assert total(server, "latentone_request_duration_seconds_count", **labels) == before + 1
    assert "tiny:predict" not in server.http.get("/metrics").text
