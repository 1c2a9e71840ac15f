"""Who takes part in a run: representation, networks and game, made from what its folder says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from trainer import checkpoint, loop, recipes
from trainer.architectures.networks import Generator
from trainer.architectures.registry import growing_of, make_critic, make_generator, make_vocoder, make_wave_critics
from trainer.architectures.vocoder import Mel, Vocoder
from trainer.augment import PictureAugmentation
from trainer.augment_sound import SoundAugmentation
from trainer.autodiff import BACKEND, compiled, devices
from trainer.corpus.store import PreparedCorpus
from trainer.draws import Augmentation, RealBatch
from trainer.errors import LatentoneError
from trainer.evaluation.pitch import pitch_of_labels
from trainer.features_of import FeaturesOf
from trainer.games.inversion import InversionGame
from trainer.games.latent import LatentGame
from trainer.representations import registry
from trainer.representations.representation import Representation
from trainer.run import Run
from trainer.segments import Segments, check_segment
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import MelSpec
from trainer.specs.run import RunSpec
from trainer.specs.spec import differences
from trainer.specs.vocoders import AnyVocoderSpec
from trainer.versions import versions

Floats = NDArray[np.float32]
FITTING_CLIPS = 512
STANDARD_CLIPS = 64  # from which mean and deviation of the features are taken


def begin(folder: Path, spec: RunSpec, corpus: PreparedCorpus, features_of: FeaturesOf | None = None) -> Run:
    """Resolve what the corpus decides and write run.json into a folder that must be new.

    features_of: whose features the recipe was given, where they are not its own.
    Raises: LatentoneError where the folder is there already, or specification and corpus do not fit.
    """
    if folder.exists():
        raise LatentoneError(f"{folder} is there already: resume it with --resume {folder}, or choose another --run")
    if len(corpus.train) == 0:
        raise LatentoneError(f"corpus {corpus.name} has no clips to train on: lower held_out_fraction")
    recipe = recipes.find(spec.recipe)
    if features_of is not None:
        features_of.check_rate(corpus.audio)
        recipe = features_of.given_to(recipe)
    clips = fitting_clips(corpus)
    fitted = registry.fit(spec.representation, corpus.audio, clips)
    mean, deviation = _standard(registry.make(fitted, corpus.audio), clips)
    conditional = spec.architecture.conditional and len(corpus.label_names) >= 2  # one label says nothing
    pitches = _pitches(corpus) if conditional else None
    if spec.architecture.conditional and spec.architecture.wants_pitches and pitches is None:
        raise LatentoneError(
            f"{spec.architecture.kind} is told pitches, and the labels of corpus {corpus.name} stand for none, or for "
            "one alone: prepare it with --option label=pitch, or train without: --set architecture.conditional=False"
        )
    spec = spec.replace(audio=corpus.audio, preparation=corpus.preparation)
    run = Run(
        folder=folder,
        spec=spec.replace(representation=fitted),
        changes=differences(recipe, spec),
        features_of=features_of.place if features_of else None,
        label_names=tuple(corpus.label_names) if conditional else (),
        label_pitches=pitches,
        feature_mean=mean,
        feature_deviation=deviation,
        corpus={
            "path": os.path.relpath(corpus.folder),
            "name": corpus.name,
            "licence": corpus.licence,
            "options": corpus.options,
            "fingerprint": corpus.fingerprint,
            "clips": len(corpus.train),
            "held_out_clips": len(corpus.held_out),
        },
        backend=BACKEND,
        device=devices()[0],
        made_with=versions(),
    )
    network(run)  # what does not fit says so before a folder appears
    run.write()
    return run


def fitting_clips(corpus: PreparedCorpus) -> np.ndarray:
    """Training clips [at most 512, S], evenly taken, from which constants of the corpus are fitted."""
    every = max(1, len(corpus.train) // FITTING_CLIPS)
    return corpus.waveforms(corpus.train[::every][:FITTING_CLIPS])


def _standard(bridge: Representation, clips: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the features of clips, one number for each of the channels that `silence` has."""
    features = np.asarray(bridge.encode(clips[:: max(1, len(clips) // STANDARD_CLIPS)][:STANDARD_CLIPS]))
    flat = features.reshape(-1, len(bridge.silence))
    mean, deviation = flat.mean(axis=0, dtype="float64"), flat.std(axis=0, dtype="float64")
    return tuple(float(value) for value in mean), tuple(max(float(value), 1e-4) for value in deviation)


def _pitches(corpus: PreparedCorpus) -> tuple[float, ...] | None:
    found = pitch_of_labels(corpus.label_names, corpus.labels, corpus.pitches)
    return None if found is None else tuple(float(pitch) for pitch in found)


def representation(run: Run) -> Representation:
    """The bridge between sound and tensors of a run."""
    return registry.make(run.spec.representation, run.spec.audio)


def network(run: Run) -> Generator | Vocoder:
    """What is trained, with fresh weights."""
    return vocoder(run) if run.spec.is_vocoder else generator(run)


def generator(run: Run) -> Generator:
    """A generator with fresh weights."""
    return make_generator(run.spec.generator.architecture, representation(run).shape, len(run.label_names))


def vocoder(run: Run) -> Vocoder:
    """A vocoder with fresh weights."""
    spec = run.spec.vocoder
    check_segment(spec.game, spec.mel.hop_samples, run.spec.audio.clip_samples)
    return vocoder_of(spec.architecture, spec.mel, run.spec.audio)


def vocoder_of(architecture: AnyVocoderSpec, mel: MelSpec, audio: AudioSpec) -> Vocoder:
    """A vocoder with fresh weights, for the features of a mel scale."""
    bridge = registry.make_mel(mel, audio)
    return make_vocoder(architecture, Mel(mel.n_mels, mel.n_fft, mel.hop_samples, bridge.silence[0], bridge.magnitudes))


def trained_generator(run: Run) -> Generator:
    """The averaged generator: the best by its distance to held-out clips, else as it was saved last."""
    network = generator(run)
    weights, step = checkpoint.load_result(run.folder)
    network.set_weights(weights)
    growing = growing_of(run.spec.generator.architecture, network.features_shape)
    network.grown = growing.at(step * run.spec.loop.batch) if growing else None
    return network


def trained_vocoder(run: Run) -> Vocoder:
    """The averaged vocoder, chosen likewise."""
    network = vocoder(run)
    network.set_weights(checkpoint.load_result(run.folder)[0])
    return network


def game(run: Run, corpus: PreparedCorpus) -> LatentGame | InversionGame:
    """The opponents at the table, fed from the corpus."""
    keras.utils.set_random_seed(run.spec.loop.seed)
    return _inversion_game(run, corpus) if run.spec.is_vocoder else _latent_game(run, corpus)


def _inversion_game(run: Run, corpus: PreparedCorpus) -> InversionGame:
    spec, sitting = run.spec.vocoder, run.spec.loop
    return InversionGame(
        lambda: vocoder(run),
        lambda: make_wave_critics(spec.architecture),
        Segments(corpus, compiled(representation(run).encode), spec.game),
        game=spec.game,
        batch=sitting.batch,
        seed=sitting.seed,
    )


def _latent_game(run: Run, corpus: PreparedCorpus) -> LatentGame:
    spec, bridge, sitting = run.spec.generator, representation(run), run.spec.loop
    return LatentGame(
        lambda: generator(run),
        lambda: make_critic(spec.architecture, bridge.shape, len(run.label_names)),
        real_batches(run, corpus),
        game=spec.game,
        augmentation=augmentation(run),
        adaptation=spec.augment,
        label_shares=label_shares(run, corpus),
        growing=growing_of(spec.architecture, bridge.shape),
        standard=standard(run) if spec.game.standardise else None,
        batch=sitting.batch,
        seed=sitting.seed,
    )


def real_batches(run: Run, corpus: PreparedCorpus) -> RealBatch:
    """Draws training clips' features and labels."""
    encode = compiled(representation(run).encode)

    def real_batch(rng: np.random.Generator, count: int) -> tuple[Any, np.ndarray]:
        chosen = corpus.train[rng.integers(0, len(corpus.train), count)]
        return encode(corpus.waveforms(chosen)), np.maximum(corpus.labels[chosen], 0)

    return real_batch


def augmentation(run: Run) -> Augmentation:
    """Of a generator's run."""
    spec, bridge = run.spec.generator.augment, representation(run)
    is_sound = bridge.describe() is None
    return (
        SoundAugmentation(spec, bridge.shape) if is_sound else PictureAugmentation(spec, bridge.shape, bridge.silence)
    )


def standard(run: Run) -> tuple[Floats, Floats]:
    """Mean and deviation of the training clips' features."""
    return np.array(run.feature_mean, np.float32), np.array(run.feature_deviation, np.float32)


def label_shares(run: Run, corpus: PreparedCorpus) -> NDArray[np.float64] | None:
    """How often each label stands among the training clips; None where the model is not told labels."""
    if not run.label_names:
        return None
    labels = corpus.labels[corpus.train]
    counts = np.bincount(labels[labels >= 0], minlength=len(corpus.label_names))
    return np.asarray(counts / counts.sum())


def play(run: Run, corpus: PreparedCorpus, players: loop.Game, watcher: loop.Watcher, *, resume: bool) -> loop.Outcome:
    """Train until a budget ends.

    Raises: LatentoneError where the corpus is not the one that the run began with.
    """
    check_corpus(run, corpus)
    return loop.run(players, run.spec.loop, run.folder, watcher, resume=resume)


def check_corpus(run: Run, corpus: PreparedCorpus) -> None:
    """Raise LatentoneError where the corpus is not the one that the run began with."""
    if corpus.fingerprint != run.corpus["fingerprint"]:
        raise LatentoneError(
            f"run {run.folder} was begun with another corpus ({run.corpus['name']}, fingerprint "
            f"{run.corpus['fingerprint'][:12]}); this one is {corpus.fingerprint[:12]}. Begin a new run"
        )
