"""Griffin-Lim for mel spectrograms of any definition: a SavedModel without weights, for the service to call.

`make griffin-lim` writes the one that the service carries.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

from trainer.export import saved_model
from trainer.inversion import consistent, nearest_power, pulse

MEL_STEPS = 20
FAINT = 1e-10  # of the largest eigenvalue: what lies below has no inverse
SILENT = 1e-8  # a sum of squared windows below it holds no sound

INPUTS = (
    tf.TensorSpec([None, None, None], tf.float32, "features"),
    tf.TensorSpec([None, None], tf.float32, "filters"),
    tf.TensorSpec([None], tf.float32, "window"),
    tf.TensorSpec([], tf.float32, "power"),
    tf.TensorSpec([], tf.int32, "hop"),
    tf.TensorSpec([], tf.int32, "iterations"),
)


def decode_any(**given: Any) -> dict[str, Any]:
    """Decode linear mel of any definition; items one after another, so that memory does not grow with the batch.

    given: features [B, T, M], mel of magnitudes to the `power`; filters [M, F]; window [n_fft], n_fft even and the
    window at least two hops wide; power, hop, iterations: one number each.
    Returns: waveform [B, T * hop], not clipped.
    """
    window, hop = given["window"], given["hop"]
    norms = tf.norm(given["filters"], axis=1)
    norms = tf.where(norms > 0.0, norms, 1.0)  # a band without a bin says nothing
    filters = given["filters"] / norms[:, None]
    inverse, step = _inverse(filters)
    bins = tf.range(tf.shape(filters)[1], dtype=tf.float32)

    def decode(item: Any) -> Any:
        magnitude = tf.pow(nearest_power(item / norms, filters, inverse, step, MEL_STEPS), 1.0 / given["power"])
        weight = _weight(tf.shape(item)[0], window, hop)
        found = consistent(
            magnitude,
            pulse(magnitude, bins),
            lambda spectrum: _stft(_istft(spectrum, window, hop, weight), window, hop),
            iterations=given["iterations"],
        )
        return _istft(found, window, hop, weight)

    return {"waveform": tf.map_fn(decode, given["features"], parallel_iterations=1, fn_output_signature=tf.float32)}


def save(folder: Path) -> None:
    """Write the SavedModel, with `decode_any` for its signature."""
    module = tf.Module()
    decode = tf.function(decode_any).get_concrete_function(**{spec.name: spec for spec in INPUTS})
    saved_model.write(module, folder, {"decode_any": decode})


def _inverse(filters: Any) -> tuple[Any, Any]:
    """Return the transposed pseudo-inverse of filters [M, F], and 1 / the largest eigenvalue of filters . filters^T."""
    precise = tf.cast(filters, tf.float64)
    values, vectors = tf.linalg.eigh(precise @ tf.transpose(precise))
    kept = tf.where(values > FAINT * values[-1], 1.0 / values, 0.0)
    inverse = (vectors * kept) @ tf.transpose(vectors) @ precise
    return tf.cast(inverse, tf.float32), tf.cast(1.0 / values[-1], tf.float32)


def _stft(waveform: Any, window: Any, hop: Any) -> tuple[Any, Any]:
    """As `trainer.stft.stft`, but hop and window are tensors and need not divide."""
    edge = _edge(window, hop)
    padded = tf.pad(waveform, [[edge, tf.shape(window)[0] - hop - edge]])
    spectrum = tf.signal.rfft(tf.signal.frame(padded, tf.shape(window)[0], hop) * window)
    return tf.math.real(spectrum), tf.math.imag(spectrum)


def _istft(spectrum: tuple[Any, Any], window: Any, hop: Any, weight: Any) -> Any:
    """As `trainer.stft.istft`. weight: of `_weight`."""
    frames = tf.signal.irfft(tf.complex(*spectrum), [tf.shape(window)[0]]) * window
    return _added(frames, window, hop) * weight


def _weight(frames: Any, window: Any, hop: Any) -> Any:
    """Return the reciprocal of the sum of the squared windows of so many frames, [T * hop]."""
    total = _added(tf.tile(tf.square(window)[None], [frames, 1]), window, hop)
    return tf.where(total > SILENT, 1.0 / total, 0.0)


def _added(frames: Any, window: Any, hop: Any) -> Any:
    """Sum frames [T, n_fft] placed a hop apart, without the padding: [T * hop]."""
    edge = _edge(window, hop)
    return tf.signal.overlap_and_add(frames, hop)[edge : edge + tf.shape(frames)[0] * hop]


def _edge(window: Any, hop: Any) -> Any:
    return (tf.shape(window)[0] - hop) // 2


if __name__ == "__main__":
    save(Path(sys.argv[1]))
