"""Spectrograms as greyscale PNG pictures: data, not drawings. Read from strangers: headers are not believed."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import Invalid, TooLarge, Unsupported

FloatArray = NDArray[np.float32]
MAGIC = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 33  # magic, and the chunk IHDR
MOST_PIXELS = 2**22  # a few bytes may be as many, and each takes 20 once it is read
COLOURS = {2: "in colour (RGB)", 3: "of a palette", 4: "grey with alpha", 6: "in colour with alpha (RGBA)"}
BLACK, WHITE = "latentone:black", "latentone:white"  # keywords of the text chunks that hold the scale


@dataclass(frozen=True)
class Grey:
    """A picture, read."""

    levels: FloatArray  # [height, width], the top row first; 0 black to 1 white
    scale: tuple[float, float] | None  # what black and white stand for, where the file says so


def read_grey(png: bytes) -> Grey:
    """Read a greyscale PNG of 8 or 16 bits.

    Raises: Unsupported for another file, or with colours, alpha, another depth or interlaced; TooLarge; Invalid for one
    that is cut short or damaged.
    """
    _check_header(png)
    from PIL import Image, PngImagePlugin

    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            image.load()
            assert isinstance(image, PngImagePlugin.PngImageFile)
            if "transparency" in image.info:
                raise Unsupported("picture: it is transparent in places; save it without alpha", field="picture")
            pixels, text = np.asarray(image), {str(key): str(value) for key, value in image.info.items()}
    except (OSError, SyntaxError, ValueError, EOFError, struct.error):
        raise Invalid("picture: the PNG is cut short or damaged", field="picture") from None
    most = 255 if pixels.dtype == np.uint8 else 65_535
    return Grey(pixels.astype(np.float32) / np.float32(most), _scale(text))


def _check_header(png: bytes) -> None:
    """Read the size and the form before anything is unpacked."""
    if png[:8] != MAGIC or png[12:16] != b"IHDR" or len(png) < HEADER_BYTES:
        raise Unsupported("picture: this is no PNG file", field="picture")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    if width * height > MOST_PIXELS:
        raise TooLarge(f"picture: {width} x {height} pixels; at most {MOST_PIXELS}", field="picture")
    if colour != 0:
        form = COLOURS.get(colour, f"of colour type {colour}")
        raise Unsupported(f"picture: it is {form}; greyscale without alpha is wanted", field="picture")
    if depth not in (8, 16):
        raise Unsupported(f"picture: it has {depth} bits a pixel; 8 or 16 are wanted", field="picture")
    if interlaced:
        raise Unsupported("picture: it is interlaced; save it without", field="picture")


def _scale(text: dict[str, str]) -> tuple[float, float] | None:
    try:
        black, white = float(text[BLACK]), float(text[WHITE])
    except (KeyError, ValueError):
        return None
    return (black, white) if np.isfinite([black, white]).all() else None


def write_grey(features: FloatArray, low: float, high: float) -> bytes:
    """Return features [frames, bands] as a 16-bit PNG, low bands at the bottom, that holds its scale.

    low, high: what black and white stand for; values beyond them are clipped.
    """
    from PIL import Image, PngImagePlugin

    levels = np.rint(np.clip((features.T[::-1] - low) / (high - low), 0.0, 1.0) * 65_535).astype(np.uint16)
    text = PngImagePlugin.PngInfo()
    text.add_text(BLACK, repr(low))
    text.add_text(WHITE, repr(high))
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()
