"""Accept headers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import NotAcceptable
from service.negotiation import choose

OFFERS = ["audio/wav", "audio/flac", "audio/ogg", "audio/ogg; codecs=opus", "application/json"]


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "audio/wav"),
        ("*/*", "audio/wav"),
        ("audio/*", "audio/wav"),
        ("application/*", "application/json"),
        ("audio/flac", "audio/flac"),
        ("Audio/FLAC", "audio/flac"),
        ("audio/x-wav", "audio/wav"),
        ("audio/ogg;codecs=opus", "audio/ogg; codecs=opus"),
        ('audio/ogg; codecs="opus"', "audio/ogg; codecs=opus"),
        ("text/html, audio/flac;q=0.5, audio/ogg;q=0.9", "audio/ogg"),
        ("audio/flac;q=0.1, */*;q=0.2", "audio/wav"),
        ("audio/wav;q=0, audio/flac", "audio/flac"),
        ("text/html, */*;q=0.1", "audio/wav"),
    ],
)
def test_the_client_gets_what_it_likes_best(accept: str, chosen: str) -> None:
    assert choose(accept, OFFERS) == chosen


@pytest.mark.parametrize("accept", ["text/html", "image/*", "audio/flac;q=0", "nonsense"])
def test_what_is_not_on_offer_is_refused_with_what_is(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="audio/flac"):
        choose(accept, OFFERS)


@given(st.text(max_size=60))
def test_no_header_raises_anything_else(accept: str) -> None:
    with contextlib.suppress(NotAcceptable):
        assert choose(accept, OFFERS) in OFFERS
