"""What every HTTP answer tells a browser: guess no types, run nothing of it, frame it nowhere, keep nothing."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

from service import docs
from service.http_door import DOCS_FILES

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
}
CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# The page runs its own script and the bundle beside it, and may ask this service alone. Swagger's symbols are data, the
# pictures of answers blobs, some of its styles inline.
DOCS_PAGE = (
    f"{CLOSED}; script-src 'self' '{docs.SCRIPT_DIGEST}'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src data: blob:"
)


def secure(headers: MutableHeaders, path: str) -> None:
    """Add what an answer for this path lacks. An answer that says itself how it may be kept has the last word."""
    headers.update(ALWAYS)
    headers["Content-Security-Policy"] = DOCS_PAGE if path == docs.PATH else CLOSED
    headers.setdefault("Cache-Control", "no-cache" if path.startswith(DOCS_FILES) else "no-store")
