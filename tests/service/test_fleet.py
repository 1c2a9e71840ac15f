"""A service whose models a fleet computes: what it does when the fleet does not do what it should."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import predict_pb2

from service.contract import PLACE
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import LIMITS, Server, free_port
from tests.service.stand_in import StandIn
from tests.service.test_metrics import total

NO_FLEET = "no server of the fleet can be reached"
SECRET = "the key under the mat"
Fleet = list[StandIn]


@pytest.fixture(scope="module")
def fleet(disk_server: Server) -> Iterator[Fleet]:
    """Return two servers of a fleet, which don't listen yet."""
    stand_ins = [StandIn(disk_server.target, free_port()) for _ in range(2)]
    yield stand_ins
    for stand_in in stand_ins:
        stand_in.stop()


@pytest.fixture(scope="module")
def started(models: Path, fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server whose fleet is not there yet."""
    own = tmp_path_factory.mktemp("own") / "models"
    shutil.copytree(models, own)
    extend(own, "absent", lambda _: None)
    extend(own, "tiny", lambda described: described["signatures"].update(more=described["signatures"]["decode"]), "2")
    for file in own.rglob("saved_model.pb"):
        file.unlink()  # a contract is all that a server needs of a model that others compute
    address = ",".join(f"127.0.0.1:{stand_in.port}" for stand_in in fleet)
    server = Server(own, tmp_path_factory.mktemp("log") / "front.log", backend=f"grpc://{address}", **LIMITS)
    yield server
    server.stop()


def extend(models: Path, name: str, edit: Callable[[Any], None], version: str = "1") -> None:
    """Write the contract of a model like tiny, with a change."""
    place = models / name / version / PLACE
    described = json.loads((models / "tiny" / version / PLACE).read_text()) | {"name": name}
    edit(described)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(described))


@pytest.fixture
def front(started: Server, fleet: Fleet) -> Iterator[Server]:
    """Return the server, ready, with both servers of its fleet well."""
    for stand_in in fleet:
        stand_in.stop()
        stand_in.forgive()
        stand_in.start()
    started.wait_until(lambda: up(started, fleet) == 2)
    started.wait_until_ready()
    yield started
    for stand_in in fleet:
        stand_in.forgive()


def up(server: Server, fleet: Fleet) -> int:
    """Return how many servers of the fleet are connected, as the log tells."""
    lines = server.log.read_text().splitlines()
    last = {
        port: [line for line in lines if f"fleet: 127.0.0.1:{port} is " in line] for port in (f.port for f in fleet)
    }
    return sum(bool(found) and " is up" in found[-1] for found in last.values())


def health(server: Server) -> int:
    answer = health_pb2_grpc.HealthStub(server.channel).Check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
    status: int = answer.status
    return status


def detail(server: Server) -> str:
    text: str = server.http.get("/readyz").json()["detail"]
    return text


def alone(fleet: Fleet) -> StandIn:
    """Leave one server in the fleet."""
    fleet[1].stop()
    return fleet[0]


def test_a_fleet_that_is_not_there_is_waited_for(started: Server, fleet: Fleet, disk_server: Server) -> None:
    started.wait_until(lambda: started.get("/livez") == 200)
    started.wait_until(lambda: detail(started) == NO_FLEET)
    refused = started.generate(seed=3)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    fleet[0].start()
    started.wait_until_ready()
    assert health(started) == health_pb2.HealthCheckResponse.SERVING
    wanted = disk_server.generate(seed=3, version=1)
    assert started.generate(seed=3, version=1).content == wanted.content


def test_models_that_the_fleet_lacks_or_has_otherwise_are_named(front: Server) -> None:
    models = {(model["name"], model["version"]): model for model in front.http.get("/v1/models").json()["models"]}
    assert models["tiny", 2]["reason"] == "the fleet's model lacks the signature more"
    assert models["absent", 1]["reason"] == "the fleet does not serve this version of the model"
    assert [models[key]["state"] for key in (("tiny", 2), ("absent", 1), ("tiny", 1))] == [
        "failed",
        "available",
        "ready",
    ]
    assert front.generate(model="absent").status_code == 503
    assert front.generate().headers["x-latentone-version"] == "1"


def test_a_server_that_only_calls_a_fleet_does_not_load_tensorflow(front: Server, disk_server: Server) -> None:
    assert front.generate().status_code == 200
    assert has_tensorflow(disk_server)
    assert not has_tensorflow(front)


def has_tensorflow(server: Server) -> bool:
    own = f"LATENTONE_HTTP_PORT={server.http_port}".encode()
    found = [path.parent for path in Path("/proc").glob("[0-9]*/environ") if own in read(path).split(b"\0")]
    assert found
    return any(b"libtensorflow" in read(folder / "maps") for folder in found)


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # of a process that has ended
        return b""


def test_a_fleet_that_stops_takes_readiness_with_it_and_brings_it_back(front: Server, fleet: Fleet) -> None:
    for stand_in in fleet:
        stand_in.stop()
    front.wait_until(lambda: front.get("/readyz") == 503)
    assert detail(front) == NO_FLEET
    front.wait_until(lambda: health(front) == health_pb2.HealthCheckResponse.NOT_SERVING)
    refused = front.generate()
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["type"] == "urn:latentone:not_ready"
    assert total(front, "latentone_ready") == 0
    fleet[1].start()
    front.wait_until_ready()
    assert total(front, "latentone_ready") == 1
    assert front.generate().status_code == 200


def test_calls_go_round_the_servers_and_past_one_that_has_gone(front: Server, fleet: Fleet) -> None:
    assert [front.generate(seed=seed).status_code for seed in range(10)] == [200] * 10
    assert [len(stand_in.seconds) for stand_in in fleet] == [5, 5]
    alone(fleet)
    front.wait_until(lambda: up(front, fleet) == 1)
    assert [front.generate(seed=seed).status_code for seed in range(6)] == [200] * 6
    assert len(fleet[0].seconds) == 11
    assert front.get("/readyz") == 200


def test_a_server_that_says_it_is_not_serving_gets_no_calls(front: Server, fleet: Fleet) -> None:
    fleet[1].stop()
    fleet[1].start(healthy=False)
    time.sleep(1.5)  # longer than it takes to connect again
    assert [front.generate(seed=seed).status_code for seed in range(6)] == [200] * 6
    assert [len(stand_in.seconds) for stand_in in fleet] == [6, 0]


def test_the_deadline_is_passed_on_and_a_call_that_misses_it_is_not_repeated(front: Server, fleet: Fleet) -> None:
    stand_in = alone(fleet)
    stand_in.go.clear()
    with pytest.raises(grpc.RpcError) as late:
        front.stub.Generate(pb.GenerateRequest(seed=1), timeout=1)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    time.sleep(0.5)  # in which a second try would come
    assert len(stand_in.seconds) == 1
    assert 0 < stand_in.seconds[0] <= 1.05  # on its way the time is rounded up
    stand_in.go.set()
    assert front.generate().status_code == 200


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NOT_FOUND", 404, "not_found"),
        ("UNAVAILABLE", 503, "not_ready"),
        ("RESOURCE_EXHAUSTED", 429, "busy"),
        ("DEADLINE_EXCEEDED", 504, "deadline"),
        ("INVALID_ARGUMENT", 400, "invalid"),
        ("INTERNAL", 502, "bad_answer"),
        ("UNIMPLEMENTED", 502, "bad_answer"),
    ],
)
def test_a_refusal_has_its_kind_here_and_keeps_its_words_there(
    front: Server, fleet: Fleet, code: str, status: int, kind: str
) -> None:
    stand_in = alone(fleet)
    stand_in.status, stand_in.words = grpc.StatusCode[code], SECRET
    before = total(front, "latentone_fleet_failures_total", code=code)
    refused = front.generate()
    assert (refused.status_code, refused.json()["type"]) == (status, f"urn:latentone:{kind}")
    assert SECRET not in refused.text
    assert ("retry-after" in refused.headers) == (status in {429, 503})
    assert f"{code}: {SECRET}" in front.log.read_text()
    assert len(stand_in.seconds) == 1
    assert total(front, "latentone_fleet_failures_total", code=code) == before + 1


def spoilt(edit: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Return what changes an answer before it is sent."""

    def spoil(data: bytes) -> bytes:
        answer = predict_pb2.PredictResponse.FromString(data)
        edit(answer.outputs)
        made: bytes = answer.SerializeToString()
        return made

    return spoil


def rename(outputs: Any) -> None:
    outputs["other"].CopyFrom(outputs["waveform"])
    del outputs["waveform"]


def fill(outputs: Any, **fields: Any) -> None:
    tensor = outputs["waveform"]
    tensor.ClearField("float_val")
    for name, value in fields.items():
        if name == "shape":
            for dim, size in zip(tensor.tensor_shape.dim, value, strict=True):
                dim.size = size
        elif name == "float_val":
            tensor.float_val.extend(value)
        else:
            setattr(tensor, name, value)


GARBAGE: dict[str, Callable[[bytes], bytes]] = {
    "no message": lambda _: b"\xff\xff\xff",
    "nothing": lambda _: b"",
    "another name": spoilt(rename),
    "one name more": spoilt(lambda outputs: outputs["more"].CopyFrom(outputs["waveform"])),
    "another type": spoilt(lambda outputs: setattr(outputs["waveform"], "dtype", 2)),
    "a type that is none": spoilt(lambda outputs: setattr(outputs["waveform"], "dtype", 4711)),
    "an axis more": spoilt(lambda outputs: outputs["waveform"].tensor_shape.dim.add(size=1)),
    "an item more": spoilt(lambda outputs: fill(outputs, shape=[2, 1024], tensor_content=bytes(8192))),
    "a shorter sound": spoilt(lambda outputs: fill(outputs, shape=[1, 1000], tensor_content=bytes(4000))),
    "too few bytes": spoilt(lambda outputs: fill(outputs, tensor_content=b"abc")),
    "too few numbers": spoilt(lambda outputs: fill(outputs, float_val=[1.0, 2.0])),
    "a shape beyond all bounds": spoilt(lambda outputs: fill(outputs, shape=[2**40, 1024], float_val=[1.0])),
    "NaN": spoilt(lambda outputs: fill(outputs, float_val=[np.nan])),
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage_is_a_clean_failure(front: Server, fleet: Fleet, case: str) -> None:
    for stand_in in fleet:
        stand_in.spoil = GARBAGE[case]
    refused = front.generate()
    assert (refused.status_code, refused.json()["type"]) == (502, "urn:latentone:bad_answer")
    with pytest.raises(grpc.RpcError) as internal:
        front.stub.Generate(pb.GenerateRequest())
    assert internal.value.code() is grpc.StatusCode.INTERNAL
    assert "fleet" in internal.value.details()
    for stand_in in fleet:
        stand_in.forgive()
    assert front.generate().status_code == 200
