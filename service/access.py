"""One line in the log for each request, on either transport: who asked for what, how it went and how long it took.

Nothing of a body, of a query, of a key or of a latent is in it.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from service.tracing import Trace

logger = logging.getLogger("bentoml.latentone.access")

REQUEST_ID = "x-request-id"
GIVEN_ID = re.compile(r"[A-Za-z0-9._:/=+@-]{1,128}")
MOST_LETTERS = 200  # of a path, of which clients can make any


@dataclass
class Access:
    """A request as the log tells it.

    path: of HTTP, or a gRPC method; route: which of the service's few it is, once known; routine: health and metrics,
    told at debug and not traced.
    """

    transport: str
    request_id: str
    path: str
    routine: bool = False
    operation: str = ""
    model: str = ""
    key: str = ""  # whose
    route: str = ""
    trace: Trace | None = None
    stages: dict[str, float] = field(default_factory=dict)  # seconds
    started: float = field(default_factory=time.monotonic)

    def end(self, code: str) -> None:
        """Write the line, and end the trace. code: an HTTP status, or the name of a gRPC one."""
        seconds = time.monotonic() - self.started
        words = [self.transport, self.path, code, f"{seconds:.3f} s"]
        words += [f"{name}={value}" for name, value in (("model", self.model), ("key", self.key)) if value]
        level = logging.DEBUG if self.routine else logging.INFO
        logger.log(
            level, " ".join(words), extra={"facts": self._facts() | {"code": code, "seconds": round(seconds, 6)}}
        )
        if self.trace:
            known = (("operation", self.operation), ("model", self.model), ("request_id", self.request_id))
            self.trace.end(self.route, code, {f"latentone.{name}": value for name, value in known if value})

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            name: getattr(self, name) for name in ("transport", "path", "operation", "model", "key")
        }
        facts["trace_id"] = self.trace.trace_id if self.trace else ""
        facts["stages"] = {stage: round(seconds, 6) for stage, seconds in self.stages.items()}
        return {name: value for name, value in facts.items() if value}


current: ContextVar[Access | None] = ContextVar("current", default=None)  # the request in hand


def begin(transport: str, given_id: str, path: str, *, routine: bool = False) -> Access:
    """Begin a request. given_id: what the client calls it; where that is no id, it gets one of ours."""
    request_id = given_id if GIVEN_ID.fullmatch(given_id) else uuid.uuid4().hex
    access = Access(transport, request_id, path[:MOST_LETTERS], routine)
    current.set(access)
    return access
