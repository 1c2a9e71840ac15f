"""The report's earlier form: a generator whose latent is joined with a spectrogram, to vary a given sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from service.contract import read_contract
from tests.trainer import systems, tiny
from trainer import checkpoint, encoders, players, recipes
from trainer.__main__ import main
from trainer.autodiff import to_floats
from trainer.corpus import PreparedCorpus
from trainer.errors import SpecError
from trainer.export.publish import export
from trainer.games.latent import LatentGame
from trainer.run import Run

SPEC = systems.SYSTEMS["report_conditional"]
HALF = 8  # numbers of noise, and of code
STEPS, RESUMED = 80, 20


class Played(NamedTuple):
    """A run after STEPS steps, and what was seen on the way."""

    run: Run
    prepared: PreparedCorpus
    game: LatentGame
    errors: list[float]
    states: list[dict[str, np.ndarray]]  # after RESUMED steps, and after one more


def begun(folder: Path, prepared: PreparedCorpus) -> tuple[Run, LatentGame]:
    run = tiny.run(folder, prepared, SPEC)
    game = players.game(run, prepared)
    assert isinstance(game, LatentGame)
    return run, game


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("conditional")
    prepared = systems.notes_by_pitch(folder / "corpora")
    run, game = begun(folder / "run", prepared)
    errors, states = [], []
    for step in range(STEPS):
        if step in (RESUMED, RESUMED + 1):
            states.append(game.state())
        errors.append(to_floats(game.step(step))["reconstruction_error"])
    checkpoint.save(run.folder, game.state(), step=STEPS, seconds=1.0, best=np.inf, stale=0)
    return Played(run, prepared, game, errors, states)


def test_a_latent_is_joined_with_the_code_of_a_clip(played: Played) -> None:
    encoder, batch = played.game.generator.encoder, played.game.draws.generated(np.random.default_rng(0), 0.0)
    assert batch["latent"].shape == (4, 2 * HALF)
    assert batch["given"].shape == (2, 32, 32), "half a batch is of drawn codes"
    joined, own = encoder.joined(batch["latent"][2:], batch["given"]), np.asarray(encoder(batch["given"])[0])
    assert np.array_equal(joined[:, :HALF], batch["latent"][2:, :HALF])
    assert np.array_equal(own[:, :HALF], np.ones((2, HALF)))
    np.testing.assert_allclose(joined[:, HALF:], own[:, HALF:], atol=1e-6)
    np.testing.assert_allclose(np.square(own[:, HALF:]).mean(axis=1), 1.0, rtol=1e-3)


def test_it_learns_to_make_the_like_of_a_given_sound(played: Played) -> None:
    assert np.mean(played.errors[-10:]) < 0.8 * np.mean(played.errors[:10])
    generator = played.game.generator
    real = played.game.draws.real_batch(np.random.default_rng(1), 32)[0]
    latent = np.asarray(generator.encoder(real)[0])
    own, other = (np.abs(np.asarray(generator(each)) - real).mean() for each in (latent, latent[::-1]))
    assert own < 0.8 * other, "it makes one sound of all"


def test_a_resumed_run_equals_a_straight_one(played: Played, tmp_path: Path) -> None:
    _, game = begun(tmp_path / "run", played.prepared)
    before, after = played.states
    game.restore(before)
    game.step(RESUMED)
    assert all(np.array_equal(after[name], value) for name, value in game.state().items())


def test_it_is_exported_with_its_encoder_and_scored_by_encode(
    played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = export(played.run, tmp_path, name="tiny")  # the graph equals the network, or it raises
    contract = read_contract(version)
    assert "vary" in contract.operations
    assert contract.latent is not None
    assert contract.latent.size == 2 * HALF
    clips = played.prepared.waveforms(played.prepared.train[:3])
    latents = tf.saved_model.load(str(version)).signatures["encode"](waveform=tf.constant(clips))["latent"].numpy()
    features = players.representation(played.run).encode(clips)
    np.testing.assert_allclose(latents, players.trained_generator(played.run).encoder(features)[0], atol=1e-4)
    assert encoders.facts_of(played.run) == {}

    assert main(["encode", str(played.run.folder), "--corpus", str(played.prepared.folder)]) == 0
    assert "nothing to train" in capsys.readouterr().out
    version = export(played.run, tmp_path, name="tiny")
    written = json.loads((version / "assets.extra" / "contract.json").read_text())["encoder"]
    assert [measure["name"] for measure in written["measures"]] == ["class_kept", "encoding_distance"]
    assert "trained with it" in (version / "README.md").read_text()
    state, _ = checkpoint.load(played.run.folder)
    checkpoint.save(played.run.folder, state, step=STEPS + 1, seconds=1.0, best=np.inf, stale=0)
    assert encoders.facts_of(played.run) == {}, "these are scores of other weights"


def test_an_encoder_and_what_trains_it_go_together() -> None:
    spec = recipes.find("report_conditional")
    plain = spec.architecture.replace(has_encoder=False)
    with pytest.raises(SpecError, match="both or neither"):
        spec.replace(architecture=plain)
    with pytest.raises(SpecError, match="both or neither"):
        spec.replace(game=recipes.find("report").game)
    with pytest.raises(SpecError, match="no second half"):
        spec.architecture.replace(latent_size=255)
    with pytest.raises(SpecError, match="no uniform ones"):
        spec.architecture.replace(latent_distribution="uniform")
