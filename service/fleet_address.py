"""Where a fleet is: grpc://host:port, several separated by commas; grpcs:// over TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass

TARGET = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
FORM = "must be grpc://host:port or grpcs://host:port, several hosts separated by commas"


@dataclass(frozen=True)
class FleetAddress:
    """Names and ports of servers, each of which may stand for several."""

    targets: tuple[str, ...]
    secure: bool


def read_address(text: str) -> FleetAddress:
    """Return what an address says.

    Raises: ValueError.
    """
    scheme, separator, rest = text.partition("://")
    targets = tuple(rest.split(","))
    if scheme not in ("grpc", "grpcs") or not separator:
        raise ValueError(FORM)
    for target in targets:
        found = TARGET.fullmatch(target)
        if found is None or not 1 <= int(found[1]) <= 65_535:
            raise ValueError(f"{FORM}; {target!r} is no host:port")
    if len(set(targets)) < len(targets):
        raise ValueError(f"{FORM}; one of them stands there twice")
    return FleetAddress(targets, scheme == "grpcs")
