"""The image, built and run for real: `make test-container`, as it takes minutes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from packaging.utils import canonicalize_name

from bench.container import Container
from latentone_client import Client
from tests.service.conftest import ROOT, write_models

if "CONTAINER" not in os.environ:
    pytest.skip("make test-container builds and runs the image, which takes minutes", allow_module_level=True)

LOCK = ROOT / "requirements-container.txt"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of models: tiny (versions 1 and 2) and slow, for anybody to read."""
    folder = tmp_path_factory.mktemp("models")
    for parent in (folder, *folder.parents):
        if parent.is_relative_to(tmp_path_factory.getbasetemp().parent):
            parent.chmod(0o755)  # the user in the container is another one
    return write_models(folder)


@pytest.fixture(scope="module")
def bundled(image: str) -> Iterator[Container]:
    """Return a container with the models of the image."""
    with Container(image, default_model="digits") as container:
        container.wait_for("/readyz")
        yield container


def test_both_transports_answer_with_the_bundled_models(bundled: Container) -> None:
    with Client(bundled.url) as http, Client(f"grpc://{bundled.target}") as grpc:
        names = {model.name for model in http.models()}
        sounds = [client.generate(model="digits", label="7", seed=3).samples for client in (http, grpc)]
    assert names == {"griffin-lim", *(folder.name for folder in (ROOT / "models").iterdir())}
    assert np.array_equal(*sounds)
    assert np.abs(sounds[0]).max() > 0.01


def test_every_operation_has_what_it_needs(bundled: Container) -> None:
    with Client(bundled.url) as client:
        seven = client.generate(model="digits", label="7", seed=3)
        features = client.sample(model="digits", label="7", seed=3)
        again = client.decode(features.values, model="digits")
        picture = httpx.post(f"{bundled.url}/v1/sample", json={"seed": 3}, headers={"accept": "image/png"}, timeout=30)
        encoded = [httpx.post(f"{bundled.url}/v1/generate", json={"seed": 3, "format": name}, timeout=30)
                   for name in ("flac", "ogg", "opus", "mp3")]  # fmt: skip
    assert np.array_equal(seven.samples, again.samples)
    assert picture.content.startswith(b"\x89PNG")
    assert all(answer.status_code == 200 for answer in encoded)


def test_it_can_write_nothing_but_its_temporary_files_and_is_nobody_in_particular(bundled: Container) -> None:
    who = bundled.inside("python", "-c", "import os; print(os.getuid(), os.getgid())")
    assert who.stdout.split() == ["65532", "65532"]
    for place in ("/app", "/models", "/opt/latentone", "/"):
        assert bundled.inside("python", "-c", f"open('{place}/written', 'w')").returncode == 1, place
    assert bundled.inside("python", "-c", "open('/tmp/written', 'w')").returncode == 0
    capabilities = bundled.inside("python", "-c", "print(open('/proc/1/status').read())").stdout
    assert "CapEff:\t0000000000000000" in capabilities


def test_its_memory_is_limited_and_enough(bundled: Container) -> None:
    with Client(bundled.url) as client:
        assert len(client.generate(model="urban", count=16, seed=1).samples) == 16
    assert json.loads(bundled.call("inspect", bundled.name))[0]["HostConfig"]["Memory"] == 2 * 2**30
    assert httpx.get(f"{bundled.url}/readyz").status_code == 200


def names(requirements: str) -> set[tuple[str, str]]:
    """Return each package with its version."""
    pins = (line.split()[0].split("==") for line in requirements.splitlines() if line[:1].isalnum())
    return {(canonicalize_name(name), version) for name, version in pins}


def test_it_holds_the_locked_packages_and_no_trainer(bundled: Container) -> None:
    inside = names(bundled.inside("cat", "/app/packages.txt").stdout)
    locked = names(LOCK.read_text())
    assert inside <= locked  # some have a version for each Python
    assert {name for name, _ in inside} == {name for name, _ in locked}
    assert not {"keras", "librosa", "jax", "pytest", "tensorboard"} & {name for name, _ in inside}
    assert set(bundled.inside("ls", "/app").stdout.split()) == {"LICENSE", "healthcheck.py", "packages.txt", "service"}
    told = json.loads((ROOT / "build" / "latentone.cdx.json").read_text())
    assert told["bomFormat"] == "CycloneDX"
    assert {(canonicalize_name(part["name"]), part["version"]) for part in told["components"]} == inside
    assert told["metadata"]["component"]["name"] == "latentone"


def test_its_health_is_the_service_s(image: str, models: Path) -> None:
    with Container(image, models) as container:
        (told,) = json.loads(container.call("image", "inspect", image))
        check = (told.get("Healthcheck") or told["Config"]["Healthcheck"])["Test"]  # podman's place, or docker's
        assert check[0] == "CMD"
        container.wait_for("/livez")
        assert container.inside(*check[1:]).returncode == 1  # it loads
        container.wait_for("/readyz")
        assert container.inside(*check[1:]).returncode == 0
        if container.engine == "podman":
            container.call("healthcheck", "run", container.name)


def test_mounted_models_stand_in_the_place_of_its_own(image: str, models: Path) -> None:
    with Container(image, models) as container:
        container.wait_for("/readyz")
        with Client(container.url) as client:
            assert {model.name for model in client.models()} == {"griffin-lim", "slow", "tiny"}
            assert client.generate(model="tiny", version=2).version == 2


def test_sigterm_lets_requests_end_and_exits_0(image: str, models: Path) -> None:
    with (
        Container(image, models, lame_duck_seconds=0.2) as container,
        Client(container.url) as http,
        Client(f"grpc://{container.target}") as grpc,
        ThreadPoolExecutor() as pool,
    ):
        container.wait_for("/readyz")
        requests = [pool.submit(client.generate, model="slow", count=3) for client in (http, grpc)]
        time.sleep(0.3)  # they are there, and take longer
        container.terminate()
        assert [len(request.result().samples) for request in requests] == [3, 3]
        assert container.wait() == 0
        assert "Traceback" not in container.log
