"""A prepared corpus opens anywhere, and only when it is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainer.corpus import PreparedCorpus, find_source, prepare
from trainer.errors import LatentoneError
from trainer.specs.audio import AudioSpec, PreparationSpec

ROOT = Path(__file__).parents[3]


@pytest.fixture
def prepared(tmp_path) -> PreparedCorpus:
    audio = AudioSpec(sample_rate_hz=8_000, clip_samples=4_096)
    source = find_source("notes", {"count": 12, "seconds": 0.3})
    return prepare(source, audio, PreparationSpec(), tmp_path / "out", workers=1, progress=False)


BLOCKED = """
import sys
ABSENT = {"soundfile", "soxr", "librosa", "tensorflow", "keras", "scipy", "rich", "numba"}
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ABSENT:
            raise ImportError(f"{name} is not on this machine")
sys.meta_path.insert(0, Wall())
from trainer.corpus import PreparedCorpus
corpus = PreparedCorpus.open(sys.argv[1])
print(corpus.waveforms(corpus.train).shape, corpus.labels.max(), corpus.summary())
"""


def test_it_opens_where_only_numpy_is_installed(prepared) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", BLOCKED, str(prepared.folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"({len(prepared.train)}, 4096) 2 notes: ")


def test_it_says_what_it_holds(prepared) -> None:
    opened = PreparedCorpus.open(str(prepared.folder))
    assert opened.audio == AudioSpec(sample_rate_hz=8_000, clip_samples=4_096)
    assert opened.preparation == PreparationSpec()
    assert opened.facts() == {
        "name": "notes",
        "licence": "CC0 1.0",
        "fingerprint": prepared.fingerprint,
        "clips": 12,
        "train": len(opened.train),
        "held_out": len(opened.held_out),
        "labels": {"additive": 4, "fm": 4, "pluck": 4},
        "seconds": 6.144,
    }
    assert "3 labels" in opened.summary()
    assert "CC0 1.0" in opened.summary()
    assert len(opened.held_out) > 0


def test_clips_are_read_in_the_order_asked_and_kept_as_half_floats(prepared) -> None:
    every = prepared.waveforms(np.arange(12))
    np.testing.assert_array_equal(prepared.waveforms([7, 3, 7]), every[[7, 3, 7]])
    assert prepared.waveforms([]).shape == (0, 4_096)
    assert np.load(prepared.folder / "waveforms.npy").dtype == np.float16
    assert 0 < np.abs(every).max() <= 1


def test_stereo_has_a_channel_axis(tmp_path) -> None:
    audio = AudioSpec(sample_rate_hz=8_000, clip_samples=4_096, channels=2)
    source = find_source("notes", {"count": 6, "seconds": 0.3})
    corpus = prepare(source, audio, PreparationSpec(), tmp_path / "out", workers=1, progress=False)
    assert corpus.waveforms([0, 1]).shape == (2, 4_096, 2)


def change(folder: Path, **values: object) -> None:
    path = folder / "corpus.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def truncate(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "corpus.json").unlink(), "not a finished"),
        (lambda folder: (folder / "waveforms.npy").unlink(), "truncated or damaged"),
        (lambda folder: truncate(folder / "waveforms.npy", 9_000), "truncated or damaged"),
        (lambda folder: truncate(folder / "waveforms.npy", 0), "truncated or damaged"),
        (lambda folder: truncate(folder / "corpus.json", 300), "damaged"),
        (lambda folder: change(folder, format=99), "format 99, this version reads 1"),
        (lambda folder: change(folder, clips={}), "truncated or damaged"),
        (lambda folder: (folder / "corpus.json").write_text("[]"), "damaged"),
        (
            lambda folder: np.save(folder / "waveforms.npy", np.zeros((11, 4_096), np.float16)),
            "truncated or damaged",
        ),
        (lambda folder: np.save(folder / "waveforms.npy", np.zeros((12, 4_096))), "truncated or damaged"),
    ],
)
def test_what_is_not_whole_is_refused_with_the_cure(prepared, damage, says: str) -> None:
    damage(prepared.folder)
    with pytest.raises(LatentoneError, match=f"{says}.*prepare the corpus again"):
        PreparedCorpus.open(prepared.folder)


def test_a_missing_corpus_names_the_command(tmp_path) -> None:
    with pytest.raises(LatentoneError, match="python -m trainer prepare"):
        PreparedCorpus.open(tmp_path / "absent")


def test_an_unfinished_folder_is_refused_though_its_files_are_there(prepared) -> None:
    unfinished = prepared.folder.rename(prepared.folder.with_name(".notes.unfinished"))
    with pytest.raises(LatentoneError, match="not a finished"):
        PreparedCorpus.open(unfinished)
