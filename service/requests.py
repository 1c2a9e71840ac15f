"""Requests as operations take them, checked the same way whichever transport they came by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from service.audio_files import FORMATS, AudioFormat
from service.casting import OutOfRange
from service.definition import ITERATIONS, MOST_ITERATIONS, MelDefinition, within
from service.errors import Invalid
from service.render import ATTACK_SECONDS, RELEASE_SECONDS
from service.tensors import FloatArray, read_base64, read_tensor

FEWEST_STATIONS = 2  # of a path
MOST_NAME = 200  # characters of a model's or a label's name
TENSOR_SCHEMA = {
    "description": "nested lists of numbers, or a shape and base64 of little-endian float32",
    "anyOf": [
        {"type": "array", "items": {}},
        {
            "type": "object",
            "properties": {
                "shape": {"type": "array", "items": {"type": "integer"}},
                "data": {"type": "string", "format": "byte"},
            },
            "required": ["shape", "data"],
        },
    ],
}


def _format(value: object) -> object:
    if value not in FORMATS:
        raise ValueError(f"must be one of {', '.join(FORMATS)}")
    return value


def _bytes(value: object) -> object:
    return read_base64(value) if isinstance(value, str) else value


def _seed_map(value: object) -> object:
    """Take 0:7,40:8 for {0: 7, 40: 8}, as queries and command lines have no maps."""
    if not isinstance(value, str):
        return value
    pairs = [entry.partition(":") for entry in value.split(",") if entry.strip()]
    return {number.strip(): seed.strip() for number, _, seed in pairs}


def _text(value: object) -> object:
    return str(value) if type(value) is int else value


Seed = Annotated[int, Field(ge=0, lt=2**64)]
Tensor = Annotated[FloatArray, PlainValidator(read_tensor), WithJsonSchema(TENSOR_SCHEMA)]
Format = Annotated[AudioFormat, BeforeValidator(_format)]
Number = Annotated[float, within(-1e6, 1e6)]
Pitch = Annotated[float, Field(ge=0, le=127, allow_inf_nan=False)]
Program = Annotated[int, Field(ge=0, le=127)]
Channel = Annotated[int, Field(ge=1, le=16)]
Sound = Annotated[bytes, BeforeValidator(_bytes)]
Label = Annotated[str, BeforeValidator(_text), Field(max_length=MOST_NAME)]
K = TypeVar("K")
SeedMap = Annotated[dict[K, Seed], BeforeValidator(_seed_map)]
R = TypeVar("R", bound=BaseModel)


class ModelRequest(BaseModel):
    """A request to a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    model: str = Field(default="", max_length=MOST_NAME, description="name of the model; empty for the default one")
    version: int = Field(default=0, ge=0, lt=2**31, description="version of the model; 0 for the newest that is usable")
    version_label: str = Field(
        default="", max_length=MOST_NAME, description="label of a version in place of its number, such as stable"
    )

    @model_validator(mode="after")
    def _one_version(self) -> Self:
        if self.version and self.version_label:
            raise ValueError("give version or version_label, not both")
        return self

    @property
    def settled(self) -> bool:
        """Whether it has one answer only: no seed is left to be drawn."""
        return getattr(self, "seed", 0) is not None or getattr(self, "latents", None) is not None


class LabelledRequest(ModelRequest):
    """A request that may say which label, by its name or by the pitch that it stands for."""

    label: Label = ""
    pitch: Pitch | None = Field(
        default=None, description="MIDI pitch in place of a label, where the model's labels stand for pitches"
    )

    @model_validator(mode="after")
    def _one_label(self) -> Self:
        if self.label and self.pitch is not None:
            raise ValueError("give label or pitch, not both")
        return self


class SampleRequest(LabelledRequest):
    """Latents, drawn from a seed or given."""

    seed: Seed | None = Field(default=None, description="seed of the latents; absent: one is drawn and returned")
    count: int | None = Field(
        default=None, ge=1, description="how many items; absent: 1, or as many as there are latents"
    )
    label: Label = Field(
        default="",
        description="a label's name or index; empty: item i has label (seed + i) modulo their number",
    )
    latents: Tensor | None = Field(default=None, description="[count, latent size], in place of a seed")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.latents is not None and self.seed is not None:
            raise ValueError("give seed or latents, not both")
        return self


class GenerateRequest(SampleRequest):
    """Latents, drawn from a seed or given, to be made audible."""

    format: Format = Field(default="wav", description=f"one of {', '.join(FORMATS)}")


