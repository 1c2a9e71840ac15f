"""Numbers, times and plain values as people read them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

SMALLEST = 1e-5  # below, powers of ten
MOST_DECIMALS = 6
NARROW_SPACE = "\u202f"  # does not break a line inside a number


def number(value: float, *, spread: float = 0.0) -> str:
    """As many decimals as half of `spread` has two digits; without a spread, three digits of the value.

    Such as 0.976, 12.3, 6 497; very small values as 2.1e-08.
    """
    if 0.0 < abs(value) < SMALLEST:
        return f"{value:.1e}"
    scale = spread / 2.0 or abs(value) / 10.0
    decimals = 1 - math.floor(math.log10(scale)) if scale else 0
    return _spaced(f"{value:,.{min(max(0, decimals), MOST_DECIMALS)}f}")


def integer(value: int) -> str:
    """Thousands set apart: 2 700."""
    return _spaced(f"{value:,}")


def moment(text: str) -> str:
    """An ISO 8601 moment in words; other text as it is."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = f" {when.tzname()}" if when.tzinfo else ""
    return f"{when.day} {when:%B %Y, %H:%M}{zone}"


def plain(value: Any) -> str:
    """A plain value of a configuration."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _spaced(text: str) -> str:
    return text.replace(",", NARROW_SPACE)
