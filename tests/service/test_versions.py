"""Versions that come, go and are labelled while a real server answers."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from latentone_client import Client
from service.contract import PLACE
from service.keys import line_of
from tests.service import versions
from tests.service.conftest import Server, refused
from tests.service.test_metrics import total
from tests.service.tiny_model import LATENT, describe
from tests.service.versions import BEARER, COUNT, KEY, SEEDS, Load, ask, by_grpc, by_http, publish


@pytest.fixture(scope="module")
def folder(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of models of the server below, which has tiny 1 and nothing else."""
    root = tmp_path_factory.mktemp("versions")
    publish(models, root, 1, like=1)
    return root


@pytest.fixture(scope="module")
def moving(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that looks at its folder all the time, and whose only key is an admin's."""
    log, keys = tmp_path_factory.mktemp("log") / "log", line_of("carol", KEY, admin=True)
    limits = {"lame_duck_seconds": 0, "memory_budget_mb": versions.BUDGET_MB}
    started = Server(folder, log, models_poll_seconds=0.2, api_keys=keys, **limits)
    started.http.headers["authorization"] = f"Bearer {KEY}"
    yield started.wait_until_ready()
    started.stop()


def states(server: Server, name: str = "tiny") -> dict[int, tuple[str, str]]:
    """Return the state of each version of a model, and the reason for it."""
    models = server.http.get("/v1/models").json()["models"]
    return {model["version"]: (model["state"], model["reason"]) for model in models if model["name"] == name}


def default(server: Server) -> int:
    """Return the version that requests get which name none."""
    return int(server.generate().headers["x-latentone-version"])


def test_a_swap_under_load_loses_nothing_and_mixes_nothing(moving: Server, folder: Path, models: Path) -> None:
    load = Load(moving)
    moving.wait_until(lambda: load.count(1) >= 20)
    publish(models, folder, 2, like=2)
    moving.wait_until(lambda: load.count(2) >= 20)
    load.stop()
    assert load.lost == []
    # Nobody asks for version 1 any more, and it has gone with the last of its requests.
    assert states(moving) == {1: ("available", ""), 2: ("ready", "")}
    loaded = {"name": "latentone_model_loaded", "model": "tiny"}
    assert [total(moving, **loaded, version=version) for version in ("1", "2")] == [0, 1]
    whole = {(seed, version): ask(moving, seed, version=version)[2] for seed in SEEDS for version in (1, 2)}
    assert len(set(whole.values())) == len(whole)
    for seed, version, samples in load.answers:
        assert samples == whole[seed, version]


def test_a_bad_version_is_refused_and_named_while_the_old_one_goes_on(
    moving: Server, folder: Path, models: Path
) -> None:
    before, was = total(moving, "latentone_models_refused_total", model="tiny"), default(moving)
    publish(models, folder, 11, like=1, finish=versions.spoil)
    publish(models, folder, 12, like=1, finish=versions.garble)
    publish(models, folder, 13, like=1, finish=lambda hidden: shutil.rmtree(hidden / "assets.extra"))
    answer = moving.http.post("/v1/models:reload")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:latentone:broken_model"
    reasons = {
        11: "variables/variables.data-00000-of-00001 differs from its digest in the contract",
        12: "TensorFlow can't load it",
        13: "assets.extra/contract.json can't be read: No such file or directory",
    }
    now, log = states(moving), moving.log.read_text()
    for version, reason in reasons.items():
        assert now[version][0] == "failed"
        assert now[version][1].startswith(reason)
        assert f"model 'tiny' version {version}: {reason}" in answer.json()["detail"]
        assert f"model 'tiny' version {version} can't be served: {reason}" in log
    assert total(moving, "latentone_models_refused_total", model="tiny") == before + len(reasons)
    assert total(moving, "latentone_model_failed", model="tiny") == len(reasons)
    assert default(moving) == was
    for version in reasons:
        shutil.rmtree(folder / "tiny" / str(version))
    moving.wait_until(lambda: not reasons.keys() & states(moving).keys())
    assert total(moving, "latentone_model_failed", model="tiny") == 0


def test_a_version_that_does_not_fit_the_memory_budget_is_refused_while_the_old_one_goes_on(
    moving: Server, folder: Path, models: Path
) -> None:
    was = default(moving)
    large = publish(models, folder, 14, like=1, finish=versions.enlarge)
    reason = (
        f"it takes {versions.BUDGET_MB + 1}.0 MB of memory, and of LATENTONE_MEMORY_BUDGET_MB={versions.BUDGET_MB} "
    )
    assert reason in moving.http.post("/v1/models:reload").json()["detail"]
    answer = moving.generate(version=14)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert reason in answer.json()["detail"]
    assert states(moving)[14][0] == "available"
    assert default(moving) == was
    shutil.rmtree(large)
    moving.wait_until(lambda: 14 not in states(moving))


def test_a_version_that_is_still_being_written_is_waited_for(moving: Server, folder: Path, models: Path) -> None:
    whole, slow = publish(models, folder, 5, like=1, name=".aside"), folder / "tiny" / "5"
    describe(whole, json.loads((whole / PLACE).read_text()) | {"name": "tiny"})
    for part in ("assets.extra", "saved_model.pb", "fingerprint.pb"):
        copy = shutil.copytree if (whole / part).is_dir() else shutil.copy
        slow.mkdir(exist_ok=True)
        copy(whole / part, slow / part)
        time.sleep(0.5)  # it is looked at meanwhile
        assert 5 not in states(moving)
    shutil.copytree(whole / "variables", slow / "variables")
    moving.wait_until(lambda: default(moving) == 5)
    assert "version 5 can't be served" not in moving.log.read_text()
    shutil.rmtree(slow)


def test_a_version_that_goes_leaves_its_place_to_the_one_before(moving: Server, folder: Path, models: Path) -> None:
    publish(models, folder, 6, like=1)
    moving.wait_until(lambda: default(moving) == 6)
    load = Load(moving)
    moving.wait_until(lambda: load.count(6) >= 8)
    shutil.rmtree(folder / "tiny" / "6")
    moving.wait_until(lambda: load.count(2) >= 8)
    load.stop()
    assert load.lost == []
    assert 6 not in states(moving)
    assert moving.generate(version=6).status_code == 404
    assert total(moving, "latentone_model_loaded", model="tiny", version="6") == 0


def test_a_model_that_comes_is_served_and_does_not_become_the_default_of_a_broken_one(
    moving: Server, folder: Path, models: Path
) -> None:
    publish(models, folder, 1, like=1, name="zebra")
    moving.wait_until(lambda: moving.generate(model="zebra").status_code == 200)
    publish(models, folder, 1, like=1, name="aardvark", finish=versions.garble)
    moving.wait_until(lambda: states(moving, "aardvark").get(1, ("", ""))[0] == "failed")
    assert moving.generate().headers["x-latentone-model"] == "tiny"
    for name in ("zebra", "aardvark"):
        shutil.rmtree(folder / name)
    moving.wait_until(lambda: moving.generate(model="zebra").status_code == 404)


def test_a_folder_that_is_not_there_any_more_takes_nothing_away(moving: Server, folder: Path) -> None:
    folder.rename(folder.with_name("unmounted"))
    try:
        moving.wait_until(lambda: "is it mounted?" in moving.log.read_text())
        assert default(moving) == 2
        assert moving.http.post("/v1/models:reload").status_code == 409
    finally:
        folder.with_name("unmounted").rename(folder)


@pytest.fixture(scope="module")
def labelled(moving: Server, folder: Path) -> Server:
    """Return the server with labels for its versions."""
    (folder / "labels.json").write_text('{"tiny": {"stable": 1, "canary": 2}}')
    moving.wait_until(lambda: moving.generate(version_label="stable").status_code == 200)
    return moving


def test_a_label_stands_for_its_version_on_every_protocol(labelled: Server) -> None:
    prediction = prediction_service_pb2_grpc.PredictionServiceStub(labelled.channel)
    status = model_service_pb2_grpc.ModelServiceStub(labelled.channel)
    rows = {"instances": [{"latent": [0.5] * LATENT, "label": 1}]}
    for label, version in (("stable", 1), ("canary", 2)):
        same = by_http(labelled, 3, version=version)
        assert by_http(labelled, 3, version_label=label) == same
        assert by_grpc(labelled, 3, version_label=label) == same
        fields = {"seed": 3, "count": COUNT}
        by_bento = (labelled.http.post("/generate", json=fields | of).json() for of in _both(label, version))
        assert len({json.dumps(answer) for answer in by_bento}) == 1
        by_rest = [
            labelled.http.post(f"/v1/models/tiny/{place}:predict", json=rows).json()
            for place in (f"labels/{label}", f"versions/{version}")
        ]
        assert by_rest[0] == by_rest[1]
        wanted = predict_pb2.PredictRequest()
        wanted.model_spec.name, wanted.model_spec.version_label = "tiny", label
        wanted.inputs["latent"].CopyFrom(tensor(np.full((1, LATENT), 0.5, np.float32)))
        wanted.inputs["label"].CopyFrom(tensor(np.array([1], np.int32)))
        answer = prediction.Predict(wanted, metadata=BEARER)
        assert answer.model_spec.version.value == version
        assert list(answer.outputs["waveform"].float_val) == pytest.approx(by_rest[0]["predictions"][0])
        asked = get_model_status_pb2.GetModelStatusRequest()
        asked.model_spec.name, asked.model_spec.version_label = "tiny", label
        (found,) = status.GetModelStatus(asked, metadata=BEARER).model_version_status
        assert found.version == version
        (found,) = labelled.http.get(f"/v1/models/tiny/labels/{label}").json()["model_version_status"]
        assert (found["version"], found["state"]) == (str(version), "AVAILABLE")
        for url in (labelled.url, f"grpc://{labelled.target}"):
            with Client(url, api_key=KEY) as client:
                described = client.model("tiny", version=label)
                assert (described.version, described.version_labels) == (version, (label,))
                assert client.generate(seed=3, version=label).version == version


def _both(label: str, version: int) -> Iterator[dict[str, Any]]:
    yield {"version_label": label}
    yield {"version": version}


def tensor(values: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.make_tensor_proto(values)


def test_a_label_that_is_not_there_is_named_with_those_that_are(labelled: Server) -> None:
    answer = labelled.generate(version_label="beta")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "model 'tiny' has no version label 'beta'; known: stable, canary"
    answer = labelled.generate(version_label="stable", version=2)
    assert answer.status_code == 400
    assert "give version or version_label, not both" in answer.json()["detail"]
    assert labelled.http.get("/v1/models/tiny/labels/beta/metadata").status_code == 404


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "labels.json: Invalid JSON"),
        ('{"tiny": {"stable": "one"}}', "labels.json: tiny: stable: Input should be a valid integer"),
        ('{"tiny": {"stable": 9}}', "label 'stable' can't stand for model 'tiny' version 9: there is no such version"),
        ('{"none": {"stable": 1}, "tiny": {"stable": 1}}', "model 'none' version 1: there is no such version"),
    ],
)
def test_a_mistake_in_the_labels_leaves_them_as_they_were(
    labelled: Server, folder: Path, text: str, words: str
) -> None:
    (folder / "labels.json").write_text(text)
    labelled.wait_until(lambda: words in labelled.log.read_text().replace("\\u0027", "'"))
    assert by_http(labelled, 1, version_label="stable")[1] == 1


