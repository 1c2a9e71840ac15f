"""Each kind of failure from real services, the same over both transports."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from latentone_client import (
    Busy,
    Client,
    DeadlineExceeded,
    Failure,
    Invalid,
    NotFound,
    NotReady,
    Retries,
    Sound,
    TooLarge,
)
from tests.client.conftest import NEVER, SCHEMES, Call, address, loaded
from tests.service.conftest import Server
from tests.service.tiny_model import BANDS


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "words"),
    [
        ("generate", (), {"count": 0}, "count"),
        ("generate", (), {"count": 99}, "count: at most 4"),
        ("generate", (), {"label": "x"}, "known: zero, one, two"),
        ("generate", (), {"seed": -1}, ""),
        ("generate", (), {"seed": 2**64}, ""),
        ("generate", (), {"seed": 1, "latents": [[0.0] * 8]}, "give seed or latents, not both"),
        ("generate", (), {"label": "one", "pitch": 60.0}, "give label or pitch, not both"),
        ("generate", (), {"latents": [[0.0, 1.0], [2.0]]}, "latents: must be an array of numbers"),
        ("generate", (), {"latents": [["a"]]}, "latents: must be an array of numbers"),
        ("decode", ([[0.0]],), {}, "features: the model wants"),
        ("decode", (np.full((4, BANDS), np.nan),), {}, "must be finite"),
        ("interpolate", ([1],), {}, "seeds"),
        ("analyse", (b"no sound",), {}, "no sound file"),
        ("render", (b"no midi",), {"model": "notes"}, ""),
        ("render", (b"",), {"out_of_range": "never"}, ""),
        ("model", ("",), {}, "give its name"),
    ],
)
def test_invalid(ask_narrow: Call, method: str, args: tuple, kwargs: dict, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask_narrow(method, *args, **kwargs)
    assert words in refused.value.detail


@pytest.mark.parametrize(("method", "args"), [("generate", ()), ("model", ("nope",)), ("sample", ())])
def test_not_found(ask_narrow: Call, method: str, args: tuple) -> None:
    with pytest.raises(NotFound, match="nope"):
        ask_narrow(method, *args, **({} if args else {"model": "nope"}))
    with pytest.raises(NotFound, match="99"):
        ask_narrow("generate", model="tiny", version=99)


def test_too_large(ask_narrow: Call) -> None:
    with pytest.raises(TooLarge, match="seconds"):
        ask_narrow("decode", np.zeros((1, 1000, BANDS)))
    with pytest.raises(TooLarge):
        ask_narrow("analyse", b"0" * 2**21)


def test_not_ready(ask_narrow: Call) -> None:
    with pytest.raises(NotReady, match="broken"):
        ask_narrow("generate", model="broken", version=1)


def test_deadline(ask_narrow: Call) -> None:
    with pytest.raises(DeadlineExceeded):
        ask_narrow("generate", model="slow", count=4, client={"timeout_s": 0.1, "retries": NEVER})


@pytest.mark.parametrize("scheme", SCHEMES)
def test_busy_says_when_to_ask_again_and_retries_get_through(narrow: Server, scheme: str) -> None:
    url = address(narrow, scheme)
    with loaded(narrow.url), Client(url, retries=NEVER) as client:
        refused = _refusal(client)
    assert refused.retry_after_s is not None
    assert refused.retry_after_s >= 1
    with Client(url, retries=Retries(most=20)) as patient:
        assert isinstance(patient.generate(count=4), Sound)


def _refusal(client: Client) -> Busy:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            client.generate(count=4)
        except Busy as refused:
            return refused
        time.sleep(0.01)
    pytest.fail("the service was never busy")


def test_a_client_that_gives_up_leaves_no_trace_of_a_defect(narrow: Server) -> None:
    with Client(narrow.url, timeout_s=0.1) as client, pytest.raises(DeadlineExceeded):
        client.generate(model="slow")
    with Client(narrow.url) as client:
        client.generate()
    assert "Traceback" not in narrow.log.read_text()


def test_the_other_transport_s_port_is_told_in_one_line(narrow: Server) -> None:
    for url in (f"http://{narrow.target}", f"grpc://127.0.0.1:{narrow.http_port}"):
        with Client(url, retries=NEVER, timeout_s=10) as client, pytest.raises(Failure) as refused:
            client.models()
        assert refused.value.kind in ("unavailable", "internal"), refused.value.detail
        assert "\n" not in refused.value.detail


def test_a_file_that_is_not_there_and_a_format_that_is_none(ask_narrow: Call, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ask_narrow("analyse", tmp_path / "nothing.wav")
    sound = ask_narrow("generate", seed=1)
    for path, form, words in (("x.xyz", None, "known suffixes: wav, flac"), ("x", None, "which format"),
                              ("x.wav", "aiff", "there is no 'aiff'")):  # fmt: skip
        with pytest.raises(Invalid, match=words):
            sound.write(tmp_path / path, form)
    assert not list(tmp_path.iterdir())
    odd = Sound(model="m", version=1, timing={}, samples=np.zeros((1, 10), np.float32), sample_rate_hz=22_050)
    with pytest.raises(Invalid, match="opus can't hold 22050 Hz"):
        odd.file("opus")
