"""The exported graph: networks and signal processing as signatures of one SavedModel. Runs under TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.architectures.networks import Generator
from trainer.architectures.vocoder import Vocoder
from trainer.export import saved_model
from trainer.export.loaded import LoadedGenerator
from trainer.export.waveform_encoder import WaveformEncoder
from trainer.representations.representation import Representation
from trainer.representations.vocoded import Vocoded

Signatures = dict[str, Any]  # name to concrete function


Functions = dict[str, tuple[Callable[..., Any], list[Any]]]  # and the tensors that each takes


class Exported(tf.Module):  # type: ignore[misc]
    """A network, which is folded, and its representation, as functions of named tensors; a vocoder is folded likewise.

    weights: what the functions read, each saved once. default: the signature that `serving_default` is.
    """

    default: str

    def __init__(self, network: Generator | LoadedGenerator | Vocoder, representation: Representation) -> None:
        super().__init__(name="latentone")
        network.fold()
        if isinstance(representation, Vocoded):
            representation.fold()
        self._network = _Hidden(network)
        self._representation = _Hidden(representation)
        self.signatures_of_model: Signatures = {
            name: tf.function(function, given).get_concrete_function()
            for name, (function, given) in self.functions().items()
        }
        read = (function.variables for function in self.signatures_of_model.values())
        self.weights = list({id(weight): weight for weights in read for weight in weights}.values())

    def functions(self) -> Functions:
        """What becomes a signature, by name."""
        raise NotImplementedError

    def _features(self) -> tf.TensorSpec:
        return tf.TensorSpec([None, *self._representation.value.free_shape], tf.float32, name="features")

    def _waveform(self) -> tf.TensorSpec:
        return tf.TensorSpec([None, *waveform_shape(self._representation.value)], tf.float32, name="waveform")

    def _analyse(self, waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"features": per_item(self._representation.value.encode, waveform)}


class ExportedVocoder(Exported):
    """decode is the network, analyse gives what it takes."""

    default = "decode"

    def functions(self) -> Functions:
        """Both."""
        return {"decode": (self._decode, [self._features()]), "analyse": (self._analyse, [self._waveform()])}

    def _decode(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"waveform": per_item(self._network.value, features)}


class ExportedGenerator(Exported):
    """generate is the network and then its representation; where there are features, their signatures beside.

    waveform_encoder: where an encoder was trained: encode a clip to its latent, classify it to its label.
    """

    default = "generate"

    def __init__(
        self,
        network: Generator | LoadedGenerator,
        representation: Representation,
        waveform_encoder: WaveformEncoder | None = None,
    ) -> None:
        self._waveform_encoder = _Hidden(waveform_encoder)
        super().__init__(network, representation)

    def functions(self) -> Functions:
        """Those that the representation allows."""
        generator, representation = self._network.value, self._representation.value
        latent = tf.TensorSpec([None, generator.latent_size], tf.float32, name="latent")
        label = [tf.TensorSpec([None], tf.int32, name="label")] if generator.label_count else []
        functions: Functions = {"generate": (self._generate, [latent, *label])}
        if representation.describe() is not None:
            functions |= {
                "sample": (self._sample, [latent, *label]),
                "decode": (self._decode, [self._features()]),
                "analyse": (self._analyse, [self._waveform()]),
            }
        if self._waveform_encoder.value is not None:
            audio = representation.audio
            clip = [audio.clip_samples] if audio.channels == 1 else [audio.clip_samples, audio.channels]
            waveform = tf.TensorSpec([None, *clip], tf.float32, name="waveform")
            functions["encode"] = (self._encode, [waveform])
            if generator.label_count:
                functions["classify"] = (self._classify, [waveform])
        return functions

    def _encode(self, waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"latent": per_item(self._waveform_encoder.value.latent, waveform)}

    def _classify(self, waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": per_item(self._waveform_encoder.value.probabilities, waveform)}

    def _generate(self, latent: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        network, representation = self._network.value, self._representation.value
        return {"waveform": per_item(lambda *inputs: chain(network, representation, *inputs), latent, label)}

    def _sample(self, latent: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        return {"features": per_item(self._network.value, latent, label)}

    def _decode(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"waveform": per_item(self._representation.value.decode, features)}


def chain(network: Generator | LoadedGenerator, representation: Representation, *inputs: tf.Tensor) -> tf.Tensor:
    """Decode what the network makes; the frame axis is declared as in `decode`, so that the bits are the same."""
    declared = tf.compat.v1.placeholder_with_default(network(*inputs), [None, *representation.free_shape])
    return representation.decode(declared)


def waveform_shape(representation: Representation) -> list[int | None]:
    """Shape of one waveform that `analyse` takes: of any length where `decode` takes any."""
    audio = representation.audio
    samples = None if representation.free_shape[0] is None else audio.clip_samples
    return [samples] if audio.channels == 1 else [samples, audio.channels]


def per_item(function: Callable[..., tf.Tensor], *inputs: tf.Tensor | None) -> tf.Tensor:
    """Run `function` on each item of a batch by itself, side by side where there are cores.

    Matrix products round differently at different batch sizes, and Griffin-Lim turns a difference in the last bit
    into one of a thousandth. Alone, an item has the same bits in every batch. It costs little: measured on CPUs,
    batches of 8 gain 7 % at most.
    """
    given = [tensor for tensor in inputs if tensor is not None]
    return tf.map_fn(
        lambda item: function(*[tensor[None] for tensor in item])[0], given, fn_output_signature=tf.float32
    )


class _Hidden:
    """Keeps Keras objects out of tf.Module's tracking, so that the file loads without Keras."""

    def __init__(self, value: Any) -> None:
        self.value = value


def save(exported: Exported, folder: Path) -> None:
    """Write the SavedModel."""
    signatures = exported.signatures_of_model
    saved_model.write(exported, folder, signatures | {"serving_default": signatures[exported.default]})


def describe(exported: Exported) -> dict[str, Any]:
    """Entry `signatures` of the contract: names, types and shapes of every input and output."""
    return {
        name: {
            # A model without labels has None in the label's place.
            "inputs": {spec.name: _tensor(spec) for spec in function.structured_input_signature[0] if spec is not None}
            | {key: _tensor(spec) for key, spec in function.structured_input_signature[1].items()},
            "outputs": {key: _tensor(spec) for key, spec in function.structured_outputs.items()},
        }
        for name, function in exported.signatures_of_model.items()
    }


def _tensor(spec: Any) -> dict[str, Any]:
    return {"dtype": spec.dtype.name, "shape": list(spec.shape)}


def write_warm_up(folder: Path, name: str, signature: str, inputs: dict[str, np.ndarray]) -> None:
    """Write assets.extra/tf_serving_warmup_requests: TensorFlow Serving replays it before it calls a model ready."""
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
    target = folder / "assets.extra" / "tf_serving_warmup_requests"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(target)) as writer:
        writer.write(log.SerializeToString())
