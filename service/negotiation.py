"""Which of the forms on offer a client's Accept header asks for."""

from __future__ import annotations

from collections.abc import Iterable

from service.errors import NotAcceptable

ALIASES = {
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/mp3": "audio/mpeg",
    "audio/opus": "audio/ogg; codecs=opus",
    "application/ogg": "audio/ogg",
    "application/npy": "application/x-npy",
}


def choose(accept: str, offers: Iterable[str]) -> str:
    """Return the offered media type that the client likes best; the first of equals.

    accept: an Accept header; empty accepts everything. offers: media types, the default first.
    Raises: NotAcceptable where it takes none of them.
    """
    offers = list(offers)
    ranked = sorted(_wishes(accept or "*/*"), key=lambda wish: -wish[1])
    for media, quality in ranked:
        for offer in offers:
            if quality > 0 and _covers(media, offer):
                return offer
    raise NotAcceptable(f"none of {accept} can be given; known: {', '.join(offers)}")


def _wishes(accept: str) -> list[tuple[str, float]]:
    wishes = []
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name == "q":
                quality = _number(value)
            elif name == "codecs":
                media = f"{media}; codecs={value.strip(chr(34))}"
        wishes.append((ALIASES.get(media, media), quality))
    return wishes


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _covers(media: str, offer: str) -> bool:
    kind, _, name = media.partition("/")
    return media in ("*/*", offer) or (name == "*" and offer.startswith(kind + "/"))
