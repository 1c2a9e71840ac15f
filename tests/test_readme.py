"""What the README shows, run as it stands against the bundled model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from service.settings import markdown_table
from tests.service.conftest import ROOT, Server

CURL = "curl --silent --show-error --fail "
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("log") / "bundled.log"
    started = Server(ROOT / "models", log, default_model="digits", lame_duck_seconds=0)
    yield started.wait_until_ready()
    assert started.stop() == 0


def blocks(language: str, server: Server) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    return [
        block.replace("127.0.0.1:3000", f"127.0.0.1:{server.http_port}").replace("127.0.0.1:3001", server.target)
        for block in found
    ]


def run(command: list[str], folder: Path, **variables: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment |= variables
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_curl_lines_make_sounds(bundled: Server, tmp_path: Path) -> None:
    script, *_ = blocks("bash", bundled)
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
    curl, script, *_ = blocks("bash", bundled)
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
    *_, script = blocks("bash", bundled)
    for name in ("docs", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    run(["bash", "-e", "-c", script.replace("curl ", CURL).replace(".venv/bin/python", sys.executable)], tmp_path)
    served, rate = soundfile.read(tmp_path / "tune.flac")
    assert rate == 16_000
    assert len(served) > 30 * rate
    assert np.array_equal(served, soundfile.read(tmp_path / "prelude.flac")[0])


def test_the_python_blocks_run(bundled: Server, tmp_path: Path) -> None:
    client_block, grpc_block, bentoml_block, serving_block = blocks("python", bundled)
    assert run([sys.executable, "-c", client_block], tmp_path).startswith("(1, 8192) (3,) ")
    run([sys.executable, "-c", grpc_block], tmp_path)
    assert len(soundfile.read(tmp_path / "seven-grpc.wav")[0]) == 8_192
    assert "(2, 8192)" in run([sys.executable, "-c", bentoml_block], tmp_path)
    assert "(2, 8192)" in run([sys.executable, "-c", serving_block], tmp_path)


def test_the_protocols_of_other_servers_give_the_same_sound(bundled: Server, tmp_path: Path) -> None:
    _, _, script, _ = blocks("bash", bundled)
    run(["bash", "-e", "-c", script.replace("curl ", CURL)], tmp_path)
    (row,) = json.loads((tmp_path / "rows.json").read_text())["predictions"]
    (output,) = json.loads((tmp_path / "outputs.json").read_text())["outputs"]
    assert len(row) == 8_192
    assert output["data"] == row


def test_both_transports_make_the_same_sound(bundled: Server, tmp_path: Path) -> None:
    (curl, (_, grpc_block, *_)) = blocks("bash", bundled), blocks("python", bundled)
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
