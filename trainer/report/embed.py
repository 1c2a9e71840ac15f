"""Data URIs: what lets a page hold its own pictures and sounds, so that it asks nothing of any network."""

from __future__ import annotations

import base64


def data_uri(kind: str, content: bytes) -> str:
    """URI of `content` with media type `kind`, such as "image/png"."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
