"""The service in a container, hardened as it should run, on free ports of this machine."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Self

from bench.child import ROOT
from bench.server import END_S, POLL_S, READY_S, ServerFailed, free_ports

HARDENED = (
    "--read-only", "--tmpfs=/tmp:size=256m", "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=2g",
    "--memory-swap=2g",
)  # fmt: skip


def engine() -> str:
    """Return the container engine that works here.

    Raises: ServerFailed where there is none that can run an image.
    """
    found = subprocess.run(["bash", "deploy/engine.sh"], cwd=ROOT, capture_output=True, text=True, check=False)
    name = found.stdout.strip()
    if name not in {"docker", "podman"}:
        raise ServerFailed(found.stderr.strip() or f"{name} builds images and runs none: install docker or podman")
    return name


class Container:
    """One run of an image, which is removed at the end."""

    def __init__(self, image: str, models: Path | None = None, **settings: object) -> None:
        """Start it, without waiting. models: in the place of the image's own. settings: in lower case, no prefix."""
        self.http_port, self.grpc_port = free_ports()
        self.url, self.target = f"http://127.0.0.1:{self.http_port}", f"127.0.0.1:{self.grpc_port}"
        self.engine, self.name = engine(), f"latentone-{uuid.uuid4().hex[:8]}"
        options = [f"--env=LATENTONE_{name.upper()}={value}" for name, value in settings.items()]
        options += [f"--publish=127.0.0.1:{self.http_port}:3000", f"--publish={self.target}:3001"]
        options += [f"--volume={models}:/models:ro"] if models else []
        self.started = time.perf_counter()
        self.call("run", "--detach", f"--name={self.name}", *HARDENED, *options, image)

    def __enter__(self) -> Self:
        """Nothing to do: it runs since it was made."""
        return self

    def __exit__(self, *_: object) -> None:
        """End and remove it."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.call("rm", "--force", self.name)

    def call(self, *arguments: str) -> str:
        """Ask the engine, and return what it prints."""
        done = subprocess.run([self.engine, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        return subprocess.run([self.engine, "exec", self.name, *command], capture_output=True, text=True, check=False)

    @property
    def pid(self) -> int:
        """The process that is the first one inside, as the host sees it."""
        return int(self.call("inspect", "--format={{.State.Pid}}", self.name))

    @property
    def log(self) -> str:
        """What it has said so far."""
        said = subprocess.run([self.engine, "logs", self.name], capture_output=True, text=True, check=False)
        return said.stdout + said.stderr

    def wait_for(self, path: str) -> float:
        """Wait until a GET of `path` gives 200; return the seconds since the start.

        Raises: ServerFailed.
        """
        while not self._answers(path):
            if time.perf_counter() - self.started > READY_S:
                raise ServerFailed(self.log[-3000:])
            time.sleep(POLL_S)
        return time.perf_counter() - self.started

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def terminate(self) -> None:
        """Send SIGTERM to the first process, as a supervisor does, without waiting."""
        self.call("kill", "--signal=TERM", self.name)

    def wait(self) -> int:
        """Wait until it has ended, and return its exit code."""
        done = subprocess.run(
            [self.engine, "wait", self.name], capture_output=True, text=True, check=True, timeout=2 * END_S
        )
        return int(done.stdout)
