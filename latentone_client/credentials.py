"""What a client shows of itself, and whom it trusts."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from latentone_client.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """An API key, and for TLS files in PEM: `ca`, who signs servers; `certificate`, the client's own, with its key."""

    api_key: str = field(default="", repr=False)
    ca: Path | None = None  # None: whoever the system trusts
    certificate: Path | None = None

    def __post_init__(self) -> None:
        """Raise Invalid for a text that no header can hold and for files that hold something else, OSError."""
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key):
            raise Invalid("api_key: a key is letters, digits and signs without spaces or line ends")
        self.context()

    def headers(self) -> dict[str, str]:
        """Return what goes with every request, by names in lower case as gRPC wants them."""
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def context(self) -> ssl.SSLContext | None:
        """Return TLS as Python has it; None where nothing is out of the ordinary."""
        if self.ca is None and self.certificate is None:
            return None
        for path in (self.ca, self.certificate):
            if path:
                path.open("rb").close()  # ssl's own error does not say which file
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError:
            raise Invalid(f"ca: {self.ca} holds no certificate (PEM)") from None
        try:
            if self.certificate:
                context.load_cert_chain(self.certificate, password=lambda: "")
        except ssl.SSLError:
            raise Invalid(
                f"certificate: {self.certificate} must hold a certificate and its key, without a password (PEM)"
            ) from None
        return context
