"""Which representations there are, and where their constants come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from trainer.errors import check, unknown
from trainer.representations.log_mel import LogMel, fit_db_max
from trainer.representations.log_spectrogram import LogSpectrogram, fit_bins
from trainer.representations.magnitude_mel import MagnitudeMel
from trainer.representations.phase import Phase, fit_level
from trainer.representations.representation import MelRepresentation, Representation
from trainer.representations.resized import ResizedLogMel
from trainer.representations.waveform import Waveform
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec, MelSpec, RepresentationSpec, described_mel

AnySpec = TypeVar("AnySpec", bound=RepresentationSpec)


class Entry(NamedTuple):
    """How a kind of representation is made, and its specification completed from waveforms [N, S] or [N, S, 2]."""

    make: Callable[[Any, AudioSpec], Representation]
    fit: Callable[[Any, AudioSpec, np.ndarray], RepresentationSpec]


def make(spec: RepresentationSpec, audio: AudioSpec) -> Representation:
    """The bridge between sound and tensors that a complete specification describes.

    Raises: SpecError where it does not fit the clips, with the nearest value that does, or lacks a constant.
    """
    return _entry(spec).make(spec, audio)


def make_mel(spec: MelSpec, audio: AudioSpec) -> MelRepresentation:
    """The same for a mel scale of any number of frames.

    Raises: SpecError.
    """
    return LogMel(spec, audio) if isinstance(spec, LogMelSpec) else MagnitudeMel(spec, audio)


def fit(spec: AnySpec, audio: AudioSpec, waveforms: np.ndarray) -> AnySpec:
    """Return `spec` with each constant of None taken from waveforms [N, S] or [N, S, 2]; what is stated stays.

    Raises: SpecError where `spec` does not fit the clips.
    """
    fitted: AnySpec = _entry(spec).fit(spec, audio, waveforms)  # type: ignore[assignment]
    return fitted


def of_description(features: dict[str, Any], audio: AudioSpec) -> MelRepresentation:
    """The mel scale that entry `features` of a contract describes, where it is one of any length."""
    mel = described_mel(features)
    assert mel is not None
    return make_mel(mel, audio)


def _entry(spec: RepresentationSpec) -> Entry:
    check(spec.kind in REPRESENTATIONS, unknown("representation", spec.kind, REPRESENTATIONS))
    return REPRESENTATIONS[spec.kind]


def _make_log_mel(spec: LogMelSpec, audio: AudioSpec) -> Representation:
    return LogMel(spec, audio) if spec.size is None else ResizedLogMel(spec, audio)


def _nothing_to_fit(spec: AnySpec, audio: AudioSpec, _waveforms: np.ndarray) -> AnySpec:
    make(spec, audio)  # says what does not fit
    return spec


REPRESENTATIONS: dict[str, Entry] = {
    "waveform": Entry(Waveform, _nothing_to_fit),
    "log_mel": Entry(_make_log_mel, fit_db_max),
    "magnitude_mel": Entry(MagnitudeMel, _nothing_to_fit),
    "log_spectrogram": Entry(LogSpectrogram, fit_bins),
    "phase": Entry(Phase, fit_level),
}
