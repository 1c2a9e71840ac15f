"""Tunes over HTTP, over gRPC and from the command line: the same file in, the same sound out."""

from __future__ import annotations

import base64
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import soundfile

from service.command import wide_settings
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import ROOT, Server
from tests.service.midi_files import GOLDEN, midi, on, scale
from tests.service.test_metrics import total
from tests.service.tiny_model import RATE_HZ

TUNE = (GOLDEN / "tune.mid").read_bytes()
FACTS: dict[str, Any] = json.loads((GOLDEN / "tune.json").read_text())["facts"]
# The same request, as each of the three takes it.
QUERY = "model=notes&seed=3&programs=40:7&channels=2:9&latent_seconds=0.5&release_seconds=0.05&percussion=true"
FIELDS: dict[str, Any] = {
    "model": "notes", "seed": 3, "programs": {40: 7}, "channels": {2: 9}, "latent_seconds": 0.5,
    "release_seconds": 0.05, "percussion": True,
}  # fmt: skip
OPTIONS = [
    "--seed=3", "--programs=40:7", "--channels=2:9", "--latent-seconds=0.5", "--release-seconds=0.05", "--percussion",
]  # fmt: skip


def post(server: Server, query: str, body: bytes = TUNE, **headers: str) -> Any:
    return server.http.post(f"/v1/render?{query}", content=body, headers={"content-type": "audio/midi", **headers})


