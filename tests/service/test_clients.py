"""BentoML's own client, on arrays."""

from __future__ import annotations

from collections.abc import Iterator

import bentoml
import numpy as np
import pytest
from bentoml.exceptions import BentoMLException

from service.latents import draw
from tests.service.conftest import Server
from tests.service.tiny_model import BANDS, FRAMES, HOP, LATENT


@pytest.fixture
def client(server: Server) -> Iterator[bentoml.SyncHTTPClient]:
    """Return BentoML's client of the server."""
    with bentoml.SyncHTTPClient(server.url) as made:
        yield made


def test_the_three_basic_operations_work_on_arrays(server: Server, client: bentoml.SyncHTTPClient) -> None:
    waveform = np.asarray(client.generate(seed=3, count=2, label="one"), np.float32)
    assert waveform.shape == (2, FRAMES * HOP)
    features = np.asarray(client.sample(seed=3, count=2, label="one"), np.float32)
    assert features.shape == (2, FRAMES, BANDS)
    np.testing.assert_allclose(np.asarray(client.decode(features=features)), waveform, atol=1e-5)
    latents = draw(3, count=2, size=LATENT, distribution="normal")
    given = server.http.post("/v1/sample?format=json", json={"latents": latents.tolist(), "label": "one"})
    np.testing.assert_allclose(np.array(given.json()["features"]), features, atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"model": "nope"}, 404), ({"count": 0}, 400), ({"label": "x"}, 400), ({"count": 99}, 400)],
)
def test_mistakes_have_their_own_status(client: bentoml.SyncHTTPClient, fields: dict, status: int) -> None:
    with pytest.raises(BentoMLException) as refused:
        client.generate(**fields)
    assert refused.value.error_code == status
    assert "urn:latentone:" in str(refused.value)


def test_what_bentoml_itself_refuses_is_a_problem_document_too(server: Server) -> None:
    answer = server.http.post("/generate", json={"count": "many"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "valid integer" in answer.json()["detail"]