class DecodeRequest(ModelRequest):
    """Features to be made audible: an array, or a picture with its scale."""

    features: Tensor | None = Field(
        default=None,
        description="[count, frames, bands(, channels)], or one item without count, in the contract's units",
    )
    picture: Annotated[bytes, BeforeValidator(_bytes)] | None = Field(
        default=None,
        description="a greyscale PNG of 8 or 16 bits in place of features: a frame a column, a band a row",
    )
    black: Number | None = Field(
        default=None, description="the value that black stands for; absent: what the picture itself says"
    )
    white: Number | None = Field(default=None, description="the value that white stands for, as black")
    low: Literal["bottom", "top"] = Field(default="bottom", description="where a picture has its low frequencies")
    definition: MelDefinition | None = Field(
        default=None,
        description="how the mel was computed, for the model griffin-lim; in the query definition.n_fft=1024",
    )
    iterations: Annotated[int, within(0, MOST_ITERATIONS)] | None = Field(
        default=None, description=f"of griffin-lim; absent: {ITERATIONS}"
    )
    peak: Annotated[float, within(0.001, 1)] | None = Field(
        default=None, description="of griffin-lim: scale each clip to this largest sample; absent: as the features say"
    )
    format: Format = Field(default="wav", description=f"one of {', '.join(FORMATS)}")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.features is not None and self.picture is not None:
            raise ValueError("give features or a picture, not both")
        if self.picture is None and (self.black is not None or self.white is not None):
            raise ValueError("black and white are the scale of a picture, and none came")
        if (self.black is None) != (self.white is None):
            raise ValueError("give both black and white, or neither")
        return self


class AnalyseRequest(ModelRequest):
    """A sound file to be described by features."""

    audio: Sound = Field(description="a WAV, FLAC, Ogg or MP3 file at the model's rate (base64 in JSON)")


class InterpolateRequest(LabelledRequest):
    """Sounds and seeds to be passed one after another."""

    sounds: list[Sound] = Field(
        default=[], max_length=100, description="sound files to pass, as in vary (base64 in JSON)"
    )
    seeds: list[Seed] = Field(
        default=[],
        max_length=100,
        validate_default=True,
        description="the seeds to pass, after the sounds; two or more of both",
    )
    steps: int | None = Field(
        default=None,
        ge=2,
        description="clips in all, both ends included; absent: 8, or one for each seed and sound if more",
    )
    label: Label = Field(
        default="",
        description="a label's name or index; empty: the one that the first sound is heard as, or that the first seed "
        "alone would have",
    )
    format: Format = Field(default="wav", description=f"one of {', '.join(FORMATS)}")

    @field_validator("seeds")
    @classmethod
    def _two_ends(cls, seeds: list[int], others: ValidationInfo) -> list[int]:
        if "sounds" in others.data and len(seeds) + len(others.data["sounds"]) < FEWEST_STATIONS:
            raise ValueError(f"a path wants at least {FEWEST_STATIONS} seeds or sounds")
        return seeds


class VaryRequest(LabelledRequest):
    """A sound file of which variations are wanted."""

    audio: Sound = Field(
        description="a WAV, FLAC, Ogg or MP3 file at the model's rate (base64 in JSON), cut to the length of the "
        "model's clips or followed by silence"
    )
    count: int | None = Field(default=None, ge=1, description="how many variations; absent: 1")
    distance: float = Field(
        default=0.3,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="from the sound, 0: what the model makes of the sound itself, to 1: any sound of the model",
    )
    seed: Seed | None = Field(
        default=None, description="seed of what is added to the sound; absent: one is drawn and returned"
    )
    label: Label = Field(default="", description="a label's name or index; empty: the one that the sound is heard as")
    format: Format = Field(default="wav", description=f"one of {', '.join(FORMATS)}")


class RenderRequest(ModelRequest):
    """A MIDI file to be played."""

    midi: Annotated[bytes, BeforeValidator(_bytes)] = Field(
        description="a Standard MIDI file of format 0 or 1 (base64 in JSON)"
    )
    seed: Seed | None = Field(
        default=None, description="seed of the sounds; program p has seed + p. Absent: one is drawn and returned"
    )
    programs: SeedMap[Program] = Field(
        default={}, description="seeds of programs (0 to 127), in place of seed + program; in the query as in 0:7,40:8"
    )
    channels: SeedMap[Channel] = Field(
        default={}, description="seeds of channels (1 to 16), whatever their programs; in the query as in 1:7,2:8"
    )
    latent_seconds: float = Field(
        default=4.0, ge=0.01, le=3600, description="from one latent of a seed to the next; between them it glides"
    )
    attack_seconds: float = Field(default=ATTACK_SECONDS, ge=0, le=60, description="fade-in of each note")
    release_seconds: float = Field(
        default=RELEASE_SECONDS, ge=0, le=60, description="fade-out of each note after its end, within the clip"
    )
    out_of_range: OutOfRange = Field(
        default="fold", description="fold: notes outside the model's pitches move by octaves; skip: they are left out"
    )
    percussion: bool = Field(default=False, description="whether notes of channel 10 are played, by their pitches")
    format: Format = Field(default="wav", description=f"one of {', '.join(FORMATS)}")


def parse_request(kind: type[R], fields: Mapping[str, Any]) -> R:
    """Check the fields of a request.

    Raises: Invalid, which names the first field at fault.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            known = MelDefinition.model_fields if len(first["loc"]) > 1 else kind.model_fields
            message = f"no such field; known: {', '.join(known)}"
        elif isinstance(first["input"], str) and first["type"] == "literal_error":
            message = f"{message}, not {first['input']!r}"
        raise Invalid(f"{name}: {message}" if name else message, field=name or None) from None
