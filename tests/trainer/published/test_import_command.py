"""The command from a checkpoint to a model, and what it answers to mistakes."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from service.contract import read_contract, verify_files
from tests.trainer.published import original
from tests.trainer.published.checkpoints import as_torch, needs_torch, saved
from tests.trainer.published.original import SMALL
from trainer.__main__ import main
from trainer.published import state_dict

SMALL_MEL = ("--hop", "24", "--bands", "12", "--rate", "8000")


@needs_torch
def test_the_command_exports_what_the_service_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, models = tmp_path / "voice.pt", tmp_path / "models"
    path.write_bytes(saved(as_torch(original.state_dict(SMALL))))
    asked = ["import", "melgan", str(path), *SMALL_MEL, "--models", str(models), "--licence", "CC BY 4.0"]
    assert main([*asked, "--dry-run"]) == 0
    assert "width 16, factors (4, 3, 2), 2 residual blocks" in capsys.readouterr().out
    assert not models.exists()
    assert main(asked) == 0
    assert "/v1/decode?model=melgan" in capsys.readouterr().out
    contract = read_contract(models / "melgan" / "1")
    verify_files(contract, models / "melgan" / "1")
    told = contract.document["imported"]
    assert (told["file"], told["licence"]) == ("voice.pt", "CC BY 4.0")
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    again = "python -m trainer import melgan path/to/voice.pt --rate 8000 --hop 24 --bands 12 --licence 'CC BY 4.0'"
    assert told["command"] == again
    assert contract.audio.sample_rate_hz == 8_000


@needs_torch
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "takes 12 mel bands every 24 samples, not 80 every 256: give --bands 12 --hop 24"),
        (("--hop", "24"), "not 80 every 24"),
        ((*SMALL_MEL, "--fmax", "5000"), "5000"),
        ((*SMALL_MEL, "--rate", "12"), "sample_rate_hz=12 is not in"),
        ((*SMALL_MEL, "--n-fft", "100"), "n_fft=100 is not a multiple of hop_samples=24"),
    ],
)
def test_a_mistake_leaves_no_model(
    options: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, models = tmp_path / "voice.pt", tmp_path / "models"
    path.write_bytes(saved(as_torch(original.state_dict(SMALL))))
    assert main(["import", "melgan", str(path), *options, "--models", str(models)]) == 1
    assert says in capsys.readouterr().err
    assert not models.exists()


def test_without_torch_the_answer_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "voice.pt").write_bytes(b"any")
    assert main(["import", "melgan", str(tmp_path / "voice.pt"), "--models", str(tmp_path / "models")]) == 1
    assert state_dict.INSTALL in capsys.readouterr().err
    assert not (tmp_path / "models").exists()
