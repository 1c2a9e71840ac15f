"""`python -m service`: checks the settings, starts the service and says where it is; `render` plays a file instead."""

from __future__ import annotations

import argparse
import http
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from service import command, key_command, sign_command, tracing
from service.griffin_lim import NAME as BUILT_IN
from service.keys import read_keys
from service.settings import Settings, SettingsError, load_settings, misspelt_variables, plain_table
from service.signing import read_trusted
from service.tls import read_tls

POLL_S = 0.1
# For workers' glibc: what a large request took goes back to the system when it ends.
MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**23)}


def main() -> None:
    """Serve until SIGTERM or Ctrl-C, then drain and exit 0; or do what a command says.

    Exits 2 where the settings do not allow a start.
    """
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Serve the models of a folder over HTTP and gRPC, or, as `render`, play a MIDI file without a "
        "server. Settings come from the environment:",
        epilog=plain_table(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="command", title="instead of serving")
    command.add_render(commands)
    key_command.add_key(commands)
    sign_command.add_sign(commands)
    sign_command.add_signing_key(commands)
    options = parser.parse_args()
    if options.command is not None:
        sys.exit(options.run(options))
    try:
        settings = load_settings()
        _check_models(settings)
        _check_ports(settings)
        read_keys(settings)
        read_tls(settings)
        read_trusted(settings)
        tracing.wanted()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    for sentence in misspelt_variables():
        print(f"warning: {sentence}", file=sys.stderr)
    # Until the supervisor has its own handler: an early end is an end, and removes the folder below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
    for name, value in MEMORY.items():
        os.environ.setdefault(name, value)
    with tempfile.TemporaryDirectory(prefix="latentone-") as home:
        # A home of its own: services on one machine would else wipe each other's metrics.
        os.environ.setdefault("BENTOML_HOME", home)
        threading.Thread(target=_announce, args=(settings,), daemon=True).start()
        _serve(settings)


def _serve(settings: Settings) -> None:
    from service.service import synthesis

    synthesis.serve_http(host=settings.host, port=settings.http_port)


def _check_models(settings: Settings) -> None:
    names = sorted(
        {path.parent.parent.parent.name for path in settings.models.glob("[!.]*/*/assets.extra/contract.json")}
    )
    if not names:
        raise SettingsError(
            f"no models in {settings.models}/ (LATENTONE_MODELS): train one with `make train`, "
            "or name a folder laid out as name/version/"
        )
    if BUILT_IN in names:
        raise SettingsError(
            f"{settings.models / BUILT_IN} (LATENTONE_MODELS): the service has a model of that name itself; "
            "rename the folder, and the name in its contract"
        )
    if settings.default_model and settings.default_model not in [*names, BUILT_IN]:
        raise SettingsError(
            f"LATENTONE_DEFAULT_MODEL={settings.default_model}: no such model; known: {', '.join(names)}"
        )


def _check_ports(settings: Settings) -> None:
    """Look whether the ports are free; those that workers share would else be shared with a stranger."""
    for name, host, port in (
        ("LATENTONE_HTTP_PORT", settings.host, settings.http_port),
        ("LATENTONE_GRPC_PORT", settings.host, settings.grpc_port),
        ("LATENTONE_ADMIN_PORT", settings.admin_address, settings.admin_port),
    ):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError as error:
                raise SettingsError(f"{name}={port}: can't listen on {host}:{port}: {error.strerror}") from None


def _announce(settings: Settings) -> None:
    """Say where the service is, once it answers."""
    address = f"http://{settings.address(settings.http_port)}"
    while not _answers(f"{address}/readyz"):
        time.sleep(POLL_S)
    lines = [
        f"HTTP  {address}  (docs: {address}/)",
        f"gRPC  {settings.address(settings.grpc_port)}{'  (TLS)' if settings.grpc_certificate else ''}",
        f"try   curl -X POST {address}/v1/generate -o sound.wav",
    ]
    if settings.admin_port:
        lines.insert(2, f"admin http://{settings.address(settings.admin_port, settings.admin_address)}/metrics")
    print("\n".join(lines), flush=True)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        return error.code == http.HTTPStatus.UNAUTHORIZED  # health is not open, and somebody keeps its door
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    main()
