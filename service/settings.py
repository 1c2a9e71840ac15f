"""Settings of the service, from the environment: LATENTONE_HTTP_PORT and so on."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.fleet_address import FleetAddress, read_address

PREFIX = "LATENTONE_"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
BODIES = 4  # of the largest size that a worker holds at a time
DRAIN_SPARE_S = 5.0  # when a drain should long be over, the process ends itself
OF_THE_CLIENT = ("LATENTONE_URL", "LATENTONE_KEY")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::1") from None


def _backend(text: str) -> str:
    if text:
        read_address(text)
    return text


def _address_or_none(text: str) -> str:
    return _address(text) if text else ""


Address = Annotated[str, AfterValidator(_address)]


def _rooms(text: str) -> str:
    names = [name.strip() for name in text.split(",")]
    if not set(names) <= {"health", "metrics", "docs", "nothing"}:
        raise ValueError("takes health, metrics and docs, with commas between them, or nothing")
    return ",".join(names)


def _origins(text: str) -> str:
    origins = [origin.strip() for origin in text.split(",")] if text else []
    if not all(origin == "*" or ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("takes origins such as https://example.org or http://localhost:8080, with commas between them")
    return ",".join(origins)


class SettingsError(Exception):
    """A value in the environment that can't be used; one line for each, naming the variable."""


