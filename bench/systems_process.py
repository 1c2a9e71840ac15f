"""Networks with fresh weights, exported and called as a served model is: their speed is that of trained ones."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.child import serve
from bench.sampling import rounds

PITCHES = 61  # as GANSynth's corpus has
_opened: dict[str, Any] = {}


def answer(do: str, **question: Any) -> Any:
    """`open` a recipe's networks, then `time` calls of them."""
    return open_recipe(**question) if do == "open" else time_calls(**question)


def open_recipe(recipe: str) -> dict[str, float]:
    """Export a recipe's network and load it for one thread; return its facts."""
    import tensorflow as tf

    from trainer import recipes
    from trainer.export import graph
    from trainer.representations.registry import fit, make

    if not _opened:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    spec = recipes.find(recipe)
    noise = np.random.default_rng(0).normal(0.0, 0.1, (2, spec.audio.clip_samples)).astype("float32")
    representation = make(fit(spec.representation, spec.audio, noise), spec.audio)
    exported, weights, inputs = (_vocoder if spec.is_vocoder else _generator)(spec, representation, noise)
    with tempfile.TemporaryDirectory() as folder:
        graph.save(exported, Path(folder))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        loaded = tf.saved_model.load(folder)
    _opened[recipe] = (loaded, exported.default, inputs)  # a signature does not keep its model
    time_calls(recipe, 0.0)
    seconds = spec.audio.clip_samples / spec.audio.sample_rate_hz
    return {"weights": weights, "bytes": size, "clip_seconds": seconds}


def _generator(spec: Any, representation: Any, _noise: Any) -> tuple[Any, int, dict[str, Any]]:
    """The graph, its number of weights, and the inputs of one clip."""
    import tensorflow as tf

    from trainer.architectures.registry import make_generator
    from trainer.export.graph import ExportedGenerator

    labels = PITCHES if spec.architecture.wants_pitches else 0
    generator = make_generator(spec.architecture, representation.shape, labels)
    inputs = {"latent": tf.zeros((1, generator.latent_size)), **({"label": tf.zeros(1, "int32")} if labels else {})}
    return ExportedGenerator(generator, representation), generator.count_params(), inputs


def _vocoder(spec: Any, representation: Any, noise: Any) -> tuple[Any, int, dict[str, Any]]:
    """The same."""
    from trainer import players
    from trainer.export.graph import ExportedVocoder

    vocoder = players.vocoder_of(spec.architecture, representation.spec, spec.audio)
    features = representation.encode(noise[:1])
    return ExportedVocoder(vocoder, representation), vocoder.count_params(), {"features": features}


def time_calls(recipe: str, seconds: float) -> list[float]:
    """Seconds of each call of one clip."""
    loaded, signature, inputs = _opened[recipe]
    taken = []
    for _ in rounds(seconds, at_least=1):
        start = time.perf_counter()
        loaded.signatures[signature](**inputs)["waveform"].numpy()
        taken.append(time.perf_counter() - start)
    return taken


if __name__ == "__main__":
    serve(answer)
