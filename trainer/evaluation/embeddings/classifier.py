"""An independent classifier of the corpus' labels: it judges samples, and its last layer is the embedding.

It sees waveforms through a log-mel front of its own and knows nothing of the generator. Trained once for each
prepared corpus and kept beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.layers import BatchNormalization, Conv2D, Dense, Dropout, GlobalAveragePooling2D, MaxPooling2D

from trainer.augment import PictureAugmentation
from trainer.autodiff import CompiledStep, compiled, value_and_gradients
from trainer.corpus.store import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.evaluation.front import Front, fitted_db_max, mono
from trainer.files import atomic
from trainer.objectives import class_loss
from trainer.randomness import generator_at
from trainer.specs.audio import AudioSpec
from trainer.specs.game import AugmentSpec

Tensor = Any
EMBEDDING_SIZE = 64
BATCH = 64
SMALL_CORPUS = 1_000  # clips; half the batch does for fewer
EPOCHS = 16
FEWEST_STEPS = 300  # a corpus of a few hundred clips has too few of them in 16 epochs
AUGMENTATION = AugmentSpec(probability=0.5, time_shift=10, bin_shift=2, gain=0.1, time_mask=8, bin_mask=6)
VERSION = 3  # raise it when anything here changes what is learnt


class Classifier:
    """Waveforms to embeddings and class probabilities; an embedding by the name of `labels`."""

    name = "labels"
    size = EMBEDDING_SIZE

    def __init__(self, audio: AudioSpec, db_max: float, label_count: int) -> None:
        self.front = Front(audio, db_max)
        self.audio, self.label_count, self.db_max = audio, label_count, db_max
        self.network = _network((*self.front.shape, 1), label_count)
        self._run = compiled(self._forward)

    def _forward(self, waveforms: Tensor) -> tuple[Tensor, Tensor]:
        embedding, logits = self.network(ops.expand_dims(self.front(waveforms), -1), training=False)
        return embedding, ops.softmax(logits)

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Waveforms [B, S] to embeddings [B, 64]."""
        return np.asarray(self._run(waveforms)[0])

    def probabilities(self, waveforms: np.ndarray) -> np.ndarray:
        """Waveforms [B, S] to class probabilities [B, L]."""
        return np.asarray(self._run(waveforms)[1])

    @property
    def digest(self) -> str:
        """Short name of exactly these weights."""
        hashed = hashlib.blake2b(digest_size=6)
        for weights in self.network.get_weights():
            hashed.update(np.ascontiguousarray(weights).tobytes())
        return hashed.hexdigest()

    def save(self, path: Path) -> None:
        """Keep the weights."""
        weights = {f"{index:03d}": value for index, value in enumerate(self.network.get_weights())}
        with atomic(path) as file:
            np.savez(file, db_max=self.db_max, **weights)

    @classmethod
    def load(cls, path: Path, audio: AudioSpec, label_count: int) -> Classifier:
        """Read back what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            classifier = cls(audio, float(file["db_max"]), label_count)
            classifier.network.set_weights([file[name] for name in sorted(file.files) if name != "db_max"])
        return classifier


def classifier_of(corpus: PreparedCorpus, report: Callable[[str], None] = lambda _text: None) -> Classifier:
    """The classifier of a corpus, trained now unless it was before.

    Raises: LatentoneError where there are no two labels to tell apart.
    """
    if len(corpus.label_names) < 2:
        raise LatentoneError(
            f"corpus {corpus.name} has {len(corpus.label_names)} labels: class measures need two at least"
        )
    path = corpus.folder / f"classifier-{VERSION}.npz"
    if path.exists():
        return Classifier.load(path, corpus.audio, len(corpus.label_names))
    report(f"training the classifier of {corpus.name}, once for this corpus")
    classifier = _train(corpus)
    classifier.save(path)
    return classifier


def _network(shape: tuple[int, ...], label_count: int) -> keras.Model:
    picture = x = keras.Input(shape)
    for channels in (16, 32, 64):
        x = Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = keras.activations.relu(BatchNormalization(momentum=0.9)(x))
        x = MaxPooling2D(2)(x)
    x = Conv2D(96, 3, padding="same", use_bias=False)(x)
    x = keras.activations.relu(BatchNormalization(momentum=0.9)(x))
    embedding = Dense(EMBEDDING_SIZE, activation="relu")(GlobalAveragePooling2D()(x))
    return keras.Model(picture, (embedding, Dense(label_count)(Dropout(0.3)(embedding))))


def _train(corpus: PreparedCorpus) -> Classifier:
    keras.utils.set_random_seed(1)
    classifier = Classifier(corpus.audio, fitted_db_max(corpus), len(corpus.label_names))
    network = classifier.network
    size = BATCH if len(corpus.train) >= SMALL_CORPUS else BATCH // 2
    steps = max(FEWEST_STEPS, EPOCHS * (len(corpus.train) // size))
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(network.trainable_variables)
    augmentation = PictureAugmentation(AUGMENTATION, classifier.front.shape, (-1.0,))

    def step(batch: dict[str, Any]) -> dict[str, Tensor]:
        def loss() -> tuple[Tensor, None]:
            picture = augmentation.apply(classifier.front(batch["waveform"]), batch["numbers"])
            return class_loss(network(ops.expand_dims(picture, -1), training=True)[1], batch["label"]), None

        (value, _), gradients = value_and_gradients(loss, network.trainable_variables, network.non_trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        return {"loss": value}

    run = CompiledStep(step, [*network.variables, *optimizer.variables])
    for number in range(steps):
        rng = generator_at(7, number)
        chosen = corpus.train[rng.integers(0, len(corpus.train), size)]
        numbers = augmentation.draw(AUGMENTATION.probability, size, rng)
        run({"waveform": mono(corpus.waveforms(chosen)), "label": corpus.labels[chosen], "numbers": numbers})
    return classifier
