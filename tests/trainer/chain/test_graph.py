"""One graph computes what a generator and its vocoder compute."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from service.contract import read_contract, verify_files
from tests.service.conftest import Server
from tests.trainer import systems, tiny
from tests.trainer.chain.making import HOP, contract_of, latents, saved, signature
from trainer import checkpoint, encoders, players
from trainer.__main__ import main
from trainer.corpus import PreparedCorpus
from trainer.evaluation.fitting import check_fit
from trainer.export.publish import export
from trainer.features_of import FeaturesOf
from trainer.files import write_json
from trainer.representations.conversion import MelConversion
from trainer.run import Run, is_vocoder
from trainer.sampler import open_sampler
from trainer.vocoder_source import VocoderSource


def test_one_graph_computes_what_both_models_compute(chained: Path, vocoder: Path, alone: Path) -> None:
    features = signature(alone, "sample")(**latents(4))
    assert np.array_equal(signature(chained, "sample")(**latents(4)), features)
    own, other = (FeaturesOf.find(place).definition for place in (alone, vocoder))
    assert own.differences(other), "the scales are alike: nothing is converted"
    wanted = signature(vocoder, "decode")(features=np.asarray(MelConversion(own, other)(features)))
    made = signature(chained, "generate")(**latents(4))
    assert made.shape == (4, tiny.SPEC.audio.clip_samples)
    assert np.abs(made).max() > 1e-4
    assert np.abs(made - wanted).max() < 1e-4
    assert np.abs(signature(alone, "generate")(**latents(4)) - made).max() > 1e-2, "it is Griffin-Lim's"
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 5 * HOP)).astype("float32")
    analysed = signature(chained, "analyse")(waveform=sound)
    assert np.array_equal(analysed, signature(alone, "analyse")(waveform=sound))


def test_generate_is_sample_then_decode_whatever_the_batch(chained: Path) -> None:
    sample, decode, generate = (signature(chained, name) for name in ("sample", "decode", "generate"))
    whole = generate(**latents(5))
    assert np.array_equal(decode(features=sample(**latents(5))), whole)
    assert np.array_equal(generate(**latents(2)), whole[:2])


def test_any_length_is_decoded_and_silence_is_silent(chained: Path) -> None:
    analyse, decode = signature(chained, "analyse"), signature(chained, "decode")
    for frames in (1, 2, 33):
        sound = np.random.default_rng(frames).uniform(-0.5, 0.5, (1, frames * HOP)).astype("float32")
        assert decode(features=analyse(waveform=sound)).shape == sound.shape
    assert not decode(features=analyse(waveform=np.zeros((1, 20 * HOP), "float32"))).any()


def test_an_exported_generator_is_given_the_same_voice(
    chained: Path, vocoder: Path, alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(alone.parent), "--vocoder", str(vocoder), "--models", str(tmp_path)]) == 0
    assert "--update-card" in capsys.readouterr().out
    version = tmp_path / "alone" / "1"
    verify_files(read_contract(version), version)
    for name in ("generate", "sample"):
        assert np.abs(signature(version, name)(**latents(4)) - signature(chained, name)(**latents(4))).max() < 1e-5
    contract, before = contract_of(version), contract_of(alone)
    assert contract["vocoder"] == contract_of(chained)["vocoder"]
    kept = ("labels", "audio", "corpus", "features", "latent", "architecture")
    assert all(contract[name] == before[name] for name in kept)
    first, second = contract["recipe"]["command"].splitlines()
    assert first == before["recipe"]["command"]
    assert second == "python -m trainer export models/alone/1 --vocoder models/voice/1 --name alone"


def test_an_exported_generator_keeps_its_encoder(vocoder: Path, prepared: PreparedCorpus, tmp_path: Path) -> None:
    run = saved(tmp_path / "runs" / "encoded", prepared)
    game, place = encoders.game_of(run, prepared, players.trained_generator(run)), encoders.folder_of(run)
    checkpoint.save(place, game.state(), step=1, seconds=1.0, best=np.inf, stale=0)
    write_json(place / encoders.DOCUMENT, {"step": 1, "encoder": {}})  # not scored yet
    before = export(run, tmp_path / "models", name="encoded")
    assert main(["export", str(before), "--vocoder", str(vocoder), "--models", str(tmp_path / "chained")]) == 0
    after = tmp_path / "chained" / "encoded" / "1"
    clips = {"waveform": prepared.waveforms(prepared.held_out[:2])}
    for name in ("encode", "classify"):
        assert np.array_equal(signature(after, name)(**clips), signature(before, name)(**clips))


def test_the_weights_of_both_are_inside_once_and_folded(prepared: PreparedCorpus, generator: Run, folder: Path) -> None:
    melgan = systems.VOCODERS["melgan"]
    spec = melgan.replace(
        representation=generator.spec.representation, architecture=melgan.architecture.replace(factors=(8, 4, 4))
    )
    voice = saved(folder / "runs" / "melgan", prepared, spec)
    version = export(generator, folder / "others", name="melgan", vocoder=VocoderSource.find(voice.folder))
    networks = players.trained_generator(generator), players.trained_vocoder(voice)
    lengths = sum(int(np.prod(weight.shape)) for weight in networks[1].weights if weight.name == "length")
    stored = sum(int(np.prod(weight.shape)) for weight in tf.saved_model.load(str(version)).weights)
    assert lengths > 0
    assert stored <= sum(network.count_params() for network in networks) - lengths
    assert stored >= networks[1].count_params() - lengths
    described = contract_of(version)["vocoder"]
    assert (described["name"], described["version"]) == ("notes-melgan_small", None)
    assert "--features-of" not in contract_of(version)["recipe"]["command"]
    assert contract_of(version)["recipe"]["command"].endswith("--name melgan --vocoder runs/melgan")


def test_a_chained_model_is_sampled_and_scored_like_any_generator(chained: Path, prepared: PreparedCorpus) -> None:
    assert not is_vocoder(chained)
    sampler = open_sampler(chained)
    check_fit(sampler, prepared, "fused")
    given = latents(3)
    assert np.array_equal(sampler(given["latent"], given["label"]), signature(chained, "generate")(**given))
    assert sampler.reconstruct is not None
    clips = prepared.waveforms(prepared.held_out[:2])
    clips[1] = 0.0
    again = sampler.reconstruct(clips)
    assert again.shape == clips.shape
    assert again[0].any()
    assert not again[1].any(), "the vocoder does not decode it"


def test_the_service_generates_and_decodes_by_the_vocoder(chained: Path, folder: Path, tmp_path: Path) -> None:
    server = Server(folder / "models", tmp_path / "log", default_model="fused", lame_duck_seconds=0)
    server.wait_until_ready()
    try:
        asked = {"seed": 3, "label": "fm"}
        generated = np.frombuffer(server.http.post("/v1/generate", json={**asked, "format": "f32"}).content, "<f4")
        npy = {"accept": "application/x-npy"}
        features = np.load(io.BytesIO(server.http.post("/v1/sample", json=asked, headers=npy).content))
        answer = server.http.post("/v1/decode", json={"features": features.tolist(), "format": "f32"})
        assert np.array_equal(np.frombuffer(answer.content, "<f4"), generated)
        assert np.array_equal(signature(chained, "decode")(features=features)[0], generated)
    finally:
        assert server.stop() == 0