def test_a_label_moves_under_load_and_loses_nothing(labelled: Server, folder: Path) -> None:
    stopping, seen, lost = threading.Event(), [], []

    def ask() -> None:
        while not stopping.is_set():
            answer = labelled.generate(version_label="stable", seed=1)
            if answer.status_code == 200:
                seen.append(int(answer.headers["x-latentone-version"]))
            else:
                lost.append(answer.text)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        for version in (2, 1, 2):
            (folder / "labels.json").write_text(json.dumps({"tiny": {"stable": version}}))
            labelled.wait_until(lambda: seen[-1:] == [version])  # noqa: B023 - it is called here
        stopping.set()
        asking.result(timeout=60)
    assert lost == []


def test_a_reload_by_grpc_answers_when_the_folder_is_served(moving: Server, folder: Path, models: Path) -> None:
    method = model_service_pb2_grpc.ModelServiceStub(moving.channel).HandleReloadConfigRequest
    wanted = model_management_pb2.ReloadConfigRequest()
    publish(models, folder, 7, like=1)
    assert method(wanted, metadata=BEARER).status.error_code == 0
    assert states(moving)[7] == ("ready", "")
    assert default(moving) == 7
    publish(models, folder, 8, like=1, finish=versions.spoil)
    code, text = refused(lambda request: method(request, metadata=BEARER), wanted)
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert text.startswith("model 'tiny' version 8: variables/variables.data-00000-of-00001 differs")
