"""`latentone stream` and `decode-stream`, in a process of its own, against a real service of the bundled models."""

from __future__ import annotations

import io
import json
import signal
import subprocess
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


FEATURES = np.random.default_rng(0).uniform(-1, 0, (300, 64)).astype(np.float32)
DECODE = ("decode-stream", "--model", "digits-vocos")


def test_frames_that_come_bit_by_bit_are_heard_before_they_end(bundled: Server, tmp_path: Path) -> None:
    url = address(bundled, "grpc")
    np.save(tmp_path / "mel.npy", FEATURES[np.newaxis])
    code, out, words = ended(*DECODE, "mel.npy", "-o", "whole.flac", "--json", url=url, cwd=tmp_path)
    assert (code, words) == (0, "")
    assert json.loads(out)["seconds"] == 300 * 128 / 8000
    whole, _ = soundfile.read(tmp_path / "whole.flac", dtype="int16")
    process = start(*DECODE, "-", "-o", "-", "--format", "pcm", url=url, cwd=tmp_path, stdin=subprocess.PIPE)
    data = FEATURES.tobytes()
    process.stdin.write(data[:50_001])
    process.stdin.flush()
    first = process.stdout.read(2 * 128 * 64)
    rest, err = process.communicate(data[50_001:], timeout=60)
    assert process.returncode == 0
    assert err == b"-: 4.80 seconds at 8000 Hz, digits-vocos version 1\n"
    np.testing.assert_allclose(np.frombuffer(first + rest, "<i2"), whole, atol=1)


@pytest.mark.parametrize(
    ("features", "options", "words"),
    [
        (b"mel", (), "mel.npy: this is no .npy file of numbers"),
        (FEATURES[:, :9], (), "mel.npy: the model wants [frames, 64], not [300, 9]"),
        (FEATURES, ("--model", "digits"), "model: 'digits' can't decode a stream"),
        (FEATURES, ("--model", "nope"), "there is no model 'nope'"),
        (FEATURES, ("--url", "http"), "decode_stream"),
    ],
    ids=["no array", "bands", "no reach", "no model", "http"],
)
def test_frames_that_can_not_be_decoded_are_refused_in_words(
    bundled: Server, tmp_path: Path, features: bytes | np.ndarray, options: tuple[str, ...], words: str
) -> None:
    if isinstance(features, bytes):
        (tmp_path / "mel.npy").write_bytes(features)
    else:
        np.save(tmp_path / "mel.npy", features)
    options = tuple(address(bundled, "http") if option == "http" else option for option in options)
    code, out, told = ended(*DECODE, "mel.npy", *options, "-o", "x.wav", url=address(bundled, "grpc"), cwd=tmp_path)
    assert (code, out) == (1, b"")
    assert told.startswith("error: ")
    assert words in told
    assert [path.name for path in tmp_path.iterdir()] == ["mel.npy"]


def test_half_a_frame_is_told(bundled: Server, tmp_path: Path) -> None:
    process = start(*DECODE, "-", "-o", "x.wav", url=address(bundled, "grpc"), cwd=tmp_path, stdin=subprocess.PIPE)
    _, err = process.communicate(FEATURES.tobytes()[:-1], timeout=60)
    assert process.returncode == 1
    assert err == b"error: -: standard input ends with 255 bytes of a frame, which has 256\n"
