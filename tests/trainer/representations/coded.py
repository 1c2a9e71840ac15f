"""One representation of each kind at work on the backend of this process: python -m ...coded GIVEN.npz ANSWER.npz."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np

from trainer.autodiff import compiled
from trainer.representations import registry
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import (
    LogMelSpec,
    LogSpectrogramSpec,
    MagnitudeMelSpec,
    PhaseSpec,
    RepresentationSpec,
    WaveformSpec,
)

AUDIO = AudioSpec(sample_rate_hz=16_000, clip_samples=4_096)
# Without Griffin-Lim, or with little of it: it enlarges the last bit of a matrix product.
MEL = LogMelSpec(n_fft=512, hop_samples=128, n_mels=40, db_max=20.0, griffin_lim_iterations=0)
PHASE = PhaseSpec(n_fft=512, hop_samples=128, level_gain=0.06, level_offset=0.0)
SPECS: dict[str, RepresentationSpec] = {
    "waveform": WaveformSpec(),
    "log_mel": MEL,
    "resized": MEL.replace(size=(40, 64)),
    "magnitude_mel": MagnitudeMelSpec(n_fft=512, hop_samples=128, n_mels=40, griffin_lim_iterations=0),
    "log_spectrogram": LogSpectrogramSpec(means=(-3.0,) * 128, deviations=(2.0,) * 128, griffin_lim_iterations=2),
    "phase": PHASE.replace(frames=40),
    "phase_sum": PHASE.replace(n_mels=128),
    "phase_power": PHASE.replace(n_mels=128, mel_frequency="power"),
}


def coded(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Features of given["given"], and the sounds of given[kind], or of these features where they are not given."""
    results = {}
    for name, spec in SPECS.items():
        made = registry.make(spec, AUDIO)
        features = np.asarray(compiled(made.encode)(given["given"]))
        results[f"{name}/features"] = features
        results[f"{name}/sound"] = np.asarray(compiled(made.decode)(given.get(name, features)))
    return results


if __name__ == "__main__":
    np.savez(sys.argv[2], **coded(dict(np.load(sys.argv[1]))))
