"""What any server of this model must do at least: `python -m bench.bare_load models/<name>/<version>`.

Imports TensorFlow, loads the SavedModel, computes one clip, says "ready" and waits for the end of its input.
"""

import json
import sys
from pathlib import Path

import tensorflow as tf

folder = Path(sys.argv[1])
contract = json.loads((folder / "assets.extra" / "contract.json").read_text())
loaded = tf.saved_model.load(str(folder))
inputs = {"latent": tf.zeros([1, contract["latent"]["size"]])}
if contract["labels"]:
    inputs["label"] = tf.zeros([1], tf.int32)
loaded.signatures["generate"](**inputs)["waveform"].numpy()
print("ready", flush=True)
sys.stdin.read()
