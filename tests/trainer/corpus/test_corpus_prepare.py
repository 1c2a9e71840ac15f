"""A corpus is prepared once, whole or not at all, the same by any number of workers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from trainer.corpus import PreparedCorpus, find_source, prepare
from trainer.errors import LatentoneError
from trainer.specs.audio import AudioSpec, PreparationSpec

AUDIO = AudioSpec(sample_rate_hz=16_000, clip_samples=4_000)
ROOT = Path(__file__).parents[3]


def prepare_folder(path: Path, folder: Path, **preparation: object) -> PreparedCorpus:
    return prepare(find_source(str(path)), AUDIO, PreparationSpec(**preparation), folder, workers=1, progress=False)


@pytest.fixture
def two_labels(write, corpus_folder) -> Path:
    for index in range(6):
        write(f"{'ab'[index % 2]}/{index}.wav")
    return corpus_folder


def test_files_become_clips_with_their_facts(two_labels, tmp_path, tone) -> None:
    corpus = prepare_folder(two_labels, tmp_path / "out")
    assert corpus.folder == tmp_path / "out" / f"corpus-{corpus.fingerprint[:12]}"
    assert corpus.label_names == ("a", "b")
    assert corpus.labels.dtype == np.int32
    assert corpus.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert corpus.recordings == ("a/0.wav", "a/2.wav", "a/4.wav", "b/1.wav", "b/3.wav", "b/5.wav")
    assert corpus.train.dtype == corpus.held_out.dtype == np.int64
    assert sorted([*corpus.train, *corpus.held_out]) == list(range(6))
    assert len(corpus.held_out) == 1
    waveforms = corpus.waveforms([3, 0])
    assert waveforms.dtype == np.float32
    np.testing.assert_allclose(waveforms[0], tone(210)[:4_000], atol=5e-4)
    np.testing.assert_allclose(waveforms[1], tone(200)[:4_000], atol=5e-4)
    assert np.isnan(corpus.pitches).all()
    assert (corpus.velocities == -1).all()


def test_every_kind_of_bad_file_is_in_the_account(two_labels, write, tmp_path, tone, capsys) -> None:
    (two_labels / "a" / "unreadable.mp3").write_bytes(b"no sound at all")
    write("a/empty.wav", np.zeros(0, np.float32))
    write("a/silent.wav", np.zeros(8_000, np.float32))
    write("b/short.wav", tone(seconds=0.01))
    write("b/nan.wav", np.full(8_000, np.nan, np.float32), subtype="FLOAT")
    write("stray.wav")
    corpus = prepare(find_source(str(two_labels)), AUDIO, PreparationSpec(), tmp_path / "out", workers=1)
    account = json.loads((corpus.folder / "corpus.json").read_text())["account"]
    assert {entry["name"]: entry["reason"] for entry in account["left_out"]} == {
        "a/unreadable.mp3": "unreadable",
        "a/empty.wav": "empty",
        "a/silent.wav": "silent",
        "b/short.wav": "too short",
        "b/nan.wav": "not finite",
        "stray.wav": "no label",
    }
    assert account == corpus.account
    assert (account["recordings"], account["kept"], account["clips"]) == (12, 6, 6)
    assert account["reasons"]["too short"] == 1
    assert sum(side for label in account["labels"].values() for side in label.values()) == 6
    assert str(tmp_path) not in json.dumps(account)
    printed = capsys.readouterr().err
    for words in ("6 of 12 recordings kept", "unreadable", "a/silent.wav", "not finite"):
        assert words in printed


def test_a_label_that_loses_all_its_recordings_is_no_label(two_labels, write, tmp_path) -> None:
    write("c/silent.wav", np.zeros(8_000, np.float32))
    corpus = prepare_folder(two_labels, tmp_path / "out")
    assert corpus.label_names == ("a", "b")
    assert "no recording is left of c" in corpus.account["notes"]


def test_none_left_is_an_error_that_counts_the_reasons(write, corpus_folder, tmp_path) -> None:
    for index in range(3):
        write(f"{index}.wav", np.zeros(8_000, np.float32))
    (corpus_folder / "x.wav").write_bytes(b"")
    with pytest.raises(LatentoneError, match=r"all 4 recordings were left out \(3 silent, 1 unreadable\).*0.wav"):
        prepare_folder(corpus_folder, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".preparing.lock"]


def test_an_unchanged_corpus_is_not_prepared_twice(two_labels, tmp_path, capsys) -> None:
    first = prepare_folder(two_labels, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    again = prepare(find_source(str(two_labels)), AUDIO, PreparationSpec(), tmp_path / "out")
    assert again.folder == first.folder
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before
    assert "already prepared" in capsys.readouterr().err


def test_a_copy_elsewhere_is_the_same_corpus(two_labels, tmp_path) -> None:
    first = prepare_folder(two_labels, tmp_path / "out")
    copy = shutil.copytree(two_labels, tmp_path / "elsewhere" / "corpus", copy_function=shutil.copyfile)
    assert prepare_folder(copy, tmp_path / "out").folder == first.folder


def test_whatever_changes_the_clips_changes_the_fingerprint(two_labels, write, tmp_path) -> None:
    prints = {prepare_folder(two_labels, tmp_path / "out").fingerprint}
    prints.add(prepare_folder(two_labels, tmp_path / "out", crop="center").fingerprint)
    prints.add(prepare_folder(two_labels, tmp_path / "out", seed=1).fingerprint)
    (two_labels / "a" / "0.wav").rename(two_labels / "b" / "0.wav")
    prints.add(prepare_folder(two_labels, tmp_path / "out").fingerprint)
    write("b/0.wav")
    prints.add(prepare_folder(two_labels, tmp_path / "out").fingerprint)
    assert len(prints) == 5


def test_the_result_is_the_same_for_any_number_of_workers(tmp_path) -> None:
    source = find_source("notes", {"count": 66, "seconds": 0.3})
    preparation = PreparationSpec(crop="random", crops_per_recording=2)
    one, two = (prepare(source, AUDIO, preparation, tmp_path / str(n), workers=n, progress=False) for n in (1, 2))
    for file in ("waveforms.npy", "corpus.json"):
        assert (one.folder / file).read_bytes() == (two.folder / file).read_bytes()
    assert len(one) == 132
    assert set(one.velocities.tolist()) <= {32, 64, 96, 127}
    assert set(np.array(one.groups)[one.train]).isdisjoint(np.array(one.groups)[one.held_out])


def test_a_damaged_prepared_corpus_is_made_anew(two_labels, tmp_path) -> None:
    first = prepare_folder(two_labels, tmp_path / "out")
    expected = first.waveforms(range(6))
    with (first.folder / "waveforms.npy").open("r+b") as file:
        file.truncate(5_000)
    again = prepare_folder(two_labels, tmp_path / "out")
    np.testing.assert_array_equal(again.waveforms(range(6)), expected)


def test_a_folder_that_cannot_be_written_is_named(two_labels, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LatentoneError, match="cannot be kept in"):
        prepare_folder(two_labels, tmp_path / "file" / "out")


def test_two_at_once_prepare_it_once(two_labels, tmp_path) -> None:
    found: list[PreparedCorpus] = []
    threads = [
        threading.Thread(target=lambda: found.append(prepare_folder(two_labels, tmp_path / "out"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({corpus.folder for corpus in found}) == 1
    assert len(found) == 4


# Killed in mid-way

SLOW = """
import sys, time
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from trainer.specs.audio import AudioSpec, PreparationSpec
from trainer.corpus import Recording, Source, prepare

