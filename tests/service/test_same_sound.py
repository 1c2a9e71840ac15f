"""The same seed, label, model and version give the same sound, whatever else is asked for at the same time."""

from __future__ import annotations

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import Server


def test_a_sound_does_not_depend_on_its_company(server: Server) -> None:
    alone = {seed: server.generate(seed=seed).content for seed in range(24)}
    for _ in range(3):
        crowd = {seed: server.stub.Generate.future(pb.GenerateRequest(seed=seed)) for seed in alone}
        for seed, call in crowd.items():
            assert call.result().clips[0].audio == alone[seed]


def test_a_sound_does_not_depend_on_how_many_are_asked_for(server: Server) -> None:
    one = server.stub.Generate(pb.GenerateRequest(seed=5)).clips[0].audio
    for count in (2, 3, 7, 16, 17, 40):
        assert server.stub.Generate(pb.GenerateRequest(seed=5, count=count)).clips[0].audio == one


def test_workers_agree(two_workers: Server) -> None:
    sounds = {two_workers.http.post("/v1/generate?seed=3", headers={"connection": "close"}).content for _ in range(12)}
    assert len(sounds) == 1
