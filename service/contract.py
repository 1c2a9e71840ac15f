"""Reads and checks contract.json, the description that every version folder carries."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json, to_json

from service.errors import BrokenModel
from service.signing import SIGNATURE, Trusted, check_signature

PLACE = Path("assets.extra") / "contract.json"
CONTRACT_VERSION = 1


Length = Annotated[int, Field(ge=1)]
Pitch = Annotated[float, Field(ge=0, le=127, allow_inf_nan=False)]


class _Part(BaseModel):
    # What the service does not read it passes on, so unknown keys are no error.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Audio(_Part):
    """How fast a clip runs, how long it is and how many channels it has."""

    sample_rate_hz: int = Field(ge=1_000, le=192_000)
    clip_samples: int = Field(ge=1)
    channels: Literal[1, 2]

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """Shape of a clip: [S], or [S, 2] where it is stereo."""
        return (self.clip_samples, self.channels) if self.channels > 1 else (self.clip_samples,)


class Latent(_Part):
    """What a generator starts from."""

    size: int = Field(ge=1, le=65_536)
    distribution: Literal["normal", "uniform"]


class Features(_Part):
    """The definition of the features, as far as the service needs it: axes, units and limits."""

    kind: Literal["log_mel", "log_spectrogram", "phase"]
    # Frames (None: any number), bands and, where there is more than one, channels.
    shape: tuple[Length | None, ...] = Field(strict=False, min_length=2, max_length=3)
    frames: int = Field(ge=1)
    n_fft: int = Field(ge=2)
    hop_samples: int = Field(ge=1)
    fmin_hz: float = 0.0
    fmax_hz: float | None = None
    db_min: float = -80.0
    db_max: float = 20.0
    n_mels: int | None = None
    quantity: str | None = None
    range: tuple[float, float] | None = Field(default=None, strict=False)

    @property
    def known_range(self) -> tuple[float, float]:
        """Between which values the features of the training lay; of older contracts, between which they can lie."""
        if self.range is not None:
            return self.range
        is_unscaled = self.kind == "log_mel" and self.quantity == "magnitude"
        return (self.db_min / 20.0, self.db_max / 20.0) if is_unscaled else (-1.0, 1.0)

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of a frame: [bands] or [bands, channels]."""
        return tuple(length for length in self.shape[1:] if length is not None)

    @model_validator(mode="after")
    def _only_frames_are_free(self) -> Self:
        if None in self.shape[1:]:
            raise ValueError("only the number of frames may be null")
        if self.shape[0] not in (None, self.frames):
            raise ValueError(f"shape has {self.shape[0]} frames, frames is {self.frames}")
        return self


class Reach(_Part):
    """Which frames decide what a vocoder makes heard during a frame: that frame, and so many around it."""

    past_frames: int = Field(ge=0)
    future_frames: int = Field(ge=0)


class TensorSpec(_Part):
    """Type and shape of a tensor of a signature; None is a free axis."""

    dtype: Literal["float32", "int32"]
    shape: tuple[int | None, ...] = Field(strict=False)


class Signature(_Part):
    """Arguments and result of a signature, by name."""

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec] = Field(min_length=1, max_length=1)


class Contract(_Part):
    """What a version folder promises."""

    contract: Literal[1]
    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    kind: Literal["generator", "vocoder"]
    architecture: str
    audio: Audio
    latent: Latent | None
    labels: tuple[str, ...] = Field(strict=False)
    pitches: tuple[Pitch, ...] | None = Field(default=None, strict=False, min_length=1)
    features: Features | None
    reach: Reach | None = None
    signatures: dict[str, Signature]
    files: dict[str, str]
    document: dict[str, Any] = Field(default_factory=dict, exclude=True)

    @property
    def operations(self) -> tuple[str, ...]:
        """Which of the operations that a model may lack it has."""
        needs = {name: name for name in ("generate", "sample", "decode", "analyse")} | {"vary": "encode"}
        found = [name for name, signature in needs.items() if signature in self.signatures]
        return tuple([*found, "decode_stream"] if self.stream_reach else found)

    @property
    def stream_reach(self) -> Reach | None:
        """How much of what is around it `decode` asks for in a stream; None where only the whole will do."""
        is_free = "decode" in self.signatures and self.features is not None and self.features.shape[0] is None
        return self.reach if is_free else None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole contract, which holds those of the model's files."""
        return hashlib.sha256(to_json(self.document)).hexdigest()

    def samples(self, frames: int) -> int:
        """Return the length of the sound of so many frames: a clip where no other number is taken."""
        assert self.features is not None
        return frames * self.features.hop_samples if self.features.shape[0] is None else self.audio.clip_samples


