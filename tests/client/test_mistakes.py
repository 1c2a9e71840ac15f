"""Mistakes at the command line, and its help; in this process, as nothing here needs one of its own."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from latentone_client.cli.main import main
from tests.service.conftest import Server

COMMANDS = (
    "generate",
    "stream",
    "sample",
    "decode",
    "analyse",
    "vary",
    "interpolate",
    "render",
    "models",
    "bench",
    "completion",
)


@pytest.fixture(autouse=True)
def _standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"garbage")))
    monkeypatch.setenv("LATENTONE_URL", "")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def at_bundled(bundled: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have commands go to the service of the bundled models, and return the folder that they run in."""
    monkeypatch.setenv("LATENTONE_URL", bundled.url)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("generate --model nope -o x.wav", 1, "`latentone models` lists what is there"),
        ("generate --label x -o x.wav", 1, "known: 0, 1, 2"),
        ("generate --count 0 -o x.wav", 1, "count"),
        ("generate -o x.xyz", 1, "known suffixes: wav, flac, ogg, opus, mp3, pcm, f32"),
        ("generate -o nowhere/x.wav", 1, "nowhere: no such folder"),
        ("generate -o .", 1, "is a folder"),
        ("generate --split -o -", 1, "--split: standard output is one file"),
        ("generate --latents nothing.npy -o x.wav", 1, "nothing.npy: No such file"),
        ("sample -o x.wav", 1, "features are written as .npy"),
        ("decode nothing.npy -o x.wav", 1, "nothing.npy: No such file"),
        ("decode - -o x.wav", 1, "this is neither an .npy file of numbers nor a PNG picture"),
        ("analyse - -o x.npy", 1, "no sound file"),
        ("vary - --model urban -o x.wav", 1, "python -m trainer encode"),
        ("vary nothing.wav -o x.wav", 1, "nothing.wav: No such file"),
        ("interpolate 3 --sound - --model urban -o x.wav", 1, "python -m trainer encode"),
        ("render - --model notes -o x.wav", 1, ""),
        ("interpolate 3 -o x.wav", 1, "seeds"),
        ("models nope", 1, "nope"),
        ("generate -o x.wav --url nowhere:1", 1, "write http://host:3000 or grpc://host:3001"),
        ("generate -o x.wav --timeout 0.001", 3, "--timeout"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_the_cure(
    at_bundled: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, said: str
) -> None:
    assert main(words.split()) == code
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert not out
    assert not list(at_bundled.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("generate", "-o/--output"),
        ("generate -o x.wav --seed -1", "--seed"),
        ("generate -o x.wav --seed 1 --latents x.npy", "not allowed with"),
        ("generate -o x.wav --format aiff", "invalid choice"),
        ("generate -o x.wav --timeout never", "--timeout"),
        ("render x.mid -o x.wav --programs 0", "--programs"),
        ("bench --clients 0", "must be at least 1"),
        ("genrate", "invalid choice"),
        ("", "command"),
    ],
)
def test_what_is_not_understood_ends_with_two(capsys: pytest.CaptureFixture[str], words: str, said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: latentone {command}")


def test_the_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    for word in (*COMMANDS, "LATENTONE_URL", "130 interrupted"):
        assert word in out
