"""`latentone stream`, in a process of its own, against a real service of the bundled models."""

from __future__ import annotations

import io
import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.client.conftest import SCHEMES, address
from tests.client.test_command_line import start
from tests.service.conftest import Server

OPTIONS = ("stream", "--model", "digits", "--label", "7", "--seed", "3", "--seconds", "2.5")


def ended(*words: object, url: str, cwd: Path) -> tuple[int, bytes, str]:
    """Run a command to its end, and return its code and what it wrote."""
    process = start(*words, url=url, cwd=cwd)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err.decode()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_stream_is_piped_as_the_service_sends_it_and_written_as_a_file(
    bundled: Server, tmp_path: Path, scheme: str
) -> None:
    url = address(bundled, scheme)
    code, piped, words = ended(*OPTIONS, "-o", "-", url=url, cwd=tmp_path)
    assert (code, words) == (0, "-: 2.50 seconds at 8000 Hz, digits version 1, seed 3, label 7\n")
    body = {"model": "digits", "label": "7", "seed": 3, "seconds": 2.5}
    assert piped == bundled.http.post("/v1/generate_stream", json=body).content
    code, out, _ = ended(*OPTIONS, "--json", "-o", "seven.flac", url=url, cwd=tmp_path)
    assert code == 0
    assert json.loads(out)["seconds"] == 2.5
    sound, rate = soundfile.read(tmp_path / "seven.flac")
    assert rate == 8000
    np.testing.assert_array_equal(sound, soundfile.read(io.BytesIO(piped))[0])
    with soundfile.SoundFile(tmp_path / "seven.flac") as file:
        assert file.comment == "model=digits; version=1; seed=3; label=7; stream"


def test_ctrl_c_ends_a_stream_and_keeps_what_came(bundled: Server, tmp_path: Path) -> None:
    process = start("stream", "--model", "urban", "-o", "street.wav", url=bundled.url, cwd=tmp_path)
    while not any(path.stat().st_size > 100_000 for path in tmp_path.glob(".street.wav.*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == b"interrupted; what came is kept\n"
    assert out.startswith(b"street.wav: ")
    with soundfile.SoundFile(tmp_path / "street.wav") as file:
        assert 2 < len(file) / file.samplerate < 600
    assert [path.name for path in tmp_path.iterdir()] == ["street.wav"]


def test_what_can_not_be_piped_is_refused(bundled: Server, tmp_path: Path) -> None:
    code, out, words = ended(*OPTIONS, "-o", "-", "--format", "flac", url=bundled.url, cwd=tmp_path)
    assert (code, out) == (1, b"")
    assert words.startswith("error: --format: standard output takes wav, wav_float, pcm, f32")