def read_contract(folder: Path, trusted: Trusted = ()) -> Contract:
    """Read and check the contract of a version folder (name/version).

    trusted: public keys of which one must have signed it, where there are any. Raises: BrokenModel where it is missing,
    not signed so, not JSON, of another contract version, contradicts itself or its folder.
    """
    try:
        text = (folder / PLACE).read_bytes()
    except OSError as error:
        raise BrokenModel(f"{PLACE} can't be read: {error.strerror}") from None
    if trusted:
        check_signature(text, folder, trusted)
    try:
        document = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise BrokenModel(f"{PLACE} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("contract") != CONTRACT_VERSION:
        raise BrokenModel(f"{PLACE} is not of contract version {CONTRACT_VERSION}")
    try:
        contract = Contract.model_validate({**document, "document": document})
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        raise BrokenModel(f"{PLACE}: {'.'.join(map(str, first['loc']))}: {message}") from None
    _check(contract, folder)
    return contract


def _check(contract: Contract, folder: Path) -> None:
    if (contract.name, str(contract.version)) != (folder.parent.name, folder.name):
        raise BrokenModel(
            f"the contract is of {contract.name} version {contract.version}, "
            f"the folder of {folder.parent.name} version {folder.name}"
        )
    needed = {"generator": {"generate"}, "vocoder": {"decode"}}[contract.kind]
    if "sample" in contract.signatures or "analyse" in contract.signatures:
        needed |= {"decode"}
    if missing := sorted(needed - contract.signatures.keys()):
        raise BrokenModel(
            f"the contract lacks the signature {', '.join(missing)} that a {contract.kind} like this needs"
        )
    if "generate" in contract.signatures and contract.latent is None:
        raise BrokenModel("the contract has the signature generate but no latent")
    if "decode" in contract.signatures and contract.features is None:
        raise BrokenModel("the contract has the signature decode but no features")
    if "encode" in contract.signatures and ("classify" in contract.signatures) != bool(contract.labels):
        raise BrokenModel("the contract has encode, and labels without classify or classify without labels")
    _check_pitches(contract)
    _check_axes(contract)


def _check_pitches(contract: Contract) -> None:
    if contract.pitches is None:
        return
    if len(contract.pitches) != len(contract.labels):
        raise BrokenModel(f"the contract has {len(contract.pitches)} pitches for {len(contract.labels)} labels")
    if len(set(contract.pitches)) < len(contract.pitches):
        raise BrokenModel("the contract has the same pitch for two labels")


def _check_axes(contract: Contract) -> None:
    """Hold the tensors of the signatures to the number of channels and to the features' shape."""
    items: dict[str, tuple[int | None, ...]] = {"waveform": (None, *contract.audio.clip_shape[1:])}
    items["probabilities"] = (len(contract.labels),)
    if contract.latent is not None:
        items["latent"] = (contract.latent.size,)
    if contract.features is not None:
        items["features"] = contract.features.shape
    for name, signature in contract.signatures.items():
        for key, tensor in (signature.inputs | signature.outputs).items():
            axes, wanted = tensor.shape[1:], items.get(key)
            if wanted is not None and not _fits(axes, wanted):
                shown = ", ".join("null" if length is None else str(length) for length in tensor.shape)
                raise BrokenModel(f"signatures.{name}: {key} [{shown}] does not fit what the contract describes")


def _fits(axes: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether two shapes can be one; a free axis (None) fits any length."""
    return len(axes) == len(wanted) and all(
        None in (one, other) or one == other for one, other in zip(axes, wanted, strict=True)
    )


def verify_files(contract: Contract, folder: Path) -> None:
    """Compare every file of the folder with the contract's SHA-256 digests.

    A SavedModel is code: what was not described must not be loaded.
    Raises: BrokenModel for a file that is missing, not listed or different.
    """
    own = {str(PLACE), str(SIGNATURE)}
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - own
    if missing := sorted(contract.files.keys() - present):
        raise BrokenModel(f"{missing[0]} is missing")
    if unlisted := sorted(present - contract.files.keys()):
        raise BrokenModel(f"{unlisted[0]} is not listed in the contract")
    for name, digest in contract.files.items():
        with (folder / name).open("rb") as file:
            if f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" != digest:
                raise BrokenModel(f"{name} differs from its digest in the contract")
