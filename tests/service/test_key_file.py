"""The file of API keys, the command that makes one, and how often a key may ask."""

from __future__ import annotations

import hmac
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.door import Door
from service.errors import RateLimited
from service.keys import KeyRing, line_of, make_key, read_keys
from service.rates import TokenBucket
from service.settings import Settings, SettingsError
from tests.service.conftest import ROOT

ALICE, SLOW, CAROL = (f"lt_{name:0>43}" for name in ("alice", "slow", "carol"))  # the same in every worker
LINE = line_of("alice", ALICE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no key"),
        ("# nobody\n", "holds no key"),
        ("alice", "entry 1: write NAME sha256:HASH"),
        (f"{LINE}\nbob {ALICE}", "entry 2"),
        (LINE.upper(), "entry 1"),
        (LINE[:-1], "entry 1"),
        (f"{LINE} rate=fast", "entry 1"),
        (f"{LINE} rate=-1", "entry 1"),
        (f"{LINE} rate=inf", "entry 1"),
        (f"{LINE} rate=nan burst=2", "entry 1"),
        (f"{LINE} burst=0", "entry 1"),
        (f"{LINE} admin=no", "entry 1"),
        (f"{LINE} boss", "entry 1"),
        (f"{LINE}\n{line_of('alice', SLOW)}", "two keys have the same name"),
        (f"{LINE}\n{line_of('bob', ALICE)}", "two keys have the same hash"),
    ],
)
def test_a_file_that_can_t_be_right_is_refused_and_never_quoted(tmp_path: Path, text: str, words: str) -> None:
    place = tmp_path / "keys.txt"
    place.write_text(text)
    with pytest.raises(SettingsError, match="LATENTONE_API_KEYS") as refused:
        read_keys(Settings(api_keys_file=place))
    assert words in str(refused.value)
    assert ALICE not in str(refused.value)


def test_a_file_that_can_t_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00")
    for place in (tmp_path / "gone", tmp_path, tmp_path / "noise"):
        with pytest.raises(SettingsError, match=f"LATENTONE_API_KEYS_FILE={place}: "):
            Door(Settings(api_keys_file=place))


def test_a_service_does_not_start_open_because_its_keys_are_missing(models: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "LATENTONE_MODELS": str(models), "LATENTONE_API_KEYS_FILE": str(tmp_path / "gone")}
    command = [sys.executable, "-m", "service"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == f"LATENTONE_API_KEYS_FILE={tmp_path}/gone: No such file or directory\n"
    with pytest.raises(SettingsError, match="holds no key"):
        read_keys(Settings(api_keys=" , "))


def test_what_the_command_prints_opens_the_door(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service", "key", "alice", "--rate", "5", "--admin"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (tmp_path / "keys.txt").write_text(done.stdout)
    text = done.stderr.split()[-1]
    assert text not in done.stdout
    key = KeyRing(Settings(api_keys_file=tmp_path / "keys.txt")).find(text)
    assert key is not None
    assert (key.name, key.rate, key.burst, key.admin) == ("alice", 5.0, 5, True)
    bad = subprocess.run([*command[:4], "a b"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (2, "")


def test_a_bucket_fills_with_time_and_no_further_than_its_burst() -> None:
    now = [0.0]
    bucket = TokenBucket(2.0, 3, clock=lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    now[0] = 0.5
    assert [bucket.take(), bucket.take()] == [0.0, 0.5]
    now[0] = 100.0
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]


def test_keys_that_state_no_rate_have_that_of_the_settings() -> None:
    door = Door(Settings(api_keys=f"{LINE},{line_of('bob', SLOW, rate=0)}", key_rate=0.01))
    door.admit([f"Bearer {ALICE}"], "operations")
    with pytest.raises(RateLimited):
        door.admit([f"Bearer {ALICE}"], "operations")
    for _ in range(9):
        door.admit([f"bearer {SLOW}"], "operations")


def test_every_key_is_compared_in_constant_time_whichever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, compared = KeyRing(Settings(api_keys=f"{LINE},{line_of('bob', SLOW)},{line_of('carol', CAROL)}")), []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return hmac_compare(one, other)

    hmac_compare = hmac.compare_digest
    monkeypatch.setattr("service.keys.hmac.compare_digest", compare)
    for text, name in ((ALICE, "alice"), (CAROL, "carol"), (make_key(), None)):
        found = ring.find(text)
        assert (found.name if found else None) == name
    assert len(compared) == 9
