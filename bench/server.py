"""A real `python -m service` over one model, on free ports of the loopback interface."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

from bench.child import ROOT, end_group

READY_S = 180.0
END_S = 30.0
POLL_S = 0.02


class ServerFailed(Exception):  # noqa: N818
    """The service did not become ready; the text is the end of its log."""


class Server:
    """The service in a process of its own."""

    def __init__(self, models: Path, **more: object) -> None:
        """Start it, without waiting. more: settings as in the environment, without the prefix, in lower case."""
        self.http_port, self.grpc_port = free_ports()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        settings = {"MODELS": models, "HTTP_PORT": self.http_port, "GRPC_PORT": self.grpc_port, "LAME_DUCK_SECONDS": 0}
        settings |= {name.upper(): value for name, value in more.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LATENTONE_")}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env=inherited | {f"LATENTONE_{name}": str(value) for name, value in settings.items()},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we end it
        )

    def __enter__(self) -> Self:
        """Nothing to do: it runs since it was made."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it as a supervisor would, or by force."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(END_S)
        end_group(self.process)
        self._log.close()

    @property
    def url(self) -> str:
        """Where HTTP is."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def target(self) -> str:
        """Where gRPC is."""
        return f"127.0.0.1:{self.grpc_port}"

    def wait_for(self, path: str) -> float:
        """Wait until a GET of `path` gives 200; return the seconds since the start.

        Raises: ServerFailed.
        """
        while self._status(path) != 200:
            if self.process.poll() is not None or time.perf_counter() - self.started > READY_S:
                self._log.seek(0)
                raise ServerFailed(self._log.read()[-3000:].decode(errors="replace"))
            time.sleep(POLL_S)
        return time.perf_counter() - self.started

    def _status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


def free_ports() -> tuple[int, int]:
    """Return two ports that nobody listens on."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]
