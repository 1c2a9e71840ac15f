"""A mel definition says what a number stands for, and numbers of one scale become those of another exactly."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from trainer.mel_definition import MelDefinition, side_by_side
from trainer.representations.conversion import MelConversion
from trainer.representations.log_mel import LogMel
from trainer.representations.magnitude_mel import MagnitudeMel
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec, MagnitudeMelSpec, MelSpec

AUDIO = AudioSpec(sample_rate_hz=8_000, clip_samples=2_048)
SPEC = LogMelSpec(n_fft=512, hop_samples=128, n_mels=16, db_range=80.0, db_max=10.0)
OWN = MelDefinition.of(SPEC, AUDIO)
MELS = np.geomspace(OWN.floor, OWN.ceiling or 1.0, 50)


def noise() -> np.ndarray:
    loudness = np.geomspace(1e-5, 0.5, 6)[:, None]
    return (np.random.default_rng(0).uniform(-1, 1, (6, AUDIO.clip_samples)) * loudness).astype("float32")


def changed(**changes: object) -> MelDefinition:
    return dataclasses.replace(OWN, **changes)  # type: ignore[arg-type]


def converted(source: MelDefinition, target: MelDefinition, mels: np.ndarray) -> np.ndarray:
    features = np.array([source.value(mel) for mel in mels], "float32")[None, :, None]
    return np.asarray(MelConversion(source, target)(features))[0, :, 0]


@pytest.mark.parametrize("spec", [SPEC, MagnitudeMelSpec(n_fft=512, hop_samples=128, n_mels=16)])
def test_a_definition_says_what_encode_computes(spec: MelSpec) -> None:
    representation = LogMel(spec, AUDIO) if isinstance(spec, LogMelSpec) else MagnitudeMel(spec, AUDIO)
    features = np.asarray(representation.encode(noise()))
    definition = MelDefinition.of(spec, AUDIO)
    padding = {"zeros": "constant", "mirrored": "reflect"}[definition.padding]
    edge = (definition.n_fft - definition.hop_samples) // 2
    padded = np.pad(noise().astype("float64"), [(0, 0), (edge, edge)], mode=padding)  # type: ignore[call-overload]
    starts = range(0, AUDIO.clip_samples, definition.hop_samples)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(definition.n_fft) / definition.n_fft)
    frames = np.stack([padded[:, start : start + definition.n_fft] * window for start in starts], axis=1)
    magnitude = np.abs(np.fft.rfft(frames)) ** {"power": 2, "magnitude": 1}[definition.quantity]
    mels = magnitude @ representation.filters.T.astype("float64")
    wanted = np.vectorize(definition.value)(mels)
    assert wanted.max() - wanted.min() > 1.0
    assert np.abs(features - wanted).max() < 1e-3


@pytest.mark.parametrize(
    "changes",
    [
        {"log_base": math.e},
        {"log_base": 2.0, "gain": 3.0},
        {"gain": 0.5},
        {"offset": 0.3},
        {"floor": 1e-3},
        {"ceiling": 0.5},
        {"ceiling": None},
        {"log_base": math.e, "gain": 1.7, "offset": -4.0, "floor": 1e-4, "ceiling": 2.0},
    ],
)
def test_a_scale_becomes_another_exactly(changes: dict[str, object]) -> None:
    target = changed(**changes)
    wanted = np.array([target.value(mel) for mel in MELS])
    found = converted(OWN, target, MELS)
    assert np.abs(found - wanted).max() < 2e-6 * max(1.0, np.abs(wanted).max())
    back = converted(target, OWN, MELS)
    kept = (target.floor * 1.02 <= MELS) & ((target.ceiling or math.inf) >= MELS)
    assert np.abs(back - [OWN.value(mel) for mel in MELS])[kept].max() < 1e-5


def test_a_clip_becomes_what_the_other_definition_has_of_it() -> None:
    other = SPEC.replace(db_range=60.0, db_max=16.0)  # a higher floor; no sound here is louder than our ceiling
    theirs = np.asarray(LogMel(other, AUDIO).encode(noise()))
    ours = MelConversion(OWN, MelDefinition.of(other, AUDIO))(LogMel(SPEC, AUDIO).encode(noise()))
    assert theirs.min() < -0.999, "nothing is at their floor"
    assert np.abs(np.asarray(ours) - theirs).max() < 1e-5


def test_silence_stays_silence_where_the_other_floor_is_lower() -> None:
    target = changed(floor=OWN.floor / 1_000.0)
    found = converted(OWN, target, np.array([0.0, OWN.floor, 1.02 * OWN.floor, 2.0 * OWN.floor]))
    assert (found[:2] == np.float32(target.value(0.0))).all()
    assert found[2:] == pytest.approx([target.value(1.02 * OWN.floor), target.value(2.0 * OWN.floor)], abs=1e-5)


def test_values_of_one_scale_keep_every_bit() -> None:
    features = np.random.default_rng(0).uniform(-1.5, 1.5, (2, 3, 4)).astype("float32")
    same = changed(gain=OWN.gain * (1.0 + 1e-9))
    assert np.array_equal(np.asarray(MelConversion(OWN, same)(features)), features)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("sample_rate_hz", 16_000),
        ("n_fft", 1_024),
        ("hop_samples", 64),
        ("padding", "mirrored"),
        ("n_mels", 80),
        ("fmin_hz", 50.0),
        ("fmax_hz", 3_500.0),
        ("quantity", "magnitude"),
    ],
)
def test_what_is_linear_must_agree(name: str, other: object) -> None:
    target = changed(**{name: other, "gain": 1.0})
    assert not OWN.convertible(target)
    assert OWN.differences(target) == tuple(field for field in OWN.__dataclass_fields__ if field in (name, "gain"))
    lines = side_by_side("ours", OWN, "theirs", target).splitlines()
    (marked,) = [line.split() for line in lines if line.endswith("differs")]
    assert marked[0] == name
    (scale,) = [line for line in lines if "differs, can be converted" in line]
    assert scale.split()[0] == "gain"


def test_definitions_that_differ_in_scale_alone_can_be_converted() -> None:
    assert OWN.convertible(changed(log_base=math.e, gain=1.0, offset=0.0, floor=1e-5, ceiling=None))
