"""What can be wrong with features, pictures and definitions is told alike on both transports."""

from __future__ import annotations

import re
from typing import Any

import grpc
import numpy as np
import pytest

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import Server
from tests.service.test_bad_input import CODES, as_json, as_proto, saved
from tests.service.test_grey_picture import made, png
from tests.service.tiny_model import BANDS

Fields = dict[str, Any]


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


ANY = {"model": "griffin-lim"}
SOME = ones(4, 9)
GREY = png(np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8))
SAME = {"scale_from": [1, 1], "scale_to": [0, 1]}
WRONG_FFT = {"n_fft": 99_999}
BAD = [
    ({"features": ones(4, BANDS), "definition": {}, "model": "tiny"}, 400, "definition", "is for model 'griffin-lim'"),
    ({"features": ones(4, BANDS), "iterations": 3}, 400, "iterations", "it is for model 'griffin-lim'"),
    ({"features": ones(4, BANDS), "peak": 1}, 400, "peak", "griffin-lim"),
    ({"features": SOME, "iterations": 501, **ANY}, 400, "iterations", "501 is not within 0 to 500"),
    ({"features": SOME, "iterations": -1, **ANY}, 400, "iterations", "-1 is not within 0 to 500"),
    ({"features": SOME, "peak": 2, **ANY}, 400, "peak", "2.0 is not within 0.001 to 1"),
    ({"features": SOME, "definition": WRONG_FFT}, 400, "definition.n_fft", "99999 is not within 64 to 8192"),
    ({"features": SOME, "definition": {"power": 3}}, 400, "definition.power", "3 is not within 1 to 2"),
    ({"features": SOME, "definition": {"log": "bel"}}, 400, "definition.log", "'linear', not 'bel'"),
    ({"features": SOME, "definition": SAME}, 400, "definition", "same number"),
    ({"features": SOME, "definition": {"n_mels": 8}}, 400, "features", "9 bands came, the definition has n_mels=8"),
    ({"features": ones(4, 600), **ANY}, 400, "features", "at most 512"),
    ({"features": ones(0, 9), **ANY}, 400, "features", "wanted, not"),
    ({"features": ones(9), **ANY}, 400, "features", "wanted, not"),
    ({"features": SOME * np.nan, **ANY}, 400, "features", "NaN or infinity"),
    ({"features": SOME * 1e4, **ANY}, 400, "features", "can't be mel"),
    ({"features": -SOME, "definition": {"log": "linear"}}, 400, "features", "-1 is below 0"),
    ({"features": ones(41, 1, 9), **ANY}, 400, "features", "at most 40 items"),
    ({"features": ones(1000, 9), **ANY}, 413, "features", "23.2 seconds of sound; at most 20"),
    ({"features": ones(9000, 9), "definition": {"n_fft": 8192, "hop_samples": 16}}, 413, "features", "cells; at most"),
    ({"features": ones(1, 9), "definition": {"n_fft": 8192, "hop_samples": 1}}, 413, "features", "8192 that overlap"),
    ({"features": ones(800, 9), "iterations": 500, **ANY}, 413, "iterations", "so many allow 325 at most"),
    ({"features": SOME, "picture": GREY}, 400, None, "features or a picture, not both"),
    ({"features": ones(4, BANDS), "black": 0.0, "white": 1.0}, 400, None, "scale of a picture, and none came"),
    ({"picture": GREY, "black": 0.0}, 400, None, "both black and white"),
    ({"picture": GREY}, 400, "black", "does not say what black and white stand for"),
    ({"picture": GREY, "black": 1e300, "white": 0.0}, 400, "black", "not within -1000000.0 to"),
    ({"picture": GREY, "black": 1.0, "white": 1.0}, 400, "black", "both stand for 1"),
    ({"picture": GREY, "black": 0.0, "white": 1.0}, 400, "features", r"wants \[count, frames, 16\]"),
    ({"picture": b"RIFF", "black": 0.0, "white": 1.0}, 415, "picture", "no PNG file"),
    ({"picture": png(np.zeros((2, 2, 3), np.uint8))}, 415, "picture", "in colour"),
    ({"picture": made(100_000, 100_000)}, 413, "picture", "100000 x 100000 pixels"),
    ({"picture": GREY[:200]}, 400, "picture", "cut short"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[3])
def test_a_mistake_in_decoding_is_told_alike_on_both_transports(
    server: Server, case: tuple[Fields, int, str | None, str]
) -> None:
    fields, status, field, words = case
    answer = server.http.post("/v1/decode", json={name: as_json(value) for name, value in fields.items()})
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem.get("field") == field
    assert re.search(words, problem["detail"])
    with pytest.raises(grpc.RpcError) as refused:
        server.stub.Decode(pb.DecodeRequest(**{name: as_proto(value) for name, value in fields.items()}))
    assert refused.value.code() == CODES[status]
    assert refused.value.details() == problem["detail"]
    assert server.http.post("/v1/decode", content=saved(SOME), params=ANY).status_code == 200