@dataclass(frozen=True)
class Slow:
    number: int
    seconds: float
    def read(self):
        time.sleep(self.seconds)
        return np.full((4000, 1), 0.1 + self.number / 1000, np.float32), 16000
    def digest(self):
        return str(self.number)

if __name__ == "__main__":
    folder, workers, seconds = sys.argv[1:]
    recordings = tuple(
        Recording(name=str(n), sound=Slow(n, float(seconds)), group=str(n)) for n in range(200)
    )
    audio = AudioSpec(sample_rate_hz=16000, clip_samples=4000)
    source = Source(name="slow", licence=None, recordings=recordings)
    corpus = prepare(source, audio, PreparationSpec(), Path(folder), workers=int(workers), progress=False)
    print(len(corpus))
"""


@contextlib.contextmanager
def started(tmp_path: Path, workers: int, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """The script in a process of its own; dead, and its pipes closed, whatever the test does."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "out"), str(workers), str(seconds)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.02)


def clips_written(folder: Path) -> bool:
    return any(path.stat().st_size > 8_000 for path in folder.glob(".*.unfinished/waveforms.npy"))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("workers", "how"), [(1, signal.SIGKILL), (2, signal.SIGKILL), (2, signal.SIGINT)])
def test_a_killed_preparation_leaves_nothing_that_looks_finished(tmp_path, workers: int, how: signal.Signals) -> None:
    folder = tmp_path / "out"
    with started(tmp_path, workers, 0.1) as process:
        wait_until(lambda: clips_written(folder))
        helpers = children(process.pid)
        assert len(helpers) >= (workers if workers > 1 else 0)
        process.send_signal(how)
        process.communicate(timeout=30)
    assert process.returncode != 0
    wait_until(lambda: not any(map(is_running, helpers)))
    for path in folder.iterdir():
        assert path.name.startswith(".")
        with pytest.raises(LatentoneError):
            PreparedCorpus.open(path)
    if how == signal.SIGINT:
        assert not list(folder.glob(".*.unfinished"))
    with started(tmp_path, 1, 0.0) as again:
        printed, errors = again.communicate(timeout=60)
    assert printed == "200\n", errors
    assert not list(folder.glob(".*.unfinished"))


def test_a_worker_that_dies_is_an_error_that_says_so(tmp_path) -> None:
    with started(tmp_path, 2, 0.1) as process:
        wait_until(lambda: clips_written(tmp_path / "out"))
        command = [(pid, Path(f"/proc/{pid}/cmdline").read_bytes()) for pid in children(process.pid)]
        os.kill(next(pid for pid, line in command if b"spawn_main" in line), signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
    assert "a worker process died" in errors
    assert not list((tmp_path / "out").glob(".*.unfinished"))
