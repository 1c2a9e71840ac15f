"""Whether the service answers, and whether it wants more requests. The two differ while it drains."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import NotReady


@dataclass
class Readiness:
    """State of a worker, from loading over ready to draining."""

    serving: bool = False
    ready: bool = False
    draining: bool = False
    reason: str = "the models are loading"

    def open(self) -> None:
        """The warm-up has succeeded."""
        self.serving, self.ready, self.reason = True, True, ""

    def lose(self, reason: str) -> None:
        """No more requests are wanted until `open` is called again."""
        self.ready, self.reason = False, reason

    def drain(self) -> None:
        """No more requests are wanted; those that come are still answered."""
        self.ready, self.draining, self.reason = False, True, "the service is shutting down"

    def require_serving(self) -> None:
        """Raise NotReady while requests can't be answered."""
        if not self.serving:
            raise NotReady(self.reason, retry_after_s=1)

    def require_lasting(self) -> None:
        """Raise NotReady while what lasts can't begin: streams, of which a drain makes an end."""
        self.require_serving()
        if self.draining:
            raise NotReady(self.reason, retry_after_s=1)

    def require_ready(self) -> None:
        """Raise NotReady while no requests are wanted."""
        if not self.ready:
            raise NotReady(self.reason, retry_after_s=1)
