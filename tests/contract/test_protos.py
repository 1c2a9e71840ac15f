"""The gRPC contract: its code is current, and its fields are those of HTTP."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service import requests, stream_requests
from service.generated.latentone.v1 import synthesizer_pb2 as pb

ROOT = Path(__file__).parents[2]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "protos.build", "--check"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)


def test_the_committed_code_is_what_the_protos_give() -> None:
    done = check(ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("change", ["proto", "service", "latentone_client"])
def test_a_difference_is_named(tmp_path: Path, change: str) -> None:
    for name in ("protos", "service/generated", "latentone_client/generated"):
        shutil.copytree(ROOT / name, tmp_path / name)
    if change == "proto":
        file = tmp_path / "protos/latentone/v1/synthesizer.proto"
        file.write_text(file.read_text().replace("string label = 2;", "string label = 3;"))
    else:
        (tmp_path / change / "generated/latentone/v1/synthesizer_pb2.py").unlink()
    done = check(tmp_path)
    assert done.returncode == 1
    assert "synthesizer_pb2.py" in done.stderr
    assert ("service" if change == "proto" else change) in done.stderr
    assert "make proto" in done.stderr


def test_the_service_and_its_client_have_the_same_code() -> None:
    service, client = (
        {str(file.relative_to(folder)): file.read_text().replace(f"from {folder.parents[1].name}.", "from ")
         for file in folder.rglob("*.py*") if file.suffix in (".py", ".pyi")}
        for folder in (ROOT / "service/generated/latentone", ROOT / "latentone_client/generated/latentone")
    )  # fmt: skip
    assert service
    assert service == client


@pytest.mark.parametrize("name", ["Generate", "Sample", "Decode", "Analyse", "Vary", "Interpolate", "Render"])
def test_a_request_has_the_same_fields_on_both_transports(name: str) -> None:
    message = pb.DESCRIPTOR.message_types_by_name[f"{name}Request"]
    kind = getattr(requests, f"{name}Request")
    assert {field.name for field in message.fields} == set(kind.model_fields)


@pytest.mark.parametrize(("name", "of_the_body"), [("GenerateStream", set()), ("DecodeStream", {"features"})])
def test_a_stream_has_the_same_fields_on_both_transports(name: str, of_the_body: set[str]) -> None:
    message = pb.DESCRIPTOR.message_types_by_name[f"{name}Request"]
    kind = getattr(stream_requests, f"{name}Request")
    assert {field.name for field in message.fields} == set(kind.model_fields) | of_the_body
