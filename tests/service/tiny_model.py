"""A model that obeys docs/contract.md and trains in no time: `python tests/service/tiny_model.py folder`."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

RATE_HZ, FRAMES, BANDS, HOP, LATENT = 8000, 16, 16, 64, 8
LABELS = ["zero", "one", "two"]


def _spec(*shape: int | None, dtype: str = "float32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape)}


def contract(name: str, version: int) -> dict[str, Any]:
    """Return the contract, without the files."""
    latent = {"latent": _spec(None, LATENT), "label": _spec(None, dtype="int32")}
    features = {"features": _spec(None, None, BANDS)}
    return {
        "contract": 1,
        "name": name,
        "version": version,
        "kind": "generator",
        "architecture": "tiny",
        "audio": {"sample_rate_hz": RATE_HZ, "clip_samples": FRAMES * HOP, "channels": 1},
        "latent": {"size": LATENT, "distribution": "normal"},
        "labels": LABELS,
        "features": {
            "kind": "log_mel", "shape": [None, BANDS], "frames": FRAMES, "n_fft": 256, "hop_samples": HOP,
            "n_mels": BANDS, "fmin_hz": 0.0, "fmax_hz": 4000.0, "db_min": -80.0, "db_max": 20.0,
        },
        "signatures": {
            "generate": {"inputs": latent, "outputs": {"waveform": _spec(None, FRAMES * HOP)}},
            "sample": {"inputs": latent, "outputs": {"features": _spec(None, FRAMES, BANDS)}},
            "decode": {"inputs": features, "outputs": {"waveform": _spec(None, None)}},
            "analyse": {"inputs": {"waveform": _spec(None, None)}, "outputs": features},
        },
        "corpus": {}, "recipe": {}, "scores": {}, "made_with": {},
    }  # fmt: skip


def write_model(root: Path, name: str = "tiny", version: int = 1, *, slow: bool = False) -> Path:
    """Write root/name/version and return it. slow: `generate` takes a good part of a second."""
    import numpy as np
    import tensorflow as tf

    draw = np.random.default_rng(version).standard_normal
    weights = {
        key: tf.Variable(draw(shape).astype("float32") / 4)
        for key, shape in (
            ("latent", (LATENT, FRAMES * BANDS)), ("label", (len(LABELS), FRAMES * BANDS)),
            ("decode", (BANDS, HOP)), ("analyse", (HOP, BANDS)),
        )
    }  # fmt: skip
    module = tf.Module()
    module.weights = weights

    def sample(latent: Any, label: Any) -> Any:
        flat = latent @ weights["latent"] + tf.gather(weights["label"], label)
        return tf.reshape(tf.tanh(flat), [-1, FRAMES, BANDS])

    def decode(features: Any) -> Any:
        return tf.reshape(tf.tanh(features @ weights["decode"]), [tf.shape(features)[0], -1])

    def analyse(waveform: Any) -> Any:
        frames = tf.reshape(waveform, [tf.shape(waveform)[0], -1, HOP])
        return tf.tanh(frames @ weights["analyse"])

    def generate(latent: Any, label: Any) -> Any:
        waveform = tf.reshape(decode(sample(latent, label)), [-1, FRAMES * HOP])
        if slow:  # arithmetic that changes nothing, 0.3 s of it
            square = tf.ones([700, 700]) / 700.0
            burnt = tf.while_loop(lambda i, _: i < 60, lambda i, x: (i + 1, x @ square), (0, square))[1]
            waveform += 0.0 * tf.reduce_sum(burnt)
        return waveform

    described = contract(name, version)
    signatures = {}
    functions = {"generate": generate, "sample": sample, "decode": decode, "analyse": analyse}
    for key, function in functions.items():
        inputs = described["signatures"][key]["inputs"]
        (result,) = described["signatures"][key]["outputs"]
        specs = {arg: tf.TensorSpec(spec["shape"], spec["dtype"], arg) for arg, spec in inputs.items()}
        named = tf.function(lambda function=function, result=result, **given: {result: function(**given)})
        signatures[key] = named.get_concrete_function(**specs)
    signatures["serving_default"] = signatures["generate"]
    folder = root / name / str(version)
    tf.saved_model.save(module, str(folder), signatures=signatures)
    describe(folder, described)
    return folder


def describe(folder: Path, described: dict[str, Any]) -> None:
    """Write the contract, with the digests of what is in the folder."""
    place = folder / "assets.extra" / "contract.json"
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != place)
    digests = {
        str(file.relative_to(folder)): f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files
    }
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps({**described, "files": digests}, indent=1))


if __name__ == "__main__":
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    target = Path(sys.argv[1])
    write_model(target, "tiny", 1)
    write_model(target, "tiny", 2)
    write_model(target, "slow", 1, slow=True)
