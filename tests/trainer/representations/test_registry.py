"""Every kind of representation is made, fitted, described and kept as JSON."""

from __future__ import annotations

import json
import typing

import numpy as np
import pytest

from tests.trainer.sounds import RATE_HZ, notes
from trainer.errors import SpecError
from trainer.representations import registry
from trainer.representations.log_mel import LogMel
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import (
    LogMelSpec,
    LogSpectrogramSpec,
    MagnitudeMelSpec,
    PhaseSpec,
    RepresentationSpec,
    WaveformSpec,
)

AUDIO = AudioSpec(sample_rate_hz=RATE_HZ, clip_samples=8_192)
SPECS: tuple[RepresentationSpec, ...] = (
    WaveformSpec(),
    LogMelSpec(griffin_lim_iterations=1),
    LogMelSpec(size=(48, 80), griffin_lim_iterations=1),
    MagnitudeMelSpec(griffin_lim_iterations=1),
    LogSpectrogramSpec(griffin_lim_iterations=1),
    PhaseSpec(),
    PhaseSpec(n_fft=512, hop_samples=128, n_mels=128, mel_frequency="power", frames=80),
)
# What the service reads of a description (service/contract.py).
READ = {"kind", "shape", "frames", "n_fft", "hop_samples", "fmin_hz", "fmax_hz"}


@pytest.fixture(scope="module")
def waveforms() -> np.ndarray:
    return notes(AUDIO.clip_samples)[:4]


def test_every_specification_has_an_entry() -> None:
    kinds = {spec.kind for spec in (each() for each in typing.get_args(RepresentationSpec))}
    assert kinds == set(registry.REPRESENTATIONS)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}{getattr(spec, 'size', None) or ''}")
def test_a_kind_keeps_the_protocol(spec: RepresentationSpec, waveforms: np.ndarray) -> None:
    fitted = registry.fit(spec, AUDIO, waveforms)
    assert type(fitted) is type(spec)
    again = type(spec).from_json(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted
    made = registry.make(again, AUDIO)
    features = np.asarray(made.encode(waveforms))
    assert features.dtype == np.float32
    assert features.shape == (4, *made.shape)
    assert len(made.free_shape) == len(made.shape)
    assert all(free in (None, length) for free, length in zip(made.free_shape, made.shape, strict=True))
    channels = made.shape[2] if len(made.shape) == 3 else (made.shape[1] if fitted.kind == "waveform" else 1)
    assert len(made.silence) == channels
    limit = 5.0 if isinstance(spec, MagnitudeMelSpec) else 1.0  # not scaled: powers of ten
    assert np.abs([*made.silence, features.max(), features.min()]).max() <= limit + 1e-5
    decoded = np.asarray(made.decode(features))
    assert decoded.shape == waveforms.shape
    assert np.abs(decoded).max() <= 1.0
    pictures = made.pictures(features)
    assert pictures.ndim == 3
    assert np.abs(pictures).max() <= 1.0


@pytest.mark.parametrize("spec", SPECS[1:], ids=lambda spec: f"{spec.kind}{getattr(spec, 'size', None) or ''}")
def test_a_description_fits_the_representation(spec: RepresentationSpec, waveforms: np.ndarray) -> None:
    made = registry.make(registry.fit(spec, AUDIO, waveforms), AUDIO)
    described = made.describe()
    assert described is not None
    assert described == json.loads(json.dumps(described))
    assert described.keys() >= READ
    assert described["shape"] == list(made.free_shape)
    assert described["frames"] == made.shape[0]
    (low, high), features = described["range"], np.asarray(made.encode(waveforms))
    assert low - 1e-5 <= features.min() < features.max() <= high + 1e-5
    assert features.max() > (low + high) / 2  # it is not so wide that it says nothing


def test_constants_do_not_depend_on_how_many_clips_are_taken_at_once(
    waveforms: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = [registry.fit(spec, AUDIO, waveforms) for spec in SPECS]
    monkeypatch.setattr("trainer.representations.grid.CLIPS_AT_ONCE", 1)
    for spec, wanted in zip(SPECS, fitted, strict=True):
        for name, value in registry.fit(spec, AUDIO, waveforms).to_json().items():
            assert value == pytest.approx(getattr(wanted, name), abs=2e-4), name


def test_a_complete_specification_stays(waveforms: np.ndarray) -> None:
    spec = LogMelSpec(db_max=3.0)
    assert registry.fit(spec, AUDIO, waveforms) is spec
    assert isinstance(registry.make(spec, AUDIO), LogMel)


def test_stereo_is_for_the_waveform_alone(waveforms: np.ndarray) -> None:
    stereo, audio = np.stack([waveforms, waveforms], axis=-1), AUDIO.replace(channels=2)
    assert registry.make(registry.fit(WaveformSpec(), audio, stereo), audio).shape == (8_192, 2)
    for spec in SPECS[1:]:
        with pytest.raises(SpecError, match="mono"):
            registry.fit(spec, audio, stereo)
