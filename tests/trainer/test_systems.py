"""Every system trains, on both backends alike, is exported under the one contract, and resumes where it stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from service.contract import read_contract, verify_files
from tests.trainer import systems, tiny
from tests.trainer.backends import on_both
from tests.trainer.plays import latent_games
from trainer import players
from trainer.autodiff import to_floats
from trainer.corpus import PreparedCorpus, find_source, prepare
from trainer.errors import LatentoneError, SpecError
from trainer.export.publish import export
from trainer.sampler import open_sampler

ROOT = Path(__file__).parents[2]
# One of each architecture; among them are every penalty, batch normalisation, dropout, clipping, growth, an encoder.
ON_BOTH = ("melspec", "wavegan_norm", "specgan_small", "gansynth", "report_conditional")


class Quiet:
    def scores(self, step: int, scores: dict[str, float], left: float) -> None: ...

    def preview(self, step: int) -> None: ...


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    return systems.notes_by_pitch(tmp_path_factory.mktemp("corpora"))


@pytest.mark.timeout(900)  # JAX is slow to compile on a CPU
def test_both_backends_play_the_same_games(prepared: PreparedCorpus, tmp_path: Path) -> None:
    begun = [tiny.run(tmp_path / name, prepared, systems.SYSTEMS[name]) for name in ON_BOTH]
    found = on_both(latent_games, prepared.folder, *(run.folder for run in begun))
    tensorflow, jax = found["tensorflow"], found["jax"]
    assert tensorflow.keys() == jax.keys() == {*ON_BOTH, "encoding"}
    for name in tensorflow:
        for key, value in tensorflow[name][0].items():
            other = jax[name][0][key]
            # The generator plays against a critic after one step of Adam, which makes much of the last bits.
            tolerance = 5e-2 if key.startswith("generator") else 2e-3
            assert np.isclose(value, other, rtol=tolerance, atol=2e-3), f"{name}: {key} is {value} and {other}"
        assert all(np.isfinite(list(scores.values())).all() for scores in jax[name])
        assert min(tensorflow[name][-1]["sample_moved"], jax[name][-1]["sample_moved"]) > 1e-3, "samples of old weights"


@pytest.mark.parametrize("name", systems.SYSTEMS)
def test_a_system_is_trained_exported_and_played(name: str, prepared: PreparedCorpus, tmp_path: Path) -> None:
    run = tiny.run(tmp_path / "run", prepared, systems.SYSTEMS[name])
    game = players.game(run, prepared)
    before = game.state()
    players.play(run, prepared, game, Quiet(), resume=False)
    for network in ("generator/", "critic/", "average/"):
        assert any(np.any(before[key] != value) for key, value in game.state().items() if key.startswith(network)), (
            f"the {network} did not move"
        )

    version = export(
        run, tmp_path / "models", name=name.replace("_", "-")
    )  # the graph equals the network, or it raises
    contract = read_contract(version)
    verify_files(contract, version)
    assert contract.architecture == run.spec.architecture.kind
    if run.spec.architecture.conditional:
        assert [float(label) for label in contract.labels] == list(contract.pitches or ())
    else:
        assert not contract.labels
    sampler = open_sampler(version)
    latents, labels = np.stack([sampler.latent(3, item) for item in range(3)]), np.arange(3, dtype="int32")
    waveforms = sampler(latents, labels)
    assert waveforms.shape == (3, 2_048)
    assert np.abs(waveforms).max() <= 1.0
    if contract.features is not None:
        signatures = tf.saved_model.load(str(version)).signatures
        features = signatures["sample"](latent=latents, **({"label": labels} if contract.labels else {}))["features"]
        assert np.array_equal(signatures["decode"](features=features)["waveform"].numpy(), waveforms)
        assert signatures["analyse"](waveform=tf.constant(waveforms))["features"].shape == features.shape


def test_a_grown_network_resumes_within_a_fade(prepared: PreparedCorpus, tmp_path: Path) -> None:
    spec = systems.SYSTEMS["gansynth"]
    levels = []

    class Noting(Quiet):
        def scores(self, step: int, scores: dict[str, float], left: float) -> None:
            levels.append((scores["level"], round(scores["fade"], 3)))

    def trained(folder: str, *budgets: int) -> dict[str, np.ndarray]:
        run = tiny.run(tmp_path / folder, prepared, spec.replace(loop=spec.loop.replace(steps=budgets[0])))
        for index, steps in enumerate(budgets):
            run = run.with_budget({"steps": steps})
            game = players.game(run, prepared)
            players.play(run, prepared, game, Noting(), resume=index > 0)
        return game.state()

    straight, stages = trained("straight", 8), sorted(set(levels))
    assert {level for level, _ in stages} == {0.0, 1.0, 2.0}, "it did not grow through all its levels"
    assert any(0.0 < fade < 1.0 for _, fade in stages)
    resumed = trained("resumed", 5, 8)  # after 20 clips, in the middle of the last fade
    for name, values in straight.items():
        assert np.array_equal(values, resumed[name]), name


def test_gansynth_plays_nsynth_and_is_exported_as_it_stands_while_it_grows(tmp_path: Path) -> None:
    prepared, spec = systems.nsynth_by_pitch(tmp_path / "corpora"), systems.SYSTEMS["gansynth"]
    run = tiny.run(tmp_path / "run", prepared, spec.replace(loop=spec.loop.replace(steps=2)))
    game = players.game(run, prepared)
    players.play(run, prepared, game, Quiet(), resume=False)
    grown = players.trained_generator(run).grown
    assert grown is not None
    assert (grown.level, grown.fade) == (1, 0.5)
    latents, labels = np.zeros((2, 8), "float32"), np.zeros(2, "int32")
    sampled = np.asarray(game.sample(2, latents, labels))
    network = players.trained_generator(run)
    assert np.allclose(np.asarray(network(latents, labels)), sampled, atol=1e-5)
    version = export(run, tmp_path / "models", name="growing")
    assert_it_plays_a_tune(version, tmp_path / "tune.wav")


def assert_it_plays_a_tune(version: Path, file: Path) -> None:
    """The service's own command, with the golden tune: pitches came through contract and service."""
    tune = ROOT / "tests" / "golden" / "tune.mid"
    done = subprocess.run(
        [sys.executable, "-m", "service", "render", str(version), str(tune), "-o", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    samples, rate = soundfile.read(file)
    assert rate == 8_000
    assert 0.0 < np.abs(samples).max() <= 1.0


def test_a_network_for_pitches_says_which_labels_it_wants(tmp_path: Path) -> None:
    families = tiny.corpus(tmp_path / "corpora")
    with pytest.raises(LatentoneError, match="--option label=pitch"):
        tiny.run(tmp_path / "run", families, systems.SYSTEMS["gansynth"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "clip_samples", "says"),
    [
        ("melspec", 2_176, "The nearest is 16 x 16"),
        ("wavegan", 3_000, "set clip_samples to 2048 or 4096"),
        ("specgan", 2_176, "The nearest is 16 x 128"),
        ("gansynth", 2_176, "The nearest is 18 x 8"),
    ],
)
def test_a_length_that_does_not_fit_is_answered_with_one_that_does(
    name: str, clip_samples: int, says: str, tmp_path: Path
) -> None:
    audio = tiny.SPEC.audio.replace(clip_samples=clip_samples)
    source = find_source("notes", {"count": 30, "seconds": 0.3, "label": "pitch"})
    corpus = prepare(source, audio, tiny.SPEC.preparation, tmp_path / "corpora", workers=1, progress=False)
    with pytest.raises(SpecError, match=says):
        tiny.run(tmp_path / "run", corpus, systems.SYSTEMS[name])
    assert not (tmp_path / "run").exists()


def test_labels_of_one_kind_are_no_condition(tmp_path: Path) -> None:
    corpus = tiny.corpus(tmp_path / "corpora")
    corpus.label_names, corpus.labels = ("only",), np.zeros_like(corpus.labels)
    run = tiny.run(tmp_path / "run", corpus)
    assert run.label_names == ()
    game = players.game(run, corpus)
    assert np.isfinite(list(to_floats(game.step(0)).values())).all()
