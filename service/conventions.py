"""How OpenTelemetry's semantic conventions describe a request: the name of its span, attributes, and what is a failure.

What clients make up is in no name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

OTHER = "_OTHER"
METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
FAILED = ("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")  # by a gRPC server

Attributes = Mapping[str, str | int]


class Described(Protocol):
    """A request of either transport. code: as the log has it; route: of the service's few, empty where none fits."""

    def begun(self) -> Attributes:
        """What is known at its start."""

    def name(self, route: str) -> str:
        """The span's name."""

    def ended(self, route: str, code: str) -> Attributes:
        """What is known at its end."""

    def failed(self, code: str) -> bool:
        """Whether the service is to blame."""


@dataclass(frozen=True)
class HttpRequest:
    """Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans, stable."""

    method: str
    path: str
    scheme: str

    def begun(self) -> Attributes:
        """Method and place."""
        return {"http.request.method": self._method, "url.path": self.path, "url.scheme": self.scheme}

    def name(self, route: str) -> str:
        """Method and template of the path."""
        return f"{self._method} {route}".strip() if self._method != OTHER else f"HTTP {route}".strip()

    def ended(self, route: str, code: str) -> Attributes:
        """Template of the path, status."""
        ended: dict[str, str | int] = {"http.route": route} if route else {}
        return ended | ({"http.response.status_code": int(code)} if code.isdigit() else {})

    def failed(self, code: str) -> bool:
        """Of ours are 5xx, and answers that broke off."""
        return not code.isdigit() or int(code) >= 500

    @property
    def _method(self) -> str:
        return self.method if self.method in METHODS else OTHER


@dataclass(frozen=True)
class GrpcCall:
    """Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc, as of its release candidate."""

    def begun(self) -> Attributes:
        """The system."""
        return {"rpc.system.name": "grpc"}

    def name(self, route: str) -> str:
        """The method."""
        return route or OTHER

    def ended(self, route: str, code: str) -> Attributes:
        """Method and status."""
        return {"rpc.method": route or OTHER, "rpc.response.status_code": code}

    def failed(self, code: str) -> bool:
        """Of ours are codes that a caller can't mend."""
        return code in FAILED
