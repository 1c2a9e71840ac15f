"""The way back from sound to latent: it learns, resumes, is exported with its generator, and is scored."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from service.contract import read_contract, verify_files
from tests.trainer import systems, tiny
from trainer import checkpoint, encoders, loop, players
from trainer.autodiff import to_floats
from trainer.corpus import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.export.publish import export
from trainer.run import Run
from trainer.specs.run import LoopSpec

ONE_STEP = 1e-9  # minutes


def nobody(_text: str) -> None: ...


def trained(folder: Path, prepared: PreparedCorpus, name: str = "melspec") -> Run:
    """A run whose generator has the weights that it began with, saved as those of step 8."""
    run = tiny.run(folder, prepared, systems.SYSTEMS[name])
    weights = players.generator(run).get_weights()
    state = {f"average/{index:03d}": values for index, values in enumerate(weights)}
    checkpoint.save(run.folder, state, step=8, seconds=1.0, best=1.0, stale=0)
    return run


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    return systems.notes_by_pitch(tmp_path_factory.mktemp("corpora"))


@pytest.mark.parametrize("name", ["melspec", "wavegan_small", "specgan", "gansynth", "report"])
def test_every_architecture_has_a_way_back_that_is_exported(
    name: str, prepared: PreparedCorpus, tmp_path: Path
) -> None:
    run = trained(tmp_path / "run", prepared, name)
    outcome = encoders.play(run, prepared, nobody, minutes=ONE_STEP)
    assert outcome.step == 1
    version = export(
        run, tmp_path / "models", name=name.replace("_", "-")
    )  # the graph equals the network, or it raises
    contract = read_contract(version)
    verify_files(contract, version)
    assert "vary" in contract.operations
    assert contract.latent is not None
    signatures = tf.saved_model.load(str(version)).signatures
    clips = tf.constant(prepared.waveforms(prepared.train[:3]))
    latents = signatures["encode"](waveform=clips)["latent"].numpy()
    assert latents.shape == (3, contract.latent.size)
    assert np.array_equal(latents[1:2], signatures["encode"](waveform=clips[1:2])["latent"].numpy())
    if contract.latent.distribution == "normal":
        np.testing.assert_allclose(np.square(latents).mean(axis=1), 1.0, rtol=1e-3)
    assert np.abs(latents).max() > (1.0 if contract.latent.distribution == "normal" else 0.0)
    assert bool(contract.labels) == ("classify" in contract.signatures)
    if contract.labels:
        probabilities = signatures["classify"](waveform=clips)["probabilities"].numpy()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)


def test_it_learns_which_latents_and_labels_sounds_were_made_of(prepared: PreparedCorpus, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", prepared)
    game = encoders.game_of(run, prepared, players.trained_generator(run))
    scores = [to_floats(game.step(step)) for step in range(120)]
    first, last = (
        {key: np.mean([each[key] for each in part]) for key in scores[0]} for part in (scores[:10], scores[-10:])
    )
    assert last["latent_error"] < 0.9 * first["latent_error"]
    assert last["class_loss"] < 0.9 * first["class_loss"]
    assert last["distance"] < first["distance"]


def test_the_generator_rests(prepared: PreparedCorpus, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", prepared, "report")  # batch normalisation, which would follow what it sees
    generator = players.trained_generator(run)
    before = [np.copy(weights) for weights in generator.get_weights()]
    game = encoders.game_of(run, prepared, generator)
    state = game.state()
    game.step(0)
    assert all(np.array_equal(*pair) for pair in zip(before, generator.get_weights(), strict=True))
    assert any(np.any(state[name] != value) for name, value in game.state().items() if name.startswith("average/"))


class _Quiet:
    def scores(self, step: int, scores: dict[str, float], left: float) -> None: ...

    def preview(self, step: int) -> None: ...


def test_it_goes_on_where_it_stopped_and_begins_again_for_another_result(
    prepared: PreparedCorpus, tmp_path: Path
) -> None:
    run = trained(tmp_path / "run", prepared)
    first = encoders.play(run, prepared, nobody, minutes=ONE_STEP)
    again = encoders.play(run, prepared, nobody, minutes=ONE_STEP)
    assert (first.step, again.step) == (1, 1), "the time was over"
    second = encoders.play(run, prepared, nobody, minutes=again.seconds / 60.0 + ONE_STEP)
    assert second.step == 2
    straight = encoders.game_of(run, prepared, players.trained_generator(run))
    loop.run(straight, LoopSpec(steps=2, batch=run.spec.loop.batch), tmp_path / "straight", _Quiet())
    state, _ = checkpoint.load(encoders.folder_of(run))
    assert all(np.array_equal(state[name], value) for name, value in straight.state().items())

    weights, _ = checkpoint.load(run.folder)
    checkpoint.save(run.folder, weights, step=9, seconds=2.0, best=1.0, stale=0)
    generator = players.trained_generator(run)
    assert encoders.trained_encoder(run, generator) is None, "it is of step 8"
    assert encoders.play(run, prepared, nobody, minutes=ONE_STEP).step == 1
    assert encoders.trained_encoder(run, generator) is not None


def test_scores_are_kept_for_the_contract_and_the_card(tmp_path: Path) -> None:
    families = tiny.corpus(tmp_path / "corpora")
    run = trained(tmp_path / "run", families)
    outcome = encoders.play(run, families, nobody, minutes=ONE_STEP)
    kept, distance = encoders.score(run, families, outcome, nobody)
    assert 0.0 <= kept["value"] <= 1.0
    assert kept["count"] == len(families.held_out)
    assert distance["value"] > 0.0
    assert "random latent" in distance["floors"][0]["title"]
    version = export(run, tmp_path / "models", name="tiny")
    contract = json.loads((version / "assets.extra" / "contract.json").read_text())
    assert contract["encoder"]["measures"] == [kept, distance]
    assert "Class kept after encode and generate" in (version / "README.md").read_text()
    encoders.play(run, families, nobody, minutes=outcome.seconds / 60.0 + ONE_STEP)
    assert encoders.document(run)["encoder"] == {}, "these are scores of other weights"


def test_pitches_are_no_classes_to_be_kept(prepared: PreparedCorpus, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", prepared)
    kept, _ = encoders.score(run, prepared, encoders.play(run, prepared, nobody, minutes=ONE_STEP), nobody)
    assert kept["value"] is None
    assert "no classes" in kept["reason"]


def test_what_has_no_way_back_says_so(prepared: PreparedCorpus, tmp_path: Path) -> None:
    vocoder = tiny.run(tmp_path / "vocoder", prepared, systems.VOCODERS["vocos"])
    with pytest.raises(LatentoneError, match="it has no latents to find"):
        encoders.play(vocoder, prepared, nobody, minutes=ONE_STEP)
    run = trained(tmp_path / "run", prepared)
    other = dataclasses.replace(run, corpus={**run.corpus, "fingerprint": "0" * 64})
    with pytest.raises(LatentoneError, match="begun with another corpus"):
        encoders.play(other, prepared, nobody, minutes=ONE_STEP)
    fresh = tiny.run(tmp_path / "fresh", prepared)
    with pytest.raises(LatentoneError, match="nothing was trained"):
        encoders.play(fresh, prepared, nobody, minutes=ONE_STEP)