def command(
    kinds: Path, *arguments: object, model: str = "notes", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", "render", str(kinds / model / "1"), *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_golden_tune_has_its_facts(kinds_server: Server) -> None:
    facts = post(kinds_server, "seed=3", accept="application/json").json()
    audio = base64.b64decode(facts.pop("audio"))
    assert facts == FACTS
    assert len(soundfile.read(io.BytesIO(audio))[0]) == round(FACTS["seconds"] * RATE_HZ)
    answer = kinds_server.stub.Render(pb.RenderRequest(midi=TUNE, seed=3))
    assert answer.audio == audio
    by_grpc = {name: getattr(answer, name) for name in FACTS if name not in ("folded", "skipped")}
    assert by_grpc == {name: value for name, value in FACTS.items() if name not in ("folded", "skipped")}
    assert [(entry.pitch, entry.to, entry.count) for entry in answer.folded] == [
        (entry["pitch"], entry["to"], entry["count"]) for entry in FACTS["folded"]
    ]
    assert [(entry.pitch, entry.percussion, entry.count) for entry in answer.skipped] == [(36, True, 4)]


@pytest.mark.parametrize(("model", "form"), [("notes", "wav"), ("wide", "flac")])
def test_http_grpc_and_the_command_line_make_the_same_bytes(
    kinds_server: Server, kinds: Path, tmp_path: Path, model: str, form: str
) -> None:
    by_body = post(kinds_server, QUERY.replace("notes", model) + f"&format={form}").content
    fields = {**FIELDS, "model": model, "format": form}
    as_json = {**fields, "midi": base64.b64encode(TUNE).decode()}
    assert kinds_server.http.post("/v1/render", json=as_json).content == by_body
    assert kinds_server.stub.Render(pb.RenderRequest(**fields, midi=TUNE)).audio == by_body
    file = tmp_path / f"tune.{form}"
    done = command(kinds, GOLDEN / "tune.mid", "-o", file, *OPTIONS, model=model)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == by_body
    samples, rate = soundfile.read(file)
    assert rate == RATE_HZ
    assert samples.ndim == (2 if model == "wide" else 1)
    assert np.abs(samples).max() > 0.01


def test_the_same_request_gives_the_same_bytes_in_any_company(kinds_server: Server) -> None:
    alone = post(kinds_server, QUERY).content
    crowd = [kinds_server.stub.Render.future(pb.RenderRequest(**FIELDS, midi=TUNE)) for _ in range(4)]
    assert {call.result().audio for call in crowd} == {alone}
    assert post(kinds_server, QUERY.replace("seed=3", "seed=4")).content != alone


def test_headers_say_what_became_of_the_notes(kinds_server: Server) -> None:
    headers = post(kinds_server, "seed=3").headers
    assert headers["content-type"] == "audio/wav"
    assert headers["x-latentone-seed"] == "3"
    assert headers["x-latentone-notes"] == str(FACTS["notes"])
    assert headers["x-latentone-seconds"] == f"{FACTS['seconds']:.3f}"
    assert headers["x-latentone-folded"] == "24>48=1,50>62=1,61>49=1,100>64=1"
    assert headers["x-latentone-skipped"] == "36/drum=4"
    stages = {part.split(";")[0].strip() for part in headers["server-timing"].split(",")}
    assert stages == {"parse", "queue", "generate", "mix", "encode", "total"}
    everything = midi([on(pitch, 1, channel=channel) for pitch in range(128) for channel in (0, 9)])
    assert len(post(kinds_server, "seed=3", everything).headers["x-latentone-skipped"]) < 1010


@pytest.mark.parametrize(
    ("accept", "container"), [("audio/flac", "FLAC"), ("audio/ogg", "OGG"), ("audio/mpeg", "MP3"), ("*/*", "WAV")]
)
def test_the_accept_header_chooses_the_format(kinds_server: Server, accept: str, container: str) -> None:
    with soundfile.SoundFile(io.BytesIO(post(kinds_server, "seed=3", accept=accept).content)) as file:
        assert file.format == container
        assert file.comment == "model=notes; version=1; seed=3"


def test_a_tune_comes_as_an_array_too(kinds_server: Server) -> None:
    answer = post(kinds_server, "seed=3&model=wide", accept="application/x-npy")
    array = np.load(io.BytesIO(answer.content))
    assert array.shape == (1, round(float(answer.headers["x-latentone-seconds"]) * RATE_HZ), 2)
    assert np.abs(array).max() <= 1


BAD = [
    (b"no tune", {}, 415, "no Standard MIDI file"),
    (TUNE[:-9], {}, 400, "ends too soon"),
    (scale(36, channel=9), {}, 400, "no note to play"),
    (scale(*[60] * 501, ticks=1), {}, 413, "501 notes; at most 500"),
    (midi([on(60, 2**27)]), {}, 413, "seconds of sound; at most 20"),
    (TUNE, {"programs": {128: 1}}, 400, "less than or equal to 127"),
    (TUNE, {"channels": {0: 1}}, 400, "greater than or equal to 1"),
    (TUNE, {"model": "raw"}, 400, "its labels stand for no pitches"),
    (TUNE, {"format": "aac"}, 400, "must be one of"),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[3])
def test_a_mistake_is_told_alike_on_both_transports(
    kinds_server: Server, case: tuple[bytes, dict[str, Any], int, str]
) -> None:
    body, fields, status, words = case
    answer = kinds_server.http.post("/v1/render", json={**fields, "midi": base64.b64encode(body).decode()})
    assert answer.status_code == status, answer.text
    if not fields:
        assert post(kinds_server, "", body).json()["detail"] == answer.json()["detail"]
    with pytest.raises(grpc.RpcError, match=words) as refused:
        kinds_server.stub.Render(pb.RenderRequest(**fields, midi=body))
    assert refused.value.details() == answer.json()["detail"]


@pytest.mark.parametrize("text", ["40", "40:", ":7", "x:7", "40:7:8", "200:1"])
def test_a_map_in_the_query_that_can_not_be_read_is_refused(kinds_server: Server, text: str) -> None:
    answer = post(kinds_server, f"programs={text}")
    assert answer.status_code == 400
    assert answer.json()["field"].startswith("programs")


def test_tunes_are_counted(kinds_server: Server) -> None:
    before = total(kinds_server, "latentone_audio_seconds_total", model="notes")
    post(kinds_server, "seed=3")
    made = total(kinds_server, "latentone_audio_seconds_total", model="notes") - before
    assert made == pytest.approx(FACTS["seconds"])
    assert total(kinds_server, "latentone_request_duration_seconds_count", operation="render", code="200") > 0


def test_the_command_says_what_became_of_the_notes(kinds: Path, tmp_path: Path) -> None:
    file = tmp_path / "tune.opus"
    done = command(kinds, GOLDEN / "tune.mid", "-o", file, "--seed=3")
    assert done.stdout.splitlines() == [
        f"{file}: {FACTS['seconds']:.1f} seconds, seed 3",
        f"notes: {FACTS['notes']}",
        "folded: 24 to 48 (1), 50 to 62 (1), 61 to 49 (1), 100 to 64 (1)",
        "skipped percussion: 36 (4)",
    ]
    assert done.stderr == ""
    assert soundfile.info(file).subtype == "OPUS"
    assert [entry.name for entry in tmp_path.iterdir()] == ["tune.opus"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.mid", "-o", "{}/a.wav"], "error: none.mid: No such file or directory"),
        (["README.md", "-o", "{}/a.wav"], "error: midi: this is no Standard MIDI file"),
        ([GOLDEN / "tune.mid", "-o", "{}/a.xyz"], "which format is that? known suffixes: wav, flac"),
        ([GOLDEN / "tune.mid", "-o", "{}/none/a.wav"], "none: no such folder"),
        ([GOLDEN / "tune.mid", "-o", "{}/a.wav", "--seed=lucky"], "error: seed: "),
        ([GOLDEN / "tune.mid", "-o", "{}/a.wav", "--out-of-range=wrap"], "error: out_of_range: "),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    kinds: Path, tmp_path: Path, arguments: list[object], words: str
) -> None:
    done = command(kinds, *[str(argument).format(tmp_path) for argument in arguments])
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_model_is_one_line(kinds: Path, tmp_path: Path) -> None:
    done = command(kinds, GOLDEN / "tune.mid", "-o", tmp_path / "a.wav", model="none")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "is no version folder" in done.stderr


def test_the_command_has_wide_limits_unless_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (wide_settings().max_seconds, wide_settings().max_notes) == (3600, 100_000)
    monkeypatch.setenv("LATENTONE_MAX_SECONDS", "60")
    assert (wide_settings().max_seconds, wide_settings().max_notes) == (60, 100_000)


def test_progress_is_shown_on_a_terminal_and_ctrl_c_leaves_nothing(kinds: Path, tmp_path: Path) -> None:
    (tmp_path / "many.mid").write_bytes(scale(*[60] * 30_000, ticks=1))
    ours, theirs = pty.openpty()
    arguments = [kinds / "notes" / "1", tmp_path / "many.mid", "-o", tmp_path / "a.wav"]
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "render", *arguments],
        cwd=ROOT, stderr=theirs, stdout=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while b" of 30000 notes" not in shown:
        shown += os.read(ours, 1000)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert output == b""
    assert [entry.name for entry in tmp_path.iterdir()] == ["many.mid"]
    os.close(ours)
