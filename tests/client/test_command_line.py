"""`latentone`, in a process of its own, against a real service of the bundled models."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from latentone_client.cli.options import SHELLS
from tests.client.conftest import SCHEMES, address
from tests.client.stands import STANDS, Says, Stand
from tests.service.conftest import ROOT, Server

PRELUDE = ROOT / "tests" / "golden" / "tune.mid"
Run = Callable[..., subprocess.CompletedProcess[bytes]]


def start(*words: object, url: str = "", **process: object) -> subprocess.Popen[bytes]:
    """Start a command."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LATENTONE_URL": url}
    command = [sys.executable, "-m", "latentone_client", *map(str, words)]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, **{**streams, **process})  # type: ignore[call-overload]


@pytest.fixture
def run(bundled: Server, tmp_path: Path) -> Run:
    """Return what runs a command in an empty folder to its end."""

    def running(*words: object, url: str = "", given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        process = start(*words, url=url or bundled.url, cwd=tmp_path, stdin=subprocess.PIPE)
        out, err = process.communicate(given, timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return running


def done(process: subprocess.CompletedProcess[bytes]) -> bytes:
    """Return what a command wrote to standard output, and that it did."""
    assert process.returncode == 0, process.stderr.decode()
    return process.stdout


def error(process: subprocess.CompletedProcess[bytes], code: int) -> str:
    """Return the one line that a command ended with."""
    assert process.returncode == code, process.stderr.decode()
    assert process.stdout == b""
    (line,) = process.stderr.decode().splitlines()
    assert line.startswith("error: ")
    return line


def test_generate_writes_the_sound_that_curl_gets(run: Run, bundled: Server, tmp_path: Path) -> None:
    words = done(run("generate", "--model", "digits", "--label", "7", "--seed", "3", "-o", "seven.wav"))
    assert words == b"seven.wav: 1.02 seconds at 8000 Hz, digits version 1, seed 3, label 7\n"
    served = bundled.generate(model="digits", label="7", seed=3).content
    assert (tmp_path / "seven.wav").read_bytes() == served
    assert (tmp_path / "seven.wav").stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert done(run("generate", "--label", "7", "--seed", "3", "-o", "-", url=address(bundled, "grpc"))) == served


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_operation_can_be_piped_into_the_next(run: Run, bundled: Server, scheme: str) -> None:
    url = address(bundled, scheme)
    features = done(run("sample", "--label", "7", "--seed", "3", "-o", "-", url=url))
    assert np.load(io.BytesIO(features)).shape == (1, 64, 64)
    sound = done(run("decode", "-", "-o", "-", "--format", "flac", url=url, given=features))
    assert sound.startswith(b"fLaC")
    assert np.array_equal(
        soundfile.read(io.BytesIO(sound))[0],
        soundfile.read(io.BytesIO(done(run("generate", "--label", "7", "--seed", "3", "-o", "-", url=url))))[0],
    )
    again = done(run("analyse", "-", "-o", "-", url=url, given=sound))
    assert np.load(io.BytesIO(again)).shape == (1, 64, 64)
    path = done(run("interpolate", "3", "8", "--steps", "2", "--label", "7", "-o", "-", "--format", "f32", url=url))
    assert len(path) == 2 * 8192 * 4
    latents = io.BytesIO()
    np.save(latents, np.zeros((2, 96)))
    assert done(run("generate", "--latents", "-", "-o", "-", url=url, given=latents.getvalue())).startswith(b"RIFF")


def test_variations_of_a_sound_are_piped_and_split(run: Run, narrow: Server, tmp_path: Path) -> None:
    sound = done(run("generate", "--model", "likes", "--seed", "3", "-o", "-", url=narrow.url))
    options = ("--model", "likes", "--count", "2", "--distance", "0.25", "--seed", "5", "--label", "one")
    words = done(run("vary", "-", *options, "--split", "-o", "near.wav", url=narrow.url, given=sound))
    assert words.decode().endswith("seed 5, label one, at distance 0.25 from 0.13 of 0.13 seconds\n")
    near = [(tmp_path / f"near-000{item}.wav").read_bytes() for item in range(2)]
    assert near[0] != near[1]
    (tmp_path / "sound.wav").write_bytes(sound)
    for scheme in SCHEMES:
        url = address(narrow, scheme)
        path = run("interpolate", "--sound", "sound.wav", "--sound", "-", "9", "--model", "likes", "--steps", "3",
                   "-o", "-", "--format", "f32", url=url, given=near[1])  # fmt: skip
        assert len(done(path)) == 3 * 1024 * 4


def test_render_says_what_became_of_the_notes(run: Run, tmp_path: Path) -> None:
    words = done(run("render", PRELUDE, "--model", "notes", "--seed", "3", "--programs", "0:5", "-o", "tune.flac"))
    assert b"notes: " in words
    assert b"seed 3" in words
    options = ["--model", "notes", "--seed", "3", "--programs", "0:5", "-o", "-", "--format", "flac"]
    assert done(run("render", "-", *options, given=PRELUDE.read_bytes())) == (tmp_path / "tune.flac").read_bytes()


def test_clips_have_files_of_their_own_when_asked(run: Run, tmp_path: Path) -> None:
    facts = json.loads(done(run("generate", "--count", "2", "--seed", "3", "--split", "--json", "-o", "x.wav")))
    assert facts["files"] == ["x-0000.wav", "x-0001.wav"]
    assert facts["labels"] == ["3", "4"]
    assert facts["seeds"] == [3]
    assert sorted(path.name for path in tmp_path.iterdir()) == facts["files"]


def test_json_stands_beside_a_sound_on_standard_output(run: Run) -> None:
    process = run("generate", "--seed", "3", "--json", "-o", "-")
    assert done(process).startswith(b"RIFF")
    assert json.loads(process.stderr)["model"] == "digits"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_models_are_a_table_json_or_one_contract(run: Run, bundled: Server, scheme: str) -> None:
    url = address(bundled, scheme)
    table = done(run("models", url=url)).decode()
    assert re.search(r"^digits \(default\) +1 +ready +8000 +1\.02 +generate, sample", table, flags=re.MULTILINE)
    assert {entry["name"] for entry in json.loads(done(run("models", "--json", url=url)))} > {"digits", "griffin-lim"}
    assert json.loads(done(run("models", "notes", url=url)))["contract"]["audio"]["sample_rate_hz"] == 16_000


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("operation", ["generate", "sample", "decode"])
def test_bench_counts_and_times(run: Run, bundled: Server, scheme: str, operation: str) -> None:
    words = ("bench", "--clients", 2, "--seconds", 1, "--operation", operation)
    url = address(bundled, scheme)
    facts = json.loads(done(run(*words, "--json", url=url)))
    assert facts["answers"] >= 2
    assert facts["failures"] == {}
    assert 0 < facts["p50_s"] <= facts["p90_s"] <= facts["p99_s"] <= facts["max_s"] < facts["seconds"] + 1
    assert facts["answers_per_second"] == pytest.approx(facts["answers"] / facts["seconds"])
    if operation != "decode":
        return
    head, names, cells = done(run(*words, url=url)).decode().splitlines()
    assert head.startswith(f"decode at {url}: 2 clients, ")
    assert names.split() == ["answers", "answers/s", "audio", "s/s", "p50", "ms", "p90", "ms", "p99", "ms", "max", "ms"]
    assert len(cells.split()) == 7


def test_bench_names_what_failed() -> None:
    with STANDS["grpc"](Stand()) as stand:  # knows no Generate
        process = start("bench", "--seconds", 1, "--json", url=stand.url)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(err)["error"]["kind"] == "not_found"


def test_exit_codes_reach_the_shell(run: Run, tmp_path: Path) -> None:
    assert "`latentone models` lists what is there" in error(run("generate", "--model", "nope", "-o", "x.wav"), 1)
    assert "neither an .npy file of numbers nor a PNG" in error(run("decode", "-", "-o", "x.wav", given=b"garbage"), 1)
    process = run("genrate")
    assert (process.returncode, process.stdout) == (2, b"")
    assert b"invalid choice" in process.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_there_is_told_with_the_cure(run: Run, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{Stand().port}"
    line = error(run("models", "--retries", 0, url=url), 3)
    assert f"nobody answers at {url}" in line
    assert "make serve" in line


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_may_be_possible_later_ends_with_three_and_defects_with_four(run: Run, scheme: str) -> None:
    with STANDS[scheme](Stand(Says("busy", retry_after="7"), Says("internal"))) as stand:
        process = run("models", "--retries", 0, "--json", url=stand.url)
        assert process.returncode == 3
        assert json.loads(process.stderr) == {"error": {"kind": "busy", "detail": "said busy", "retry_after_s": 7.0}}
        assert "said internal" in error(run("models", url=stand.url), 4)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ctrl_c_ends_at_once_and_leaves_nothing(tmp_path: Path, scheme: str) -> None:
    with STANDS[scheme](Stand(Says(after_s=3))) as stand:
        process = start("models", cwd=tmp_path, url=stand.url)
        while not stand.times:
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")
    assert not list(tmp_path.iterdir())


def test_a_pipe_that_closes_is_no_complaint(bundled: Server) -> None:
    process = start("generate", "--count", 40, "-o", "-", url=bundled.url)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(60)) == (b"", 141)
    process.stderr.close()


def test_progress_is_shown_on_a_terminal_and_wiped(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with STANDS["http"](Stand(Says("busy", retry_after="1"), Says())) as stand:
        process = start("models", url=stand.url, cwd=tmp_path, stderr=theirs)
        assert process.communicate(timeout=60)[0] == b""
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    assert re.search(rb"models: \d+ s \(busy: tried again in 1\.\d s\)", shown)
    assert shown.endswith(b"\r\033[K")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 10_000)
    except OSError:  # a terminal that the other side has left
        return b""


def test_a_sound_is_not_poured_over_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = start("generate", "-o", "-", stdout=theirs, cwd=tmp_path)
    _, err = process.communicate(timeout=60)
    for end in (ours, theirs):
        os.close(end)
    assert process.returncode == 1
    assert b"standard output is a terminal; name a file with -o" in err


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_completion(shell: str) -> None:
    process = start("completion", shell)
    script = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 0
    for word in ("interpolate", "--latent-seconds"):
        assert word in script


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("latentone gen", {"generate"}), ("latentone bench --operation s", {"sample"}),
     ("latentone render --perc", {"--percussion"}), ("latentone generate --format wav", {"wav", "wav_float"})],
)  # fmt: skip
def test_bash_completes(line: str, wanted: set[str], tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    script = start("completion", "bash").communicate(timeout=60)[0].decode()
    words = line.split()
    (tmp_path / "try.sh").write_text(
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}\n"
        f"$(complete -p latentone | grep -o '_shtab[a-z_]*') latentone '{words[-1]}' '{words[-2]}'\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run([bash, tmp_path / "try.sh"], capture_output=True, text=True, check=False, timeout=30)
    assert set(done.stdout.split()) == wanted, done.stderr
