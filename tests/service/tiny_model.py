"""Models that obey docs/contract.md and train in no time: `python tests/service/tiny_model.py folder [kinds]`."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATE_HZ, FRAMES, BANDS, HOP, LATENT = 8000, 16, 16, 64, 8
LABELS = ["zero", "one", "two"]
CUT = 24  # samples by which a clip is shorter than its frames, where their number is fixed


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a model can be like."""

    labels: tuple[str, ...] = tuple(LABELS)
    pitches: tuple[float, ...] | None = None
    channels: int = 1  # of its sound
    planes: int = 1  # channels of its features
    fixed: bool = False  # whether its features have one number of frames only
    features: bool = True
    encoder: bool = False
    distribution: str = "normal"  # of its latents
    reach: tuple[int, int] | None = None  # of a vocoder: frames before and after that decide each; it makes no features

    @property
    def clip(self) -> int:
        """Samples of a clip."""
        return FRAMES * HOP - (CUT if self.fixed else 0)

    def waveform(self, samples: int | None) -> list[int | None]:
        """Return the shape of a sound."""
        return [samples] if self.channels == 1 else [samples, self.channels]

    def shape(self, frames: int | None) -> list[int | None]:
        """Return the shape of features."""
        return [frames, BANDS] if self.planes == 1 else [frames, BANDS, self.planes]


PITCHES = tuple(float(pitch) for pitch in range(48, 73) if pitch not in (50, 61))
NAMED = tuple(f"p{pitch:g}" for pitch in PITCHES)
TINY = Kind()
KINDS = {
    "notes": Kind(labels=NAMED, pitches=PITCHES),
    "wide": Kind(labels=NAMED, pitches=PITCHES, channels=2, planes=2, fixed=True),
    "raw": Kind(labels=(), features=False),
    "likes": Kind(encoder=True),
    "voice": Kind(labels=(), reach=(5, 3)),
    "causal": Kind(labels=(), reach=(6, 0)),
    "murmurs": Kind(labels=(), features=False, channels=2, encoder=True, distribution="uniform"),
}


