"""Spectrograms as small PNG pictures, all on one colour scale: -1 dark to 1 bright.

One byte a pixel with a palette of 256 colours takes a quarter of the room of a picture in full colour and shows the
same, since the colour map has no more.
"""

from __future__ import annotations

import io

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from trainer.report.embed import data_uri

COLOURS = "magma"
LARGEST = (384, 128)  # frames and bands kept; more would not be seen at the size of a card
SMALLEST_WIDTH = 256  # pixels; below, values are repeated so that a browser does not blur them


def spectrogram_uri(features: NDArray[np.float32]) -> str:
    """Picture of features [T, M] in [-1, 1]: time to the right, low bands below."""
    picture = Image.fromarray(_levels(features).T[::-1])
    width, height = picture.size
    if width > LARGEST[0] or height > LARGEST[1]:
        picture = picture.resize((min(width, LARGEST[0]), min(height, LARGEST[1])), Image.Resampling.BOX)
    repeat = -(-SMALLEST_WIDTH // picture.width)
    return _png(picture.resize((picture.width * repeat, picture.height * repeat), Image.Resampling.NEAREST))


def scale_uri() -> str:
    """The colour scale from -1, left, to 1."""
    return _png(Image.fromarray(np.arange(256, dtype=np.uint8)[None].repeat(2, axis=0)))


def _levels(features: NDArray[np.float32]) -> NDArray[np.uint8]:
    finite = np.nan_to_num(features, nan=-1.0)
    return np.round((np.clip(finite, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)


def _png(levels: Image.Image) -> str:
    palette = np.round(colormaps[COLOURS](np.arange(256))[:, :3] * 255.0).astype(np.uint8)
    levels.putpalette(palette.tobytes())
    file = io.BytesIO()
    levels.save(file, format="PNG", optimize=True)
    return data_uri("image/png", file.getvalue())
