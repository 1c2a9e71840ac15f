"""Options that say where the service is, and what to show there."""

from __future__ import annotations

import argparse
import os
from typing import Any

from shtab import FILE

from latentone_client.client import DEFAULT_URL, TIMEOUT_S


def add_connection(group: Any) -> None:
    """Add the options to a group of a parser's."""
    url, key = os.environ.get("LATENTONE_URL") or DEFAULT_URL, os.environ.get("LATENTONE_KEY", "")
    group.add_argument("--url", default=url, help="http://, https://, grpc:// or grpcs:// (default %(default)s)")
    group.add_argument("--key", default=key, help="API key (default: LATENTONE_KEY, which no list of processes shows)")
    for name, words in (("ca", "who signs the service's certificate"), ("certificate", "own one, with its key")):
        file = group.add_argument(f"--{name}", metavar="FILE", help=f"{words}, PEM")
        vars(file)["complete"] = FILE  # for the shell
    group.add_argument(
        "--timeout", type=seconds, default=TIMEOUT_S, help="seconds for all, retries too (default %(default)g)"
    )


def connection(options: argparse.Namespace) -> dict[str, Any]:
    """Return what clients are made with."""
    return {
        "api_key": options.key,
        "ca": options.ca,
        "certificate": options.certificate,
        "timeout_s": options.timeout,
    }


def seconds(text: str) -> float:
    """Read a time. Raises: ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number
