"""Our decoder and librosa's on the same sounds in turn, in a process whose threads are counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.child import serve
from bench.sampling import rounds
from bench.sound_errors import sound_errors
from bench.sounds import Material, notes, recordings

if TYPE_CHECKING:
    from trainer.representations.log_mel import LogMel

RIVAL = "librosa"
RIVAL_ITERATIONS = 32
Decode = Callable[[], np.ndarray]


def answer(threads: int, seconds: float, settings: list[tuple[int, int]], sounds: str | None) -> list[dict[str, Any]]:
    """Measure every material. threads: TensorFlow's, 0 for one a core."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    materials = [notes()] + ([recordings(Path(sounds))] if sounds else [])
    return [_compare(material, seconds / len(materials), settings) for material in materials]


def _compare(material: Material, seconds: float, settings: list[tuple[int, int]]) -> dict[str, Any]:
    """Time one sound after the other, all decoders on each before the next."""
    contenders = {RIVAL: _rivals(material)}
    contenders |= {f"{steps} + {iterations}": _own(material, steps, iterations) for steps, iterations in settings}
    errors = {name: _errors(material, decodes) for name, decodes in contenders.items()}  # compiles, too
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in rounds(seconds, at_least=2):
        total = dict.fromkeys(contenders, 0.0)
        for index in range(len(material.waveforms)):
            for name, decodes in contenders.items():
                start = time.perf_counter()
                decodes[index]()
                total[name] += time.perf_counter() - start
        for name, spent in total.items():
            taken[name].append(spent / len(material.waveforms))
    clip_seconds = material.waveforms.shape[1] / material.rate_hz
    return {"material": material.name, "clip_seconds": clip_seconds, "errors": errors, "seconds_a_clip": taken}


def _errors(material: Material, decodes: list[Decode]) -> list[float]:
    pairs = zip(material.waveforms, decodes, strict=True)
    each = [sound_errors(wanted, decode(), material.rate_hz) for wanted, decode in pairs]
    return [float(error) for error in np.mean(each, axis=0)]


def _rivals(material: Material) -> list[Decode]:
    """librosa, given the very mel power that our features hold."""
    import librosa

    grid = {"sr": material.rate_hz, "n_fft": material.n_fft, "hop_length": material.hop}
    log_mel = _log_mel(material, steps=0, iterations=0)
    edge = (material.n_fft - material.hop) // 2  # our frames stand on whole hops; librosa's begin at the first sample

    def decoder(waveform: np.ndarray) -> Decode:
        mel = np.asarray(log_mel.power(log_mel.encode(waveform[None])))[0].T

        def decode() -> np.ndarray:
            sound = librosa.feature.inverse.mel_to_audio(mel, n_iter=RIVAL_ITERATIONS, center=False, **grid)
            return np.asarray(sound[edge : edge + len(waveform)])

        return decode

    return [decoder(waveform) for waveform in material.waveforms]


def _own(material: Material, steps: int, iterations: int) -> list[Decode]:
    import tensorflow as tf

    from trainer.autodiff import compiled

    log_mel = _log_mel(material, steps, iterations)
    decode = compiled(log_mel.decode)

    def decoder(waveform: np.ndarray) -> Decode:
        features = tf.constant(np.asarray(log_mel.encode(waveform[None])))
        return lambda: np.asarray(decode(features))[0]

    return [decoder(waveform) for waveform in material.waveforms]


def _log_mel(material: Material, steps: int, iterations: int) -> LogMel:
    from trainer.representations.log_mel import LogMel, fit_db_max
    from trainer.specs.audio import AudioSpec
    from trainer.specs.representations import LogMelSpec

    audio = AudioSpec(sample_rate_hz=material.rate_hz, clip_samples=material.waveforms.shape[1])
    spec = LogMelSpec(
        n_fft=material.n_fft,
        hop_samples=material.hop,
        n_mels=material.n_mels,
        inversion_steps=steps,
        griffin_lim_iterations=iterations,
    )
    return LogMel(fit_db_max(spec, audio, material.waveforms), audio)


if __name__ == "__main__":
    serve(answer)
