"""`python -m service key`: makes an API key."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from service.keys import line_of, make_key
from service.settings import SettingsError


def add_key(commands: Any) -> None:
    """Add the options of `key` to the parser's commands."""
    parser = commands.add_parser(
        "key",
        help="make an API key",
        description="Make an API key. The key itself is shown this once, on standard error; what the service needs of "
        "it goes to standard output: python -m service key alice >> keys.txt",
    )
    parser.add_argument("name", help="whose it is, as the log will say")
    parser.add_argument("--rate", type=float, help="requests a second (default: LATENTONE_KEY_RATE)")
    parser.add_argument("--burst", type=int, help="requests at once (default: those of a second)")
    parser.add_argument("--admin", action="store_true", help="for admin calls too")
    parser.set_defaults(run=make)


def make(options: argparse.Namespace) -> int:
    """Print a key and its line.

    Returns: the exit code.
    """
    key = make_key()
    try:
        line = line_of(options.name, key, rate=options.rate, burst=options.burst, admin=options.admin)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"key of {options.name}, shown this once: {key}", file=sys.stderr)
    print(line)
    return 0
