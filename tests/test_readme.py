"""What the README and docs/api.md show, run as it stands against the bundled models."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from google.protobuf.json_format import MessageToDict, ParseDict

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.http_api import POSTS
from service.settings import markdown_table
from tests.documents import CURL, blocks, run, run_four_ways, sections
from tests.service.conftest import ROOT, Server
from tests.service.midi_files import scale

README, API = ((ROOT / name).read_text() for name in ("README.md", "docs/api.md"))


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("log") / "bundled.log"
    started = Server(ROOT / "models", log, default_model="digits", lame_duck_seconds=0)
    yield started.wait_until_ready()
    assert started.stop() == 0


def test_the_curl_lines_make_sounds(bundled: Server, tmp_path: Path) -> None:
    script, *_ = blocks(README, "bash", bundled)
    run(["bash", "-e", "-c", script.replace("curl ", CURL)], tmp_path)
    seven, rate = soundfile.read(tmp_path / "seven.wav")
    assert (len(seven), rate) == (8_192, 8_000)
    assert np.abs(seven).max() > 0.01
    assert len(soundfile.read(tmp_path / "seven-to-seven.flac")[0]) == 6 * 8_192
    assert np.load(tmp_path / "seven.npy").shape[-2:] == (64, 64)
    assert len(soundfile.read(tmp_path / "again.wav")[0]) == 8_192
    assert (tmp_path / "seven.png").read_bytes().startswith(b"\x89PNG")
    assert len(soundfile.read(tmp_path / "seven-grey.wav")[0]) == 8_192


def test_the_command_line_makes_the_same_sounds(bundled: Server, tmp_path: Path) -> None:
    curl, script, *_ = blocks(README, "bash", bundled)
    first = "\n".join(curl.splitlines()[:2]).replace("seven.wav", "curl.wav").replace("curl -X", f"{CURL} -X")
    run(["bash", "-e", "-c", first], tmp_path)
    script = script.replace(".venv/bin/latentone", f"{sys.executable} -m latentone_client")
    said = run(["bash", "-e", "-o", "pipefail", "-c", script], tmp_path, LATENTONE_URL=bundled.url)
    assert "answers/s" in said
    assert (tmp_path / "seven.wav").read_bytes() == (tmp_path / "curl.wav").read_bytes()
    assert np.array_equal(*(soundfile.read(tmp_path / name)[0] for name in ("seven.wav", "again.flac")))
    seven, any_mel = (soundfile.read(tmp_path / name)[0] for name in ("seven.wav", "any-mel.wav"))
    near = soundfile.read(tmp_path / "near-seven.wav")[0].reshape(4, -1)
    assert np.abs(near).max(axis=1).min() > 0.01
    assert len({one.tobytes() for one in near}) == 4
    assert np.sqrt(np.mean(any_mel**2)) == pytest.approx(np.sqrt(np.mean(seven**2)), rel=0.2)


def test_a_midi_file_is_a_tune_with_a_server_and_without(bundled: Server, tmp_path: Path) -> None:
    *_, script = blocks(README, "bash", bundled)
    for name in ("docs", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    run(["bash", "-e", "-c", script.replace("curl ", CURL).replace(".venv/bin/python", sys.executable)], tmp_path)
    served, rate = soundfile.read(tmp_path / "tune.flac")
    assert rate == 16_000
    assert len(served) > 30 * rate
    assert np.array_equal(served, soundfile.read(tmp_path / "prelude.flac")[0])


def test_the_python_blocks_run(bundled: Server, tmp_path: Path) -> None:
    client_block, grpc_block, bentoml_block, serving_block = blocks(README, "python", bundled)
    assert run([sys.executable, "-c", client_block], tmp_path).startswith("(1, 8192) (3,) ")
    run([sys.executable, "-c", grpc_block], tmp_path)
    assert len(soundfile.read(tmp_path / "seven-grpc.wav")[0]) == 8_192
    assert "(2, 8192)" in run([sys.executable, "-c", bentoml_block], tmp_path)
    assert "(2, 8192)" in run([sys.executable, "-c", serving_block], tmp_path)


def test_the_protocols_of_other_servers_give_the_same_sound(bundled: Server, tmp_path: Path) -> None:
    _, _, script, _ = blocks(README, "bash", bundled)
    run(["bash", "-e", "-c", script.replace("curl ", CURL)], tmp_path)
    (row,) = json.loads((tmp_path / "rows.json").read_text())["predictions"]
    (output,) = json.loads((tmp_path / "outputs.json").read_text())["outputs"]
    assert len(row) == 8_192
    assert output["data"] == row


def test_both_transports_make_the_same_sound(bundled: Server, tmp_path: Path) -> None:
    (curl, (_, grpc_block, *_)) = blocks(README, "bash", bundled), blocks(README, "python", bundled)
    run(["bash", "-e", "-c", curl[0]], tmp_path)
    run([sys.executable, "-c", grpc_block], tmp_path)
    assert np.array_equal(*(soundfile.read(tmp_path / name)[0] for name in ("seven.wav", "seven-grpc.wav")))


def test_the_table_of_settings_is_the_service_s_own() -> None:
    shown = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", README, flags=re.DOTALL)
    assert shown is not None
    assert shown[1].strip() == markdown_table().strip()


def test_every_linked_file_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_every_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^    )make ([a-z]+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_operation_is_shown_every_way_and_does_the_same(bundled: Server, tmp_path: Path) -> None:
    for way in ("curl", "grpc", "client", "cli"):
        (tmp_path / way / "docs").mkdir(parents=True)
        (tmp_path / way / "docs" / "prelude.mid").write_bytes(scale(60, 64, 67))
    operations = ["generate", "sample", "decode", "analyse", "interpolate", "render", "vary", "models", "model"]
    printed = run_four_ways(operations, tmp_path, bundled)
    assert all("digits" in text and "8000" in text for text in printed.values())
    for name in ("seven.wav", "decoded.wav", "tune.wav", "path.flac", "near.wav"):
        made = {(tmp_path / way / name).read_bytes() for way in printed if (tmp_path / way / name).exists()}
        assert len(made) == 1, name
        assert len(soundfile.read(io.BytesIO(made.pop()))[0]) >= 8_192
    for name in ("seven.npy", "analysed.npy"):
        first, *others = (np.load(tmp_path / way / name) for way in printed)
        assert all(np.array_equal(first, other) for other in others), name


def test_streams_are_the_same_sound_every_way(bundled: Server, tmp_path: Path) -> None:
    run_four_ways(["sample", "generate stream", "decode stream"], tmp_path, bundled)
    for name, samples in (("long", 3 * 8_000), ("streamed", 8_192)):
        sounds = [soundfile.read(tmp_path / way / f"{name}.wav", dtype="float32")[0] for way in ("curl", "grpc", "cli")]
        sounds.append(np.load(tmp_path / "client" / f"{name}.npy"))
        assert len(sounds[0]) == samples
        for other in sounds[1:]:
            np.testing.assert_allclose(other, sounds[0], atol=5e-5)  # 16 bits of sounds that are the same to 1e-5


def test_no_operation_is_left_out() -> None:
    for name in (*POSTS, *(method.name for method in pb.DESCRIPTOR.services_by_name["Synthesizer"].methods)):
        assert f"`/v1/{name}`" in API or f"`{name}`" in API, name
    for link in re.findall(r"\]\(#([^)]+)\)", API):
        assert link in {re.sub(r"[^a-z ]", "", title).replace(" ", "-") for title in sections(API)}


@pytest.mark.parametrize(
    ("operation", "message", "answer"),
    [
        ("generate", pb.GenerateRequest(model="digits", seed=3, count=2, format="flac"), pb.GenerateResponse),
        ("sample", pb.SampleRequest(model="digits", seed=2**63, label="7"), pb.SampleResponse),
        (
            "decode",
            pb.DecodeRequest(model="digits", features=pb.Tensor(shape=[2, 64], data=bytes(512))),
            pb.DecodeResponse,
        ),
        ("interpolate", pb.InterpolateRequest(model="digits", seeds=[3, 8], steps=2), pb.InterpolateResponse),
        ("render", pb.RenderRequest(model="notes", midi=scale(60), seed=3, channels={1: 7}), pb.RenderResponse),
    ],
)
def test_http_s_json_is_the_json_of_the_proto(bundled: Server, operation: str, message: Any, answer: Any) -> None:
    fields = MessageToDict(message, preserving_proto_field_name=True)
    fields |= {"format": "base64"} if operation == "sample" else {}
    over_http = bundled.http.post(f"/v1/{operation}", json=fields, headers={"accept": "application/json"})
    assert over_http.status_code == 200, over_http.text
    over_grpc = getattr(bundled.stub, operation.capitalize())(message)
    assert ParseDict(over_http.json(), answer()) == over_grpc


def test_http_s_json_about_a_model_is_the_json_of_the_proto(bundled: Server) -> None:
    assert ParseDict(bundled.http.get("/v1/models").json(), pb.ListModelsResponse()) == bundled.stub.ListModels(
        pb.ListModelsRequest()
    )
