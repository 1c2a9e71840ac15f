"""Prepare here, train there: a machine with Keras, NumPy and JAX alone trains from a prepared corpus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.trainer import tiny
from trainer import players
from trainer.export.publish import export
from trainer.run import Run

ROOT = Path(__file__).parents[2]
BARE = """
import sys
ABSENT = ("tensorflow", "librosa", "soundfile", "soxr", "matplotlib", "tensorboardX", "tensorboard", "bentoml", "PIL")
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from trainer.__main__ import main
code = main(sys.argv[1:])
loaded = [name for name in ABSENT if name in sys.modules]
assert not loaded, loaded
sys.exit(code)
"""


@pytest.mark.timeout(600)  # JAX is slow at a classifier's gradients on a CPU
def test_jax_trains_with_keras_and_numpy_alone_and_tensorflow_exports(tmp_path: Path) -> None:
    prepared = tiny.corpus(tmp_path / "corpora")
    changes = ("representation.n_fft=512", "representation.hop_samples=128", "representation.n_mels=16")
    changes += ("architecture.generator_widths=(8,8)", "architecture.critic_widths=(8,8)", "loop.batch=4")
    small = [argument for change in changes for argument in ("--set", change)]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            BARE,
            "train",
            "--corpus",
            str(prepared.folder),
            "--steps",
            "3",
            "--run",
            "bare",
            *small,
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": str(ROOT),
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiles in half the time
        },
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Keras on jax" in done.stdout
    assert "no TensorBoard log" in done.stdout
    run = Run.open(tmp_path / "runs" / "bare")
    assert json.loads((run.folder / "run.json").read_text())["backend"] == "jax"
    assert list((run.folder / "previews").glob("*.wav"))

    version = export(run, tmp_path / "models", name="bare")  # under TensorFlow, with parity checked
    contract = json.loads((version / "assets.extra" / "contract.json").read_text())
    assert contract["recipe"]["backend"] == "jax"
    state = np.load(run.folder / "checkpoint.npz")
    exported = {tuple(weights.shape): weights for weights in players.trained_generator(run).get_weights()}
    for name in state.files:
        if name.startswith("average/"):
            assert tuple(state[name].shape) in exported
