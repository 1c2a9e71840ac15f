"""The command line as a stranger uses it: real processes, real notes, mistakes on purpose."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
CHANGES = (
    *("audio.sample_rate_hz=8000", "audio.clip_samples=2048"),
    *("representation.n_fft=512", "representation.hop_samples=128", "representation.n_mels=16"),
    *("architecture.generator_widths=(8,8)", "architecture.critic_widths=(8,8)", "loop.batch=4"),
)
SMALL = [
    *(argument for change in CHANGES for argument in ("--set", change)),
    *("--option", "count=60", "--option", "seconds=0.3"),
]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "CUDA_VISIBLE_DEVICES": "-1"}


def trainer(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trainer", *arguments],
        cwd=folder,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_the_whole_way_from_notes_to_a_wav_file(tmp_path: Path) -> None:
    done = trainer("train", "--steps", "3", "--samples", "100", "--export", "models", *SMALL, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("device: CPU (")
    run, model = tmp_path / "runs" / "notes-quickstart-1", tmp_path / "models" / "notes-quickstart" / "1"
    assert f"exported: {model.relative_to(tmp_path)}" in done.stdout
    assert list((run / "previews").glob("*.png"))
    assert soundfile.info(next((run / "previews").glob("*.wav"))).samplerate == 8_000
    assert list((run / "tensorboard").iterdir())
    written = json.loads((run / "run.json").read_text())
    assert written["spec"]["representation"]["db_max"] is not None
    assert written["made_with"]["keras"]
    scores = json.loads((run / "scores.json").read_text())
    assert scores["samples"] == 100
    contract = json.loads((model / "assets.extra" / "contract.json").read_text())
    assert contract["scores"]["measures"] == scores["measures"]
    again = shlex.split(contract["recipe"]["command"])
    assert again[:3] == ["python", "-m", "trainer"]
    plan = trainer(*again[3:], "--dry-run", folder=tmp_path).stdout
    assert "60 recordings" in plan
    spec = json.loads(plan[plan.index("{") : plan.rindex("}") + 1])
    assert all(written["spec"][part] == spec[part] for part in ("audio", "architecture", "game", "augment", "loop"))
    assert written["spec"]["representation"] | {"db_max": None} == spec["representation"]
    assert "report: runs/notes-quickstart-1/report.html" in done.stdout
    assert '"critic_loss"' in (run / "history.jsonl").read_text()
    assert "Fingerprint" not in done.stderr

    made = trainer("generate", str(model), "--count", "2", "--label", "fm", "--seed", "7", folder=tmp_path)
    assert made.returncode == 0, made.stderr[-2000:]
    first, second = (soundfile.read(tmp_path / line)[0] for line in made.stdout.split())
    assert len(first) == 2_048
    assert (first != second).any()

    compared = trainer("compare", str(run), str(model), "--samples", "60", "--embedding", "log-mel", folder=tmp_path)
    assert compared.returncode == 0, compared.stderr[-2000:]
    page = (tmp_path / "reports" / "compare" / "report.html").read_text()
    assert "runs/notes-quickstart-1" in page
    assert "models/notes-quickstart/1" in page

    resumed = trainer("train", "--resume", str(run), "--steps", "5", "--samples", "100", folder=tmp_path)
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    assert "stopped: steps, 5 steps" in resumed.stdout


def test_stereo_recordings_go_the_whole_way(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for label, number in itertools.product(("low", "high"), range(12)):
        cycles = (200.0 if label == "low" else 1200.0) * np.arange(2_048)[:, None] / 8_000 * np.array([1.0, 1.5])
        sound = 0.5 * np.sin(2 * np.pi * cycles) + 0.01 * rng.standard_normal((2_048, 2))
        (tmp_path / "sounds" / label).mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "sounds" / label / f"{number}.wav", sound, 8_000)
    changes = ("audio.sample_rate_hz=8000", "audio.clip_samples=2048", "audio.channels=2", "loop.batch=4")
    networks = ("architecture.width=2", "architecture.critic_fft=64")
    sets = [argument for change in (*changes, *networks) for argument in ("--set", change)]
    asked = ("--recipe", "wavegan_small", "--corpus", "sounds", *sets, "--steps", "2", "--samples", "20")
    done = trainer("train", *asked, "--export", "models", folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "report: runs/sounds-wavegan_small-1/report.html" in done.stdout
    made = trainer("generate", "models/sounds-wavegan_small/1", "--label", "low", folder=tmp_path)
    assert soundfile.info(tmp_path / made.stdout.strip()).channels == 2


def test_ctrl_c_saves_says_how_to_go_on_and_leaves_with_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "trainer", "train", "--steps", "1000000", *SMALL],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    history = tmp_path / "runs" / "notes-quickstart-1" / "history.jsonl"
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and not (history.exists() and history.stat().st_size):
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=100)
    assert process.returncode == 130, errors[-2000:]
    assert "go on: python -m trainer train --resume" in out
    assert (tmp_path / "runs" / "notes-quickstart-1" / "checkpoint.npz").exists()
    assert "Traceback" not in errors


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    for command in ("prepare", "train"):
        done = trainer(command, "--dry-run", *SMALL, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "60 recordings" in done.stdout
        assert '"sample_rate_hz": 8000' in done.stdout
    assert not list(tmp_path.iterdir())


COMMANDS = ["prepare", "train", "evaluate", "compare", "encode", "export", "import", "generate"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_there_for_every_command(command: str, tmp_path: Path) -> None:
    done = trainer(command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "usage: python -m trainer" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "--recipe", "digit"], "did you mean 'digits'"),
        (["train", "--corpus", "nowhere"], "no corpus at nowhere"),
        (["train", "--set", "game.emma=1"], "did you mean 'ema'"),
        (["train", "--option", "count"], "write KEY=VALUE"),
        (["train", "--samples", "1"], "--samples 1 is not in"),
        (["train", "--resume", "runs/none"], "is not a run"),
        (["train", "--device", "gpu"], "make install GPU=tensorflow"),
        (["prepare", "--corpus", ".", "--layout", "nsyth"], "did you mean 'nsynth'"),
        (["encode", "runs/none"], "is not a run"),
        (["encode", "runs/none", "--minutes", "0"], "--minutes 0 must be above 0"),
        (["export", "runs/none"], "is not a run"),
        (["import", "melgam", "voice.pt"], "did you mean 'melgan'"),
        (["import", "melgan", "none.pt"], "no checkpoint at none.pt"),
        (["generate", "models/none/1"], "neither a run"),
        (["evaluate", "models/none/1"], "neither a run"),
        (["compare", "models/none/1"], "two runs or models"),
        (["compare", "models/none/1", "models/none/2"], "neither a run"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_that_says_the_cure(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = trainer(*arguments, folder=tmp_path)
    assert done.returncode == 1, done.stderr[-2000:]
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"python -m trainer {arguments[0]}: ")
    assert says in last
    assert "Traceback" not in done.stderr
