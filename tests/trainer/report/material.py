"""Subjects made on the spot: built-in notes, their log-mel pictures, and a scores document."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import soxr

from trainer.corpus.notes import Note
from trainer.report.subject import Clip, Subject
from trainer.representations.log_mel import LogMel
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec

RATE_HZ = 8_000
FAMILIES = ("additive", "fm", "pluck")


@functools.cache
def clip(family: str, pitch: int, *, title: str = "", rate_hz: int = RATE_HZ, samples: int = 4_096) -> Clip:
    """A note with its picture of 64 bands."""
    waveform, rate = Note(family, pitch, 100, 0, samples / rate_hz + 0.1, 0).read()
    waveform = soxr.resample(waveform[:, 0], rate, rate_hz)[:samples].astype("float32")
    spec = LogMelSpec(n_fft=512 if rate_hz < 16_000 else 1024, hop_samples=128, n_mels=64, db_max=20.0)
    features = np.asarray(LogMel(spec, AudioSpec(sample_rate_hz=rate_hz, clip_samples=samples)).encode(waveform[None]))
    return Clip(waveform=waveform, rate_hz=rate_hz, title=title or family, features=features[0])


def measure(name: str, value: float | None, **changes: Any) -> dict[str, Any]:
    """An entry of "measures", its interval 0.05 to each side."""
    entry = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "family": "generator",
        "unit": "",
        "better": "lower",
        "value": value,
        "interval": None if value is None else [value - 0.05, value + 0.05],
        "count": 1000,
        "floors": [
            {"title": "held-out clips", "value": 0.3, "interval": [0.28, 0.32], "count": 300},
            {"title": "training clips against each other", "value": 0.2, "interval": None, "count": 2700},
        ],
        "reason": "",
    }
    return entry | changes


def document(*measures: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A whole scores document."""
    return {
        "subject": {
            "name": "runs/notes-1",
            "architecture": "melspec",
            "recipe": "quickstart",
            "step": 6497,
            "minutes": 62.5,
            "device": "CPU",
        },
        "corpus": {"name": "notes", "fingerprint": "f7f2", "licence": "CC0 1.0", "train": 2700, "held_out": 300},
        "embedding": {"name": "classifier", "digest": "c13d", "size": 64},
        "samples": 1000,
        "seed": 0,
        "measures": list(measures)
        or [
            measure("frechet_distance", 0.5, explanation="Distance of two Gaussians."),
            measure("class_accuracy", 0.97, family="labels", better="higher"),
            measure("pitch_error", None, family="pitch", reason="the corpus has no pitches", floors=[]),
        ],
        "classes": {
            "names": list(FAMILIES),
            "accuracy": [1.0, 0.9, 0.75],
            "confusion": [[100, 0, 0], [0, 90, 10], [20, 5, 75]],
        },
        "warnings": ["Samples copy training clips: 3 of 1000."],
        "machine": {"system": "Linux", "cpu": "a processor", "cores": 2, "device": "CPU"},
        "versions": {"latentone": "0.1.0", "python": "3.11.7"},
        "date": "2026-11-24T22:10:00Z",
        "seconds": {"sampling": 41.2, "embedding": 12.5, "measures": 3.25},
        "command": "python -m trainer evaluate runs/notes-1",
    } | changes


def history(steps: int = 3_000, *, level: float = 1.0) -> list[dict[str, float]]:
    """Training signals every ten steps; penalties and previews come less often."""
    random = np.random.default_rng(0)
    rows = []
    for step in range(0, steps, 10):
        row = {
            "step": step,
            "critic_loss": level + float(random.normal(0.0, 0.1)),
            "generator_loss": 1.5 * level + float(random.normal(0.0, 0.2)),
            "real_sign": 0.4,
            "real_above_fake": 0.7,
            "critic_gradient": 2.0,
            "generator_gradient": 0.5,
            "deviation_ratio": 0.9,
            "augmentation": step / steps,
        }
        if step % 160 == 0:
            row["penalty"] = 0.1
        if step % 500 == 0:
            row |= {"distance": 4.0 / (1 + step / 500), "distance_floor": 0.4, "class_diversity": 0.8, "copying": 0.02}
        rows.append(row)
    return rows


ACCOUNT: dict[str, Any] = {
    "recordings": 3011,
    "kept": 3002,
    "clips": 3002,
    "silent_clips": 2,
    "labels": {family: {"train": 900, "held_out": 100} for family in FAMILIES},
    "left_out": [{"name": f"{index}.wav", "reason": "unreadable", "detail": "truncated"} for index in range(8)]
    + [{"name": "quiet.wav", "reason": "silent", "detail": ""}],
    "notes": ["The corpus' own split was used."],
    "reasons": {"unreadable": 8, "silent": 1},
}


def subject(name: str = "runs/notes-1", *, pitch: int = 60, **changes: Any) -> Subject:
    """A subject with every part."""
    parts: dict[str, Any] = {
        "document": document(),
        "generated": tuple(clip(family, pitch) for family in FAMILIES),
        "real": tuple(clip(family, 57) for family in FAMILIES),
        "nearest": ((clip("additive", pitch), clip("additive", 59)),),
        "history": history(),
        "configuration": {"recipe": "quickstart", "game": {"r1_weight": 0.2, "widths": (8, 8), "patience": None}},
        "account": ACCOUNT,
    }
    return Subject(name=name, **(parts | changes))
