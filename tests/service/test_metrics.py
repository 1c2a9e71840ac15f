"""Metrics of both transports and all workers, at /metrics or on a port of their own."""

from __future__ import annotations

import re
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.metrics import FILES, RESERVED, reserve
from tests.service.conftest import Server


def total(server: Server, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that have these labels."""
    families = text_string_to_metric_families(server.http.get(f"{server.admin_url}/metrics").text)
    samples = (sample for family in families for sample in family.samples if sample.name == name)
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def test_the_disk_holds_a_workers_numbers_before_they_come(tmp_path: Path) -> None:
    reserve(tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    for file in files:
        assert file.stat().st_blocks * 512 >= RESERVED


def test_numbers_lie_in_what_the_disk_holds(two_workers: Server) -> None:
    """A file of another name would begin as a hole."""
    pids = [child.pid for child in psutil.Process(two_workers.process.pid).children(recursive=True)]
    maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in pids)
    mapped = {Path(path) for path in re.findall(r"/\S+\.db", maps)}
    assert {re.sub(r"_\d+$", "", path.stem) for path in mapped} == set(FILES)
    for path in mapped:
        assert path.stat().st_blocks * 512 >= RESERVED


def test_both_transports_are_counted_in_all_workers(two_workers: Server) -> None:
    for transport in ("http", "grpc"):
        labels = {"transport": transport, "operation": "generate", "model": "tiny"}
        before = total(two_workers, "latentone_request_duration_seconds_count", **labels)
        for _ in range(10):
            if transport == "http":
                two_workers.generate()
            else:
                two_workers.stub.Generate(pb.GenerateRequest())
        # Whichever worker answers /metrics, all of them are in it.
        for _ in range(5):
            assert total(two_workers, "latentone_request_duration_seconds_count", **labels) == before + 10


def test_every_promised_metric_is_there(server: Server) -> None:
    server.generate(seed=1)
    server.http.post("/v1/decode", content=server.http.post("/v1/sample").content)
    server.generate(model="nope")
    for stage in ("queue", "generate", "sample", "decode", "encode"):
        assert total(server, "latentone_stage_duration_seconds_count", stage=stage, model="tiny") > 0
    assert total(server, "latentone_batch_size_count", model="tiny") > 0
    assert total(server, "latentone_batch_duration_seconds_count", model="tiny", signature="generate") > 0
    assert total(server, "latentone_audio_seconds_total", model="tiny") > 0
    assert total(server, "latentone_model_loaded", model="tiny", version="2") == 1
    assert total(server, "latentone_rejected_total", reason="not_found") > 0
    text = server.http.get("/metrics").text
    assert "latentone_queue_depth" in text
    assert "latentone_in_flight" in text


def test_audio_is_counted_in_seconds(server: Server) -> None:
    before = total(server, "latentone_audio_seconds_total", model="tiny")
    server.generate(count=10)
    made = total(server, "latentone_audio_seconds_total", model="tiny") - before
    assert made == pytest.approx(10 * 1024 / 8000)


def test_what_clients_type_does_not_become_a_label(server: Server) -> None:
    server.generate(model="surprise")
    server.get("/surprise")
    server.http.post("/v1/generate?seed=987654321")
    text = server.http.get("/metrics").text
    assert "surprise" not in text
    assert "987654321" not in text
    assert total(server, "latentone_request_duration_seconds_count", model="unknown", code="404") > 0


def test_a_load_of_two_workers_is_counted_once_each(two_workers: Server) -> None:
    assert total(two_workers, "latentone_model_loaded", model="tiny", version="2") == 1
    assert total(two_workers, "latentone_ready") == 2
    assert total(two_workers, "latentone_in_flight") == 0


def test_with_an_admin_port_metrics_are_there_alone_and_health_on_both(two_workers: Server) -> None:
    assert two_workers.get("/metrics") == 404
    for url in (two_workers.url, two_workers.admin_url):
        assert [two_workers.get(f"{url}{path}") for path in ("/livez", "/readyz")] == [200, 200]
    for path in ("/", "/docs.json", "/v1/models", "/static_content/index.css"):
        assert two_workers.get(f"{two_workers.admin_url}{path}") == 404
