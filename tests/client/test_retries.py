"""What is asked again, when, and what is not; against real sockets, over both transports, sync and async."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from email.utils import formatdate
from typing import Any

import pytest

from latentone_client import Busy, DeadlineExceeded, Failure, Invalid, NotReady, Retries, Unavailable
from latentone_client.retries import Patience
from tests.client.conftest import call
from tests.client.stands import STANDS, STATUS, Says, Stand

QUICK = Retries(most=3, first_s=0.02)
OK = Says()


class Asking:
    """One way to ask stands."""

    def __init__(self, scheme: str, manner: str, stack: ExitStack) -> None:
        self.scheme, self._manner, self._stack = scheme, manner, stack

    def stand(self, *script: Says) -> Stand:
        """Return a stand that is up until the test ends."""
        return self._stack.enter_context(STANDS[self.scheme](Stand(*script)))

    def models(self, url: str, **client: Any) -> Any:
        """List the models."""
        return call(url, self._manner, "models", client={"retries": QUICK, **client})


@pytest.fixture
def asking(way: tuple[str, str]) -> Iterator[Asking]:
    """Return each way to ask."""
    with ExitStack() as stack:
        yield Asking(*way, stack)


def test_a_busy_service_is_asked_again_when_it_says(asking: Asking) -> None:
    stand = asking.stand(Says("busy", retry_after="1"), OK)
    told: list[tuple[str, float]] = []
    assert asking.models(stand.url, watch=lambda failure, pause_s: told.append((failure.kind, pause_s))) == ()
    first, second = stand.times
    assert 1.0 <= second - first < 3.0
    ((kind, pause_s),) = told
    assert kind == "busy"
    assert 1.0 <= pause_s <= 1.0 + QUICK.first_s


def test_a_service_that_is_not_ready_is_asked_again(asking: Asking) -> None:
    stand = asking.stand(Says("not_ready"), Says("not_ready"), OK)
    assert asking.models(stand.url) == ()
    assert len(stand.times) == 3


@pytest.mark.parametrize("kind", sorted(STATUS.keys() - {"busy", "not_ready"}))
def test_every_other_failure_has_its_kind_and_is_told_at_once(asking: Asking, kind: str) -> None:
    stand = asking.stand(Says(kind), OK)
    with pytest.raises(Failure) as refused:
        asking.models(stand.url)
    assert refused.value.kind == kind
    assert refused.value.detail == f"said {kind}"
    assert len(stand.times) == 1


def test_patience_ends_and_the_last_failure_is_told(asking: Asking) -> None:
    stand = asking.stand(Says("busy", retry_after="0"))
    with pytest.raises(Busy) as refused:
        asking.models(stand.url)
    assert refused.value.retry_after_s == 0
    assert len(stand.times) == 1 + QUICK.most


def test_nothing_is_waited_for_that_comes_after_the_deadline(asking: Asking) -> None:
    stand = asking.stand(Says("busy", retry_after="60"), OK)
    began = time.monotonic()
    with pytest.raises(Busy) as refused:
        asking.models(stand.url, timeout_s=30)
    assert refused.value.retry_after_s == 60
    assert time.monotonic() - began < 5
    assert len(stand.times) == 1


def test_the_deadline_holds_for_all_tries_together(asking: Asking) -> None:
    stand = asking.stand(Says("not_ready", after_s=0.2))
    began = time.monotonic()
    with pytest.raises((NotReady, DeadlineExceeded)):
        asking.models(stand.url, timeout_s=1, retries=Retries(most=1000, first_s=0.01, longest_s=0.01))
    assert time.monotonic() - began < 3
    assert len(stand.times) > 1


def test_a_slow_answer_is_given_up(asking: Asking) -> None:
    stand = asking.stand(Says(after_s=2))
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        asking.models(stand.url, timeout_s=0.3)
    assert time.monotonic() - began < 1.5
    assert len(stand.times) == 1


def test_a_service_that_comes_up_is_noticed(asking: Asking) -> None:
    later = Stand(OK)
    url = f"{asking.scheme}://127.0.0.1:{later.port}"
    came, done = threading.Event(), threading.Event()

    def serve() -> None:
        time.sleep(0.5)
        with STANDS[asking.scheme](later):
            came.set()
            done.wait(20)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert asking.models(url, retries=Retries(most=50, first_s=0.1, longest_s=0.3)) == ()
        assert came.is_set()
    finally:
        done.set()
        thread.join()


def test_nobody_there_is_told(asking: Asking) -> None:
    port = Stand().port
    with pytest.raises(Unavailable, match=f"nobody answers at {asking.scheme}://127.0.0.1:{port}") as refused:
        asking.models(f"{asking.scheme}://127.0.0.1:{port}")
    assert refused.value.safe_to_retry


def test_a_request_that_may_have_been_done_is_not_repeated(asking: Asking) -> None:
    stand = asking.stand(Says(leaves=True), OK)
    with pytest.raises(Unavailable) as refused:
        asking.models(stand.url)
    assert not refused.value.safe_to_retry
    assert len(stand.times) == 1


@pytest.mark.parametrize("manner", ["sync", "async"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "internal"), (401, "unauthenticated"), (403, "unauthenticated"), (404, "not_found"), (405, "invalid"),
     (429, "busy"), (500, "internal"), (502, "unavailable"), (503, "not_ready"), (504, "deadline")],
)  # fmt: skip
def test_a_proxy_s_page_has_a_kind_too(manner: str, status: int, kind: str) -> None:
    with STANDS["http"](Stand(Says(raw=(status, "<html>a page</html>")))) as stand, pytest.raises(Failure) as refused:
        call(stand.url, manner, "models", client={"retries": Retries(most=0)})
    assert refused.value.kind == kind
    assert "<html>" not in refused.value.detail


@pytest.mark.parametrize("manner", ["sync", "async"])
def test_retry_after_may_be_a_date(manner: str) -> None:
    script = Says("busy", retry_after=formatdate(time.time() + 120, usegmt=True))
    with STANDS["http"](Stand(script)) as stand, pytest.raises(Busy) as refused:
        call(stand.url, manner, "models")
    assert 100 < (refused.value.retry_after_s or 0) <= 120


@pytest.mark.parametrize("manner", ["sync", "async"])
def test_an_answer_that_drips_is_given_up(manner: str) -> None:
    with STANDS["http"](Stand(Says(drips=True))) as stand:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            call(stand.url, manner, "models", client={"timeout_s": 0.5})
        assert time.monotonic() - began < 2


def test_pauses_double_up_to_the_longest_and_are_spread() -> None:
    retries = Retries(first_s=0.1, longest_s=1.0)
    for failures, longest in ((1, 0.1), (2, 0.2), (3, 0.4), (9, 1.0)):
        pauses = {retries.pause_s(failures, None) for _ in range(50)}
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
    assert retries.pause_s(1, 5.0) >= 5.0


def test_no_time_left_is_a_deadline() -> None:
    with pytest.raises(DeadlineExceeded):
        Patience(Retries(), seconds=0).remaining_s()


@pytest.mark.parametrize(
    "url", ["", "localhost:3000", "ftp://here", "http://", "grpc://", "http://here:x", "grpc://h:99999"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        call(url, "sync", "models")
    with pytest.raises(Invalid):
        call(url, "async", "models")
