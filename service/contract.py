"""Reads and checks contract.json, the description that every version folder carries."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from service.errors import BrokenModel

PLACE = Path("assets.extra") / "contract.json"
CONTRACT_VERSION = 1


class _Part(BaseModel):
    # What the service does not read it passes on, so unknown keys are no error.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Audio(_Part):
    """How fast a clip runs and how long it is."""

    sample_rate_hz: int = Field(ge=1_000, le=192_000)
    clip_samples: int = Field(ge=1)
    channels: Literal[1]


class Latent(_Part):
    """What a generator starts from."""

    size: int = Field(ge=1, le=65_536)
    distribution: Literal["normal", "uniform"]


class Features(_Part):
    """The definition of the features, as far as the service needs it: axes, units and limits."""

    kind: str
    shape: tuple[int | None, int] = Field(strict=False)  # frames (None: any number) and bands
    frames: int = Field(ge=1)
    n_fft: int = Field(ge=2)
    hop_samples: int = Field(ge=1)
    fmin_hz: float = 0.0
    fmax_hz: float | None = None
    db_min: float = -80.0
    db_max: float = 20.0


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
    features: Features | None
    signatures: dict[str, Signature]
    files: dict[str, str]
    document: dict[str, Any] = Field(default_factory=dict, exclude=True)

    @property
    def operations(self) -> tuple[str, ...]:
        """Which of generate, sample, decode, analyse the model has."""
        return tuple(name for name in ("generate", "sample", "decode", "analyse") if name in self.signatures)


def read_contract(folder: Path) -> Contract:
    """Read and check the contract of a version folder (name/version).

    Raises: BrokenModel where it is missing, not JSON, of another contract version, contradicts itself or its
    folder.
    """
    try:
        document = from_json((folder / PLACE).read_bytes(), allow_inf_nan=False)
    except OSError as error:
        raise BrokenModel(f"{PLACE} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise BrokenModel(f"{PLACE} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("contract") != CONTRACT_VERSION:
        raise BrokenModel(f"{PLACE} is not of contract version {CONTRACT_VERSION}")
    try:
        contract = Contract.model_validate({**document, "document": document})
    except ValidationError as error:
        first = error.errors()[0]
        raise BrokenModel(f"{PLACE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
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


def verify_files(contract: Contract, folder: Path) -> None:
    """Compare every file of the folder with the contract's SHA-256 digests.

    A SavedModel is code: what was not described must not be loaded.
    Raises: BrokenModel for a file that is missing, not listed or different.
    """
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {str(PLACE)}
    if missing := sorted(contract.files.keys() - present):
        raise BrokenModel(f"{missing[0]} is missing")
    if unlisted := sorted(present - contract.files.keys()):
        raise BrokenModel(f"{unlisted[0]} is not listed in the contract")
    for name, digest in contract.files.items():
        with (folder / name).open("rb") as file:
            if f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" != digest:
                raise BrokenModel(f"{name} differs from its digest in the contract")
