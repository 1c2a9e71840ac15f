"""The encoder of a run: what takes part in its training, and what is left of it in RUN/encoder/."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from trainer import checkpoint, loop, players
from trainer.architectures.encoder import Encoder
from trainer.architectures.networks import Generator
from trainer.architectures.registry import make_encoder
from trainer.autodiff import compiled
from trainer.corpus.store import PreparedCorpus
from trainer.draws import Draws
from trainer.errors import LatentoneError
from trainer.evaluation import encoding
from trainer.evaluation.scores import Entry
from trainer.files import write_json
from trainer.games.encoding import EncodingGame
from trainer.run import Run
from trainer.sampler import open_sampler
from trainer.specs.run import LoopSpec

DOCUMENT = "encoder.json"  # step: of the generator's result. encoder: what a contract says, empty until it is scored
PREVIEW_SECONDS = 30.0
SEED = 0  # of the random latents that scores are compared with
HEARD = 128  # held-out clips, by which the best result is chosen


def folder_of(run: Run) -> Path:
    """Where a run's encoder is kept."""
    return run.folder / "encoder"


def play(run: Run, corpus: PreparedCorpus, say: Callable[[str], None], *, minutes: float) -> loop.Outcome:
    """Train the encoder of a run's result, or go on where that stopped, until `minutes` of training are over.

    An encoder of another result of the run is forgotten. say: told how it goes.
    Raises: LatentoneError for a vocoder, another corpus, or where nothing was trained yet.
    """
    if run.spec.is_vocoder:
        raise LatentoneError(f"{run.folder} is a vocoder: it has no latents to find; encode is for generators")
    players.check_corpus(run, corpus)
    generator, folder = players.trained_generator(run), folder_of(run)
    resume = is_of_result(run) and (folder / checkpoint.NAME).exists()
    if not resume:
        for name in (checkpoint.NAME, checkpoint.BEST):
            (folder / name).unlink(missing_ok=True)
    write_json(folder / DOCUMENT, {"step": checkpoint.load_result(run.folder)[1], "encoder": {}})
    game = game_of(run, corpus, generator)
    seed, batch = run.spec.loop.seed, run.spec.loop.batch
    sitting = LoopSpec(minutes=minutes, batch=batch, seed=seed, preview_seconds=PREVIEW_SECONDS, patience=None)
    return loop.run(game, sitting, folder, _Watch(run, corpus, game, say), resume=resume)


def score(run: Run, corpus: PreparedCorpus, outcome: loop.Outcome | None, say: Callable[[str], None]) -> list[Entry]:
    """Score the trained encoder on held-out clips, and keep the scores for the contract.

    outcome: of its training; None where it was trained with its generator. say: told of long work.
    Raises: LatentoneError for another corpus, or where nothing was trained yet.
    """
    players.check_corpus(run, corpus)
    generator, bridge = players.trained_generator(run), players.representation(run)
    network = trained_encoder(run, generator)
    assert network is not None
    found = compiled(lambda waveforms: network.found(bridge.encode(waveforms)))

    def encode(waveforms: np.ndarray) -> encoding.Found:
        latents, labels = found(waveforms)
        none = np.zeros(len(waveforms), np.int32)
        return np.asarray(latents), none if labels is None else np.asarray(labels, np.int32)

    measures = encoding.scores(encode, open_sampler(run.folder), corpus, seed=SEED, say=say)
    facts: dict[str, Any] = {"seed": SEED, "measures": measures}
    if outcome is not None:
        facts |= {"steps": checkpoint.load_result(folder_of(run))[1], "minutes": round(outcome.seconds / 60.0, 1)}
    write_json(folder_of(run) / DOCUMENT, {"step": checkpoint.load_result(run.folder)[1], "encoder": facts})
    return measures


def game_of(run: Run, corpus: PreparedCorpus, generator: Generator) -> EncodingGame:
    """The encoder at the table, fed from the corpus and the generator."""
    keras.utils.set_random_seed(run.spec.loop.seed)
    spec = run.spec.generator
    draws = Draws(
        players.real_batches(run, corpus),
        generator,
        draw_critic=lambda _count, _rng: {},
        augmentation=players.augmentation(run),
        game=spec.game,
        label_shares=players.label_shares(run, corpus),
        batch=run.spec.loop.batch,
    )
    return EncodingGame(
        lambda: encoder(run, generator),
        generator,
        draws,
        probability=spec.augment.probability,
        seed=run.spec.loop.seed,
    )


def encoder(run: Run, generator: Generator) -> Encoder:
    """An encoder with fresh weights."""
    return make_encoder(run.spec.generator.architecture, generator, players.standard(run))


def trained_encoder(run: Run, generator: Generator) -> Encoder | None:
    """The averaged encoder of a run's result; None where none was trained, or of another result.

    generator: the trained one, whose own it is where it has one.
    """
    if generator.encoder is not None:
        return generator.encoder
    if not is_of_result(run) or not (folder_of(run) / checkpoint.NAME).exists():
        return None
    network = encoder(run, generator)
    network.set_weights(checkpoint.load_result(folder_of(run))[0])
    return network


def is_of_result(run: Run) -> bool:
    """Whether the encoder's folder belongs to the weights that would be exported now."""
    return document(run).get("step") == checkpoint.load_result(run.folder)[1]


def facts_of(run: Run) -> dict[str, Any]:
    """What a contract says of the encoder of a run's result; empty where that was not scored."""
    facts: dict[str, Any] = document(run)["encoder"] if is_of_result(run) else {}
    return facts


def document(run: Run) -> dict[str, Any]:
    """What encoder.json says; empty where there is none."""
    path = folder_of(run) / DOCUMENT
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


class _Watch:
    """Says how far held-out clips are from what is made of them again."""

    def __init__(self, run: Run, corpus: PreparedCorpus, game: EncodingGame, say: Callable[[str], None]) -> None:
        self._game, self._say = game, say
        pool = corpus.held_out if len(corpus.held_out) >= 2 else corpus.train
        chosen = pool[:: max(1, len(pool) // HEARD)][:HEARD]
        self._features = players.representation(run).encode(corpus.waveforms(chosen))

    def scores(self, step: int, scores: dict[str, float], left: float) -> None:
        """Nothing: the preview says what counts."""

    def preview(self, step: int) -> float | None:
        """The distance, which decides what is kept."""
        distance = self._game.distance(self._features)
        self._say(f"step {step}: distance of held-out clips from what is made of them again {distance:.3f}")
        return distance
