"""Requests for sound that is sent as it is made, checked as all others are."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from service.requests import Label, LabelledRequest, ModelRequest, Seed

StreamFormat = Literal["wav", "wav_float", "pcm", "f32"]
STREAM_FORMATS: tuple[StreamFormat, ...] = get_args(StreamFormat)  # that need not know how long they will be


def _format(value: object) -> object:
    if value not in STREAM_FORMATS:
        raise ValueError(f"a stream is one of {', '.join(STREAM_FORMATS)}")
    return value


Format = Annotated[StreamFormat, BeforeValidator(_format)]
FORMAT_WORDS = f"one of {', '.join(STREAM_FORMATS)}"


class GenerateStreamRequest(LabelledRequest):
    """Clips along a path that begins at a seed, with cross-fades between them."""

    seed: Seed | None = Field(default=None, description="seed of the path; absent: one is drawn and returned")
    label: Label = Field(
        default="", description="a label's name or index, of every clip; empty: the one that the seed alone would have"
    )
    seconds: float | None = Field(
        default=None,
        ge=0.01,
        allow_inf_nan=False,
        description="how long; absent: as long as the server allows, or until you hang up",
    )
    latent_seconds: float | None = Field(
        default=None,
        ge=0.01,
        le=3600,
        description="from one latent of the seed to the next; between them it glides. Absent: four clips",
    )
    crossfade_seconds: float | None = Field(
        default=None,
        ge=0.001,
        le=3600,
        description="from one clip to the next, at most half a clip; absent: a quarter of a clip",
    )
    format: Format = Field(default="wav", description=FORMAT_WORDS)


class DecodeStreamRequest(ModelRequest):
    """What is said of features that come bit by bit."""

    format: Format = Field(default="wav", description=FORMAT_WORDS)