class Settings(BaseSettings):
    """What can be set. Frozen; each field's description is the documentation that people read."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, validate_default=True, env_ignore_empty=True)

    host: Address = Field(
        default="127.0.0.1", description="IP address to listen on; 0.0.0.0 for all, as in a container"
    )
    http_port: int = Field(default=3000, ge=1, le=65_535, description="HTTP port")
    grpc_port: int = Field(default=3001, ge=1, le=65_535, description="gRPC port")
    admin_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="port of /metrics, /livez and /readyz alone, where /metrics then is not on the HTTP port; 0: none",
    )
    admin_host: Annotated[str, AfterValidator(_address_or_none)] = Field(
        default="", description="IP address of the admin port; empty: as LATENTONE_HOST"
    )
    models: Path = Field(default=Path("models"), description="folder of models, laid out as name/version/")
    models_poll_seconds: float = Field(
        default=2.0,
        ge=0,
        le=3600,
        description="how often the folder is looked at for versions that came or went, seconds; 0: never",
    )
    load: Literal["newest", "all", "lazy"] = Field(
        default="newest",
        description="what is loaded ahead: newest (of each model, and what has a version label), all, or lazy "
        "(nothing); the rest when it is asked for",
    )
    memory_budget_mb: int = Field(
        default=0,
        ge=0,
        le=10_000_000,
        description="most that loaded versions may take in a worker, by the size of their files, MB; 0: any",
    )
    trusted_keys: Path | None = Field(
        default=None, description="file of Ed25519 public keys, PEM: only models that one of them has signed are loaded"
    )
    backend: Annotated[str, AfterValidator(_backend)] = Field(
        default="",
        description="who computes: empty for this service itself, or a fleet of TensorFlow Serving's protocol as "
        "grpc://host:port[,host:port] (grpcs:// over TLS)",
    )
    default_model: str = Field(
        default="", description="model of requests that name none; empty: the first by name that can be served"
    )
    workers: int = Field(default=1, ge=1, le=64, description="worker processes, each with its own copy of the models")
    threads: int = Field(default=0, ge=0, le=256, description="threads that share the items of batches; 0: one a core")
    op_threads: int = Field(
        default=1,
        ge=0,
        le=256,
        description="threads inside one item: more answer a lone client of a large model sooner; 0: one a core",
    )
    engine_calls: int = Field(
        default=0,
        ge=0,
        le=64,
        description="batches that a worker computes at the same time; 0: one a core, 16 with a fleet",
    )
    max_batch: int = Field(default=8, ge=1, le=1024, description="most items in one batch")
    max_count: int = Field(default=64, ge=1, le=10_000, description="most items in one request")
    max_seconds: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="longest sound that one request may decode, analyse, vary or render, seconds",
    )
    max_stream_seconds: float = Field(
        default=600.0, gt=0, le=86_400, description="longest sound that one stream may make or decode, seconds"
    )
    max_notes: int = Field(default=4096, ge=1, le=100_000, description="most notes in one request to render")
    queue_limit: int = Field(
        default=256, ge=1, le=100_000, description="items that may wait in a worker; more are refused as busy"
    )
    body_limit: int = Field(
        default=32 * 2**20, ge=1024, le=2**31 - 1, description="largest request body or message, bytes"
    )
    cache_mb: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="megabytes of answers that a worker keeps for requests that are asked again; 0: none",
    )
    deadline_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="longest that a request, or a step of a stream, may take, seconds"
    )
    lame_duck_seconds: float = Field(
        default=1.0,
        ge=0,
        le=300,
        description="after SIGTERM, serving but not ready, so that balancers notice, seconds",
    )
    drain_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="then, longest wait for accepted requests, seconds"
    )
    grpc_connection_seconds: float = Field(
        default=300.0,
        ge=1,
        le=86_400,
        description="age at which gRPC connections move, as to other workers, seconds",
    )
    api_keys: str = Field(
        default="",
        description="keys that may ask, `NAME sha256:HASH`, with commas between them; none here or in a file: all may",
    )
    api_keys_file: Path | None = Field(
        default=None, description="file of such keys, one a line; read again when it changes"
    )
    key_rate: float = Field(
        default=0.0, ge=0, le=1e6, description="requests a second of keys that state no rate, in each worker; 0: any"
    )
    open_without_key: Annotated[str, AfterValidator(_rooms)] = Field(
        default="health", description="what needs no key: health, metrics, docs, or nothing"
    )
    cors_origins: Annotated[str, AfterValidator(_origins)] = Field(
        default="", description="origins whose pages may ask over HTTP (CORS), with commas between them; *: any page"
    )
    grpc_certificate: Path | None = Field(default=None, description="certificate of gRPC, PEM; none: no TLS")
    grpc_certificate_key: Path | None = Field(default=None, description="its key, PEM")
    grpc_client_ca: Path | None = Field(
        default=None, description="for mutual TLS: who signs the certificates that gRPC's clients must have, PEM"
    )
    reflection: bool = Field(default=True, description="whether gRPC reflection is offered")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="debug, info, warning or error; info logs every request, debug health and metrics too",
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="json, an object a line, or text, for people to read"
    )

    @property
    def most_held(self) -> int:
        """Bytes of all bodies and answers that a worker holds at a time; and of all arrays that wait in its queue."""
        return BODIES * self.body_limit

    @property
    def fleet(self) -> FleetAddress | None:
        """Where the back end is; None where this service computes itself."""
        return read_address(self.backend) if self.backend else None

    @property
    def admin_address(self) -> str:
        """The IP address of the admin port."""
        return self.admin_host or self.host

    def address(self, port: int, host: str = "") -> str:
        """Return host:port as addresses are written; clients reach a server on every interface by the local one."""
        host = host or self.host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.http_port == self.grpc_port:
            raise ValueError(f"{PREFIX}GRPC_PORT is {self.grpc_port}, as is {PREFIX}HTTP_PORT; they must differ")
        if self.admin_port in (self.http_port, self.grpc_port):
            raise ValueError(f"{PREFIX}ADMIN_PORT is {self.admin_port}, as is another port; they must differ")
        if (self.grpc_certificate is None) != (self.grpc_certificate_key is None):
            raise ValueError(f"{PREFIX}GRPC_CERTIFICATE and {PREFIX}GRPC_CERTIFICATE_KEY: set both, or none of them")
        if self.grpc_client_ca and not self.grpc_certificate:
            raise ValueError(f"{PREFIX}GRPC_CLIENT_CA={self.grpc_client_ca}: needs {PREFIX}GRPC_CERTIFICATE too")
        if self.queue_limit < self.max_count:
            raise ValueError(
                f"{PREFIX}QUEUE_LIMIT={self.queue_limit} must be at least {PREFIX}MAX_COUNT={self.max_count} "
                "for the largest request to be taken"
            )
        return self


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises: SettingsError, one line for each bad value.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_line(item["loc"], item["msg"], item["input"]) for item in error.errors())
        ) from None


def _line(location: tuple[int | str, ...], message: str, value: object) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    return f"{PREFIX}{str(location[0]).upper()}={value}: {message[0].lower()}{message[1:]}"


def misspelt_variables() -> list[str]:
    """Return a sentence for each LATENTONE_ variable that is nearly, but not quite, a setting."""
    known = [name for name, _, _ in _rows()]
    strangers = [name for name in sorted(set(os.environ) - {*known, *OF_THE_CLIENT}) if name.startswith(PREFIX)]
    near = [(name, difflib.get_close_matches(name, known, n=1, cutoff=0.8)) for name in strangers]
    return [f"{name} is not a setting; did you mean {match[0]}?" for name, match in near if match]


def _rows() -> list[tuple[str, str, str]]:
    return [
        (PREFIX + name.upper(), "" if field.default is None else str(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def markdown_table() -> str:
    """Return every setting with its default and meaning, as the README shows them."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |" for name, default, meaning in _rows()]
    return "\n".join(lines) + "\n"


def plain_table() -> str:
    """Return every setting with its default and meaning, for a terminal."""
    return "".join(f"  {name:34} {default:10} {meaning}\n" for name, default, meaning in _rows())
