"""Every vocoder trains, on both backends alike, is exported under the one contract, decodes, and is scored."""

from __future__ import annotations

import functools
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf

from service.contract import Contract, read_contract, verify_files
from service.windows import Windows
from tests.service.conftest import Server
from tests.trainer import systems, tiny
from tests.trainer.backends import on_both
from tests.trainer.plays import inversion_games
from trainer import checkpoint, players
from trainer.__main__ import main
from trainer.corpus import PreparedCorpus
from trainer.decoder import open_decoder
from trainer.errors import SpecError
from trainer.export import parity
from trainer.export.publish import export, update_scores
from trainer.games.inversion import InversionGame
from trainer.run import Run, is_vocoder

ON_BOTH = ("melgan", "vocos")


class Quiet:
    def scores(self, step: int, scores: dict[str, float], left: float) -> None: ...

    def preview(self, step: int) -> None: ...


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    return tiny.corpus(tmp_path_factory.mktemp("corpora"))


class Trained(NamedTuple):
    """A run to its end, and its model, whose graph equals the network: else export raises."""

    run: Run
    game: InversionGame
    version: Path


@pytest.fixture(scope="module")
def trained(prepared: PreparedCorpus, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """Trains a vocoder when it is first asked for."""
    folder = tmp_path_factory.mktemp("trained")

    @functools.cache
    def train(name: str) -> Trained:
        keras.backend.clear_session()  # for `resumed`, below
        run = tiny.run(folder / "runs" / name, prepared, systems.VOCODERS[name])
        game = players.game(run, prepared)
        assert isinstance(game, InversionGame)
        players.play(run, prepared, game, Quiet(), resume=False)
        return Trained(run, game, export(run, folder / name, name="voice"))

    return train


def check_stream(contract: Contract, decode: Callable[..., dict[str, tf.Tensor]]) -> None:
    """Hold the service's windows, each with what the contract's reach says, to the whole."""
    reach, hop = contract.stream_reach, contract.features.hop_samples
    low, high = contract.features.known_range
    values = np.random.default_rng(0).uniform(low, high, (90, contract.features.n_mels)).astype("float32")
    values[40:48] = low  # a gate shuts and opens there
    whole = decode(features=values[np.newaxis])["waveform"].numpy()[0]
    windows = Windows(past=reach.past_frames, future=reach.future_frames, most=30)
    heard = []
    for window in [*windows.add(values), *windows.end()]:
        sound = decode(features=window.features[np.newaxis])["waveform"].numpy()[0]
        heard.append(sound[window.first * hop : (window.first + window.count) * hop])
    assert len(heard) > 2
    np.testing.assert_allclose(np.concatenate(heard), whole, atol=1e-5)


@pytest.mark.parametrize("name", systems.VOCODERS)
def test_a_vocoder_is_trained_exported_and_decodes(
    name: str, prepared: PreparedCorpus, trained: Callable[[str], Trained]
) -> None:
    run, game, version = trained(name)
    fresh = players.game(run, prepared).state()
    for network in ("generator/", "critic/", "average/"):
        assert any(np.any(fresh[key] != value) for key, value in game.state().items() if key.startswith(network)), (
            f"the {network} did not move"
        )
    contract = read_contract(version)
    verify_files(contract, version)
    assert (contract.kind, contract.operations, contract.latent) == (
        "vocoder",
        ("decode", "analyse", "decode_stream"),
        None,
    )
    assert is_vocoder(version)
    signatures = tf.saved_model.load(str(version)).signatures
    hop, bands = contract.features.hop_samples, contract.features.n_mels
    for frames in (1, 2, 33):
        sound = np.random.default_rng(frames).normal(0, 0.1, (2, frames * hop)).astype("float32")
        features = signatures["analyse"](waveform=tf.constant(sound))["features"]
        assert features.shape == (2, frames, bands)
        decoded = signatures["decode"](features=features)["waveform"].numpy()
        assert decoded.shape == sound.shape
        assert np.abs(decoded).max() <= 1.0
        alone = signatures["decode"](features=features[1:])["waveform"].numpy()
        assert np.array_equal(alone[0], decoded[1]), "an item depends on its batch"
    check_stream(contract, signatures["decode"])
    if run.spec.architecture.silence_gate:
        silent = signatures["analyse"](waveform=tf.zeros((1, 20 * hop)))["features"]
        assert not signatures["decode"](features=silent)["waveform"].numpy().any()
    assert "serving_default" in signatures


def test_weights_are_folded_and_stored_once(trained: Callable[[str], Trained]) -> None:
    run, _, version = trained("melgan")
    loaded = tf.saved_model.load(str(version))
    vocoder = players.vocoder(run)
    lengths = sum(int(np.prod(weight.shape)) for weight in vocoder.weights if weight.name == "length")
    stored = sum(int(np.prod(weight.shape)) for weight in loaded.weights)
    assert lengths > 0
    assert stored == vocoder.count_params() - lengths, "lengths are not folded, or kernels stored twice"


def test_a_resumed_run_equals_a_straight_one_bit_for_bit(
    prepared: PreparedCorpus, trained: Callable[[str], Trained], tmp_path: Path
) -> None:
    straight = checkpoint.load(trained("melgan").run.folder)[0]  # 4 steps; the critics join at step 2
    run = tiny.run(tmp_path / "halved", prepared, systems.VOCODERS["melgan"])
    for index, steps in enumerate((1, 3, 4)):
        run = run.with_budget({"steps": steps})
        keras.backend.clear_session()  # names as in a process of its own: optimisers order a graph by them
        players.play(run, prepared, players.game(run, prepared), Quiet(), resume=index > 0)
    resumed = checkpoint.load(run.folder)[0]
    assert not [name for name, values in straight.items() if not np.array_equal(values, resumed[name])]


def test_parity_notices_other_weights(trained: Callable[[str], Trained]) -> None:
    run, _, version = trained("vocos")
    vocoder = players.trained_vocoder(run)
    vocoder.set_weights([weights * 1.1 for weights in vocoder.get_weights()])
    with pytest.raises(parity.ParityError):
        parity.check_vocoder_parity(version, vocoder, players.representation(run))


def test_a_decoder_of_a_run_and_of_its_model_are_one(
    prepared: PreparedCorpus, trained: Callable[[str], Trained]
) -> None:
    for name in ("vocos", "vocos_of_log_mel"):
        run, _, version = trained(name)
        sounds = prepared.waveforms(prepared.held_out[:2])
        of_run, of_model = open_decoder(run.folder), open_decoder(version)
        features = of_run.analyse(sounds)
        assert np.abs(of_model.analyse(sounds) - features).max() < 1e-4
        assert np.abs(of_model.decode(features) - of_run.decode(features)).max() < 1e-4
        assert np.abs(of_model.griffin_lim(features) - of_run.griffin_lim(features)).max() < 1e-2


def test_the_whole_way_by_commands(
    prepared: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    changes = ("architecture.width=16", "architecture.blocks=1", "architecture.critic_scales=1", "loop.batch=2")
    changes += ("game.alone_steps=1", "representation.n_mels=16", "representation.griffin_lim_iterations=2")
    changes += ("game.segment_samples=1024",)
    small = [argument for change in changes for argument in ("--set", change)]
    corpus = ["--corpus", str(prepared.folder)]
    speaker = tiny.run(tmp_path / "runs" / "speaker", prepared)
    small += ["--features-of", str(speaker.folder)]
    trained = ["train", "--recipe", "vocos_small", "--steps", "3", "--run", "voice", "--samples", "4", *corpus]
    assert main([*trained, "--export", "models", "--name", "voice", *small]) == 0
    said = capsys.readouterr().out
    assert "/v1/decode?model=voice" in said
    assert "Griffin-Lim" in said
    run, version = tmp_path / "runs" / "voice", tmp_path / "models" / "voice" / "1"
    assert list((run / "previews").glob("*.png"))
    assert list((run / "previews").glob("*.wav"))
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert any("griffin_lim_distance" in row and row["distance"] > 0 for row in rows)
    scores = json.loads((run / "scores.json").read_text())
    measured = {score["name"]: score for score in scores["measures"]}
    assert measured["mel_error"]["floors"][0]["title"] == "Griffin-Lim of the same features"
    assert measured["real_time_factor"]["value"] > 0
    assert measured["silence_noise"]["value"] == -120.0
    assert "| Griffin-Lim |" in (version / "README.md").read_text()
    assert "melgan" not in (version / "README.md").read_text()
    assert "--features-of runs/speaker" in (version / "README.md").read_text()
    assert Run.open(run).spec.representation.db_max == speaker.spec.representation.db_max
    assert "Likeness to the real clips" in (run / "report.html").read_text()
    assert main(["evaluate", str(version), "--samples", "3", "--update-card", *corpus]) == 0
    update_scores(version, tmp_path / "reports" / "voice-1" / "scores.json")
    capsys.readouterr()
    for source in (run, version):
        assert main(["generate", str(source)]) == 1
        assert "is a vocoder: it decodes features" in capsys.readouterr().err


def test_the_service_analyses_and_decodes(
    prepared: PreparedCorpus, trained: Callable[[str], Trained], tmp_path: Path
) -> None:
    version = shutil.copytree(trained("vocos").version, tmp_path / "models" / "voice" / "1")
    sound = prepared.waveforms(prepared.held_out[:1])[0]
    file = io.BytesIO()
    soundfile.write(file, sound, 8_000, format="WAV", subtype="FLOAT")
    server = Server(tmp_path / "models", tmp_path / "log", default_model="voice", lame_duck_seconds=0)
    server.wait_until_ready()
    try:
        analysed = server.http.post("/v1/analyse", content=file.getvalue(), headers={"accept": "application/x-npy"})
        features = np.load(io.BytesIO(analysed.content))
        decoder = open_decoder(version)
        np.testing.assert_allclose(features, decoder.analyse(sound[None]), atol=1e-5)
        whole = {"features": features.tolist(), "format": "f32"}
        for frames in (features.shape[1], 5):
            whole["features"] = features[:, :frames].tolist()
            decoded = np.frombuffer(server.http.post("/v1/decode", json=whole).content, "<f4")
            np.testing.assert_allclose(decoded, decoder.decode(features[:, :frames])[0], atol=1e-5)
        refused = server.http.post("/v1/generate", json={})
        assert (refused.status_code, "it can decode, analyse" in refused.json()["detail"]) == (400, True)
    finally:
        assert server.stop() == 0


def test_generators_and_vocoders_are_not_compared(
    prepared: PreparedCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [tiny.run(tmp_path / "one", prepared), tiny.run(tmp_path / "two", prepared, systems.VOCODERS["vocos"])]
    assert main(["compare", *(str(run.folder) for run in runs), "--corpus", str(prepared.folder)]) == 1
    assert "compare them apart" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part", "changes", "says"),
    [
        ("architecture", {"factors": (8, 2, 2)}, r"architecture.factors=\(8, 8\), or representation.hop_samples=32"),
        ("game", {"segment_samples": 1_000}, "game.segment_samples=1024"),
        ("game", {"segment_samples": 4_096}, "game.segment_samples=2048"),
    ],
)
def test_what_does_not_fit_is_answered_with_what_does(
    part: str, changes: dict, says: str, prepared: PreparedCorpus, tmp_path: Path
) -> None:
    spec = systems.VOCODERS["melgan"]
    spec = spec.replace(**{part: getattr(spec, part).replace(**changes)})
    with pytest.raises(SpecError, match=says):
        tiny.run(tmp_path / "run", prepared, spec)
    assert not (tmp_path / "run").exists()


@pytest.mark.timeout(900)  # JAX is slow to compile on a CPU
def test_both_backends_play_the_same_games(prepared: PreparedCorpus, tmp_path: Path) -> None:
    begun = [tiny.run(tmp_path / name, prepared, systems.VOCODERS[name]) for name in ON_BOTH]
    found = on_both(inversion_games, prepared.folder, *(run.folder for run in begun))
    tensorflow, jax = found["tensorflow"], found["jax"]
    for name in ON_BOTH:
        for ours, theirs in zip(tensorflow[name][:2], jax[name][:2], strict=True):
            assert ours.keys() == theirs.keys()
        assert tensorflow[name][0]["generator_loss"] == pytest.approx(jax[name][0]["generator_loss"], rel=2e-2)
        for key, value in tensorflow[name][1].items():
            assert value == pytest.approx(jax[name][1][key], rel=5e-2, abs=5e-2), f"{name}: {key}"
        assert "critic_loss" in jax[name][1]
        assert all(np.isfinite(list(scores.values())).all() for scores in jax[name])
        assert min(tensorflow[name][-1]["decoded_moved"], jax[name][-1]["decoded_moved"]) > 1e-3