def _spec(*shape: int | None, dtype: str = "float32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape)}


def contract(name: str, version: int, kind: Kind = TINY) -> dict[str, Any]:
    """Return the contract, without the files."""
    latent = {"latent": _spec(None, LATENT)} | ({"label": _spec(None, dtype="int32")} if kind.labels else {})
    frames, samples = (FRAMES, kind.clip) if kind.fixed else (None, None)
    features = {"features": _spec(None, *kind.shape(frames))}
    waveform = {"waveform": _spec(None, *kind.waveform(samples))}
    clip = {"waveform": _spec(None, *kind.waveform(kind.clip))}
    stage = {
        "sample": {"inputs": latent, "outputs": {"features": _spec(None, *kind.shape(FRAMES))}},
        "decode": {"inputs": features, "outputs": waveform},
        "analyse": {"inputs": waveform, "outputs": features},
    }
    if kind.reach:
        return _document(name, version, kind, {key: stage[key] for key in ("decode", "analyse")})
    back = {"encode": {"inputs": clip, "outputs": {"latent": _spec(None, LATENT)}}}
    if kind.labels:
        back["classify"] = {"inputs": clip, "outputs": {"probabilities": _spec(None, len(kind.labels))}}
    signatures = {"generate": {"inputs": latent, "outputs": clip}}
    signatures |= (stage if kind.features else {}) | (back if kind.encoder else {})
    return _document(name, version, kind, signatures)


def _document(name: str, version: int, kind: Kind, signatures: dict[str, Any]) -> dict[str, Any]:
    """Return the contract of a model with these signatures."""
    past, future = kind.reach or (0, 0)
    made = {
        "contract": 1,
        "name": name,
        "version": version,
        "kind": "vocoder" if kind.reach else "generator",
        "architecture": "tiny",
        "audio": {"sample_rate_hz": RATE_HZ, "clip_samples": kind.clip, "channels": kind.channels},
        "latent": None if kind.reach else {"size": LATENT, "distribution": kind.distribution},
        "labels": list(kind.labels),
        "features": {
            "kind": "log_mel" if kind.planes == 1 else "phase", "shape": kind.shape(FRAMES if kind.fixed else None),
            "frames": FRAMES, "n_fft": 256, "hop_samples": HOP,
            "n_mels": BANDS, "fmin_hz": 0.0, "fmax_hz": 4000.0, "db_min": -80.0, "db_max": 20.0,
        } if kind.features else None,
        "signatures": signatures,
        "corpus": {}, "recipe": {}, "scores": {}, "made_with": {},
    }  # fmt: skip
    made |= {"pitches": list(kind.pitches)} if kind.pitches else {}
    return made | ({"reach": {"past_frames": past, "future_frames": future}} if kind.reach else {})


def write_model(root: Path, name: str = "tiny", version: int = 1, *, kind: Kind = TINY, slow: bool = False) -> Path:
    """Write root/name/version and return it. slow: `generate` takes a good part of a second."""
    import numpy as np
    import tensorflow as tf

    width, block = BANDS * kind.planes, HOP * kind.channels  # numbers in a frame of features and of sound
    draw = np.random.default_rng(version).standard_normal
    weights = {
        key: tf.Variable(draw(shape).astype("float32") / 4)
        for key, shape in (
            ("latent", (LATENT, FRAMES * width)), ("label", (max(len(kind.labels), 1), FRAMES * width)),
            ("decode", ((1 + sum(kind.reach or ())) * width, block)), ("analyse", (block, width)),
            ("encode", (kind.clip * kind.channels, LATENT)),
            ("classify", (kind.clip * kind.channels, max(len(kind.labels), 1))),
        )
    }  # fmt: skip
    module = tf.Module()
    module.weights = weights

    def sample(latent: Any, label: Any = 0) -> Any:
        flat = latent @ weights["latent"] + tf.gather(weights["label"], label)
        return tf.reshape(tf.tanh(flat), [-1, *kind.shape(FRAMES)])

    def decode(features: Any) -> Any:
        frames = tf.reshape(features, [tf.shape(features)[0], -1, width])
        if kind.reach:  # each frame beside those around it, the first and the last held beyond the ends
            past, future = kind.reach
            held = tf.concat([frames[:, :1]] * past + [frames] + [frames[:, -1:]] * future, axis=1)
            count = tf.shape(frames)[1]
            frames = tf.concat([held[:, place : place + count] for place in range(past + 1 + future)], axis=-1)
        waveform = tf.reshape(tf.tanh(frames @ weights["decode"]), [tf.shape(features)[0], *kind.waveform(-1)])
        return waveform[:, : kind.clip] if kind.fixed else waveform

    def analyse(waveform: Any) -> Any:
        if kind.fixed:
            waveform = tf.pad(waveform, [[0, 0], [0, CUT], [0, 0]][: 1 + len(kind.waveform(None))])
        frames = tf.reshape(waveform, [tf.shape(waveform)[0], -1, block])
        return tf.reshape(tf.tanh(frames @ weights["analyse"]), [tf.shape(waveform)[0], *kind.shape(-1)])

    def encode(waveform: Any) -> Any:
        flat = tf.reshape(waveform, [-1, kind.clip * kind.channels])
        return tf.tanh(flat @ weights["encode"])

    def classify(waveform: Any) -> Any:
        flat = tf.reshape(waveform, [-1, kind.clip * kind.channels])
        return tf.nn.softmax(flat @ weights["classify"])

    def generate(latent: Any, label: Any = 0) -> Any:
        waveform = tf.reshape(decode(sample(latent, label)), [-1, *kind.waveform(kind.clip)])
        if slow:  # arithmetic that changes nothing, 0.3 s of it
            square = tf.ones([700, 700]) / 700.0
            burnt = tf.while_loop(lambda i, _: i < 60, lambda i, x: (i + 1, x @ square), (0, square))[1]
            waveform += 0.0 * tf.reduce_sum(burnt)
        return waveform

    functions = {
        "generate": generate, "sample": sample, "decode": decode, "analyse": analyse, "encode": encode,
        "classify": classify,
    }  # fmt: skip
    described, folder = contract(name, version, kind), root / name / str(version)
    _save(module, functions, described, folder)
    return folder


def _save(module: Any, functions: dict[str, Any], described: dict[str, Any], folder: Path) -> None:
    import tensorflow as tf

    signatures = {}
    for key, signature in described["signatures"].items():
        (result,) = signature["outputs"]
        specs = {arg: tf.TensorSpec(spec["shape"], spec["dtype"], arg) for arg, spec in signature["inputs"].items()}
        named = tf.function(lambda function=functions[key], result=result, **given: {result: function(**given)})
        signatures[key] = named.get_concrete_function(**specs)
    signatures["serving_default"] = signatures["generate" if "generate" in signatures else "decode"]
    tf.saved_model.save(module, str(folder), signatures=signatures)
    describe(folder, described)


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
    if sys.argv[2:] == ["kinds"]:
        for its_name, its_kind in KINDS.items():
            write_model(target, its_name, 1, kind=its_kind)
    else:
        write_model(target, "tiny", 1)
        write_model(target, "tiny", 2)
        write_model(target, "slow", 1, slow=True)
