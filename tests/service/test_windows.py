"""Frames that come bit by bit: each is heard once, in a window that holds all that its sound depends on."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.windows import Window, Windows

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=12)


@given(sizes=SIZES, past=st.integers(0, 12), future=st.integers(0, 12), most=st.integers(1, 30))
@settings(max_examples=150, deadline=None)
def test_every_frame_is_heard_once_with_what_it_depends_on(sizes: list[int], past: int, future: int, most: int) -> None:
    windows, total, heard = Windows(past=past, future=future, most=most), sum(sizes), 0

    def check(window: Window) -> None:
        nonlocal heard
        numbers = window.features[:, 0].astype(int)
        assert 1 <= window.count <= most
        assert len(numbers) <= past + most + future
        np.testing.assert_array_equal(numbers, np.arange(numbers[0], numbers[0] + len(numbers)))
        assert numbers[window.first] == heard
        heard += window.count
        assert numbers[0] <= max(heard - window.count - past, 0)
        assert numbers[-1] >= min(heard - 1 + future, total - 1)

    start = 0
    for size in sizes:
        for window in windows.add(np.arange(start, start + size, dtype=np.float32)[:, np.newaxis]):
            check(window)
        start += size
        assert heard == max(start - future, 0)  # nothing waits for longer than the reach asks
    for window in windows.end():
        check(window)
    assert heard == total
