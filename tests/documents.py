"""Documents whose examples are run: what stands in their sections, and a shell to run it in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.service.conftest import ROOT, Server

CURL = "curl --silent --show-error --fail "


def blocks(text: str, language: str, server: Server) -> list[str]:
    """Return the blocks of a language, with the server's addresses."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)
    return [
        block.replace("127.0.0.1:3000", f"127.0.0.1:{server.http_port}").replace("127.0.0.1:3001", server.target)
        for block in found
    ]


def sections(text: str) -> dict[str, str]:
    """Return what stands under each heading of the second order, and under "" what stands before them."""
    head, *rest = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return {"": head, **dict(zip(rest[::2], rest[1::2], strict=True))}


def run(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command in a folder, and return what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment |= variables
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def shell(script: str, folder: Path, server: Server) -> str:
    """Run lines of curl and of the command line in a folder, and return what they print."""
    script = script.replace("curl ", CURL).replace(".venv/bin/python", sys.executable)
    script = script.replace(".venv/bin/latentone", f"{sys.executable} -m latentone_client")
    return run(["bash", "-e", "-o", "pipefail", "-c", script], folder, LATENTONE_URL=server.url)


def run_four_ways(names: list[str], folder: Path, server: Server) -> dict[str, str]:
    """Run the examples of docs/api.md for some operations, each way in a folder of its own; return what each prints."""
    written = sections((ROOT / "docs" / "api.md").read_text())
    grpc_head, client_head = blocks(written[""], "python", server)
    scripts = {"curl": "", "grpc": grpc_head, "client": client_head, "cli": ""}
    for name in names:
        for language, ways in (("bash", ("curl", "cli")), ("python", ("grpc", "client"))):
            for way, block in zip(ways, blocks(written[name], language, server), strict=True):
                scripts[way] += block
    printed = {}
    for way, script in scripts.items():
        place = folder / way
        place.mkdir(exist_ok=True)
        if way in ("grpc", "client"):
            printed[way] = run([sys.executable, "-c", script], place)
        else:
            printed[way] = shell(script, place, server)
    return printed
