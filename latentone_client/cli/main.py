"""Runs a command, and ends as what failed demands: one line with the cure, and an exit code by its kind."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from latentone_client.errors import Failure, Invalid

LATER, DEFECT, INTERRUPTED, BROKEN_PIPE = 3, 4, 130, 141
CODES = {"busy": LATER, "not_ready": LATER, "unavailable": LATER, "deadline": LATER, "internal": DEFECT}
CURES = {
    "unauthenticated": "LATENTONE_KEY or --key hold your API key",
    "not_found": "`latentone models` lists what is there",
    "busy": "try again later, or with more --retries and a longer --timeout",
    "not_ready": "try again later, or with more --retries and a longer --timeout",
    "deadline": "ask for less, or give it longer with --timeout",
    "unavailable": "is the service running (`make serve`)? --url or LATENTONE_URL say where it is",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns: the exit code.
    """
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: Sequence[str] | None) -> int:
    from latentone_client.cli.options import make_parser  # late, so that Ctrl-C is heard from the start

    options = make_parser().parse_args(arguments)
    as_json = getattr(options, "json", False)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter complains on its way out
        return BROKEN_PIPE
    except OSError as error:
        return _fail(Invalid(f"{error.filename}: {error.strerror}" if error.filename else str(error)), as_json=as_json)
    except Failure as failure:
        return _fail(failure, as_json=as_json)
    return code


def _fail(failure: Failure, *, as_json: bool) -> int:
    detail = " ".join(failure.detail.split())
    if as_json:
        facts = {"kind": failure.kind, "detail": detail, "retry_after_s": failure.retry_after_s}
        print(json.dumps({"error": facts}), file=sys.stderr)
    else:
        cure = CURES.get(failure.kind)
        print(f"error: {detail}; {cure}" if cure else f"error: {detail}", file=sys.stderr)
    return CODES.get(failure.kind, 1)
