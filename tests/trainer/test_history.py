"""History: what was written is read, what a killed sitting left beyond its checkpoint is dropped."""

from __future__ import annotations

from pathlib import Path

from trainer import history


def test_rows_are_read_back_in_order(tmp_path: Path) -> None:
    assert history.read(tmp_path) == []
    log = history.History(tmp_path, before=0)
    log.add(1, {"critic_loss": 2.5})
    assert history.read(tmp_path) == [{"step": 1, "critic_loss": 2.5}], "each row is on disk at once"
    log.add(11, {"critic_loss": 2.0})
    log.close()
    assert [row["step"] for row in history.read(tmp_path)] == [1, 11]


def test_a_resumed_run_drops_what_was_not_saved(tmp_path: Path) -> None:
    log = history.History(tmp_path, before=0)
    for step in (1, 11, 21, 31):
        log.add(step, {"distance": float(step)})
    log.close()
    with (tmp_path / history.NAME).open("a") as file:
        file.write('{"step": 41, "dist')  # killed in the middle of a line
    resumed = history.History(tmp_path, before=20)
    resumed.add(21, {"distance": 0.5})
    resumed.close()
    assert history.read(tmp_path) == [
        {"step": 1, "distance": 1.0},
        {"step": 11, "distance": 11.0},
        {"step": 21, "distance": 0.5},
    ]
