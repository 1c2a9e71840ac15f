"""A vocoder for a generator's features, and both in one graph: latent to sound without Griffin-Lim."""

from __future__ import annotations

import io
import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from service.contract import read_contract, verify_files
from tests.service.conftest import Server
from tests.trainer import systems, tiny
from trainer import checkpoint, players
from trainer.__main__ import main
from trainer.corpus import PreparedCorpus
from trainer.decoder import open_decoder
from trainer.errors import LatentoneError
from trainer.evaluation.fitting import check_fit
from trainer.export import card
from trainer.export.publish import export
from trainer.features_of import FeaturesOf
from trainer.mel_definition import MelDefinition
from trainer.representations.conversion import MelConversion
from trainer.run import CONTRACT, Run, is_vocoder
from trainer.sampler import open_sampler
from trainer.specs.representations import LogMelSpec, MelSpec
from trainer.specs.run import RunSpec
from trainer.specs.spec import override
from trainer.voice import Voice

HOP, BANDS = 128, 16
LOG_MEL = LogMelSpec.from_json(tiny.SPEC.representation.to_json())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="module")
def prepared(folder: Path) -> PreparedCorpus:
    return tiny.corpus(folder / "corpora")


def saved(folder: Path, prepared: PreparedCorpus, spec: RunSpec = tiny.SPEC, features: FeaturesOf | None = None) -> Run:
    """A run with the weights that networks begin with: they are as good for a graph as any."""
    run = players.begin(folder, spec, prepared, features)
    state = players.game(run, prepared).state()
    checkpoint.save(run.folder, state, step=1, seconds=1.0, best=np.inf, stale=0)
    return run


@pytest.fixture(scope="module")
def generator(folder: Path, prepared: PreparedCorpus) -> Run:
    return saved(folder / "runs" / "speaker", prepared)


@pytest.fixture(scope="module")
def alone(folder: Path, generator: Run) -> Path:
    """The generator as it is exported without a vocoder."""
    return export(generator, folder / "others", name="alone")


@pytest.fixture(scope="module")
def vocoder(folder: Path, prepared: PreparedCorpus, generator: Run) -> Path:
    """For the features of the generator but for their scale, and exported."""
    features = FeaturesOf.find(generator.folder)
    spec = features.given_to(systems.VOCODERS["vocos"])
    run = saved(folder / "runs" / "voice", prepared, override(spec, "representation.db_range=60"), features)
    return export(run, folder / "models", name="voice")


@pytest.fixture(scope="module")
def chained(folder: Path, generator: Run, vocoder: Path) -> Path:
    models = ["--vocoder", str(vocoder.parent), "--models", str(folder / "models")]
    assert main(["export", str(generator.folder), "--name", "fused", *models]) == 0
    return folder / "models" / "fused" / "1"


@pytest.fixture(scope="module")
def both(generator: Run, prepared: PreparedCorpus) -> tuple[Run, PreparedCorpus]:
    return generator, prepared


Signature = Callable[..., np.ndarray]


def signature(version: Path, name: str) -> Signature:
    model = tf.saved_model.load(str(version))

    def call(_kept: object = model, **inputs: np.ndarray) -> np.ndarray:
        given = {key: tf.constant(value) for key, value in inputs.items()}
        (result,) = model.signatures[name](**given).values()
        return np.asarray(result)

    return call


def contract_of(version: Path) -> dict:
    loaded: dict = json.loads((version / CONTRACT).read_text())
    return loaded


def latents(count: int) -> dict[str, np.ndarray]:
    latents = np.random.default_rng(1).standard_normal((count, 8), dtype="float32")
    return {"latent": latents, "label": (np.arange(count) % 3).astype("int32")}


def test_a_vocoder_is_begun_with_the_features_of_a_run(generator: Run, vocoder: Path) -> None:
    run, contract = Run.open(generator.folder.parent / "voice"), contract_of(vocoder)
    assert run.features_of == "runs/speaker"
    assert run.spec.representation == generator.spec.representation.replace(db_range=60.0)
    assert run.spec.audio == generator.spec.audio
    command = shlex.split(contract["recipe"]["command"])
    assert command[command.index("--features-of") + 1] == "runs/speaker"
    assert "representation.db_range=60" in command
    assert not any("n_mels" in word or "db_max" in word for word in command), "what was borrowed is no change"


def test_a_silent_clip_stays_silent_in_borrowed_features(vocoder: Path) -> None:
    decoder = open_decoder(vocoder)
    assert not decoder.decode(decoder.analyse(np.zeros((1, 10 * HOP), "float32"))).any()
    assert decoder.decode(np.ones((1, 10, BANDS), "float32")).any()


def test_the_features_of_a_model_and_of_its_run_are_one(vocoder: Path, folder: Path) -> None:
    of_model = FeaturesOf.find(vocoder.parent)
    of_run = FeaturesOf.find(folder / "runs" / "voice")
    assert (of_model.place, of_run.place) == ("models/voice/1", "runs/voice")
    assert not of_model.definition.differences(of_run.definition)
    assert of_model.audio == of_run.audio


def test_the_newest_version_of_a_model_is_meant(vocoder: Path, tmp_path: Path) -> None:
    for version in ("2", "10"):
        shutil.copytree(vocoder, tmp_path / "voice" / version)
    assert Voice.find(tmp_path / "voice").folder.name == "10"
    assert Voice.find(tmp_path / "voice" / "2").folder.name == "2"


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


def test_the_weights_of_both_are_inside_once_and_folded(prepared: PreparedCorpus, generator: Run, folder: Path) -> None:
    melgan = systems.VOCODERS["melgan"]
    spec = melgan.replace(
        representation=generator.spec.representation, architecture=melgan.architecture.replace(factors=(8, 4, 4))
    )
    voice = saved(folder / "runs" / "melgan", prepared, spec)
    version = export(generator, folder / "others", name="melgan", voice=Voice.find(voice.folder))
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


def test_contract_and_card_name_the_vocoder(chained: Path, vocoder: Path) -> None:
    contract, of_vocoder = contract_of(chained), contract_of(vocoder)
    verify_files(read_contract(chained), chained)
    described = contract["vocoder"]
    assert (described["name"], described["version"], described["architecture"]) == ("voice", 1, "vocos")
    assert set(described["files"].items()) <= set(of_vocoder["files"].items())
    assert "saved_model.pb" in described["files"]
    assert contract["scores"] == {}, "they are of what Griffin-Lim decoded"
    text = (chained / "README.md").read_text()
    assert "decoded from a mel spectrogram by the vocoder voice, version 1 (vocos)" in text
    assert "metallic colour" not in text
    assert f"    {of_vocoder['recipe']['command']}\n    {contract['recipe']['command']}\n" in text
    assert contract["recipe"]["command"].endswith("--vocoder models/voice/1")


def test_a_card_says_what_the_licence_of_the_vocoder_forbids(chained: Path) -> None:
    contract = contract_of(chained)
    assert "Not for commercial use" not in card.render(contract, has_picture=False)
    contract["vocoder"]["licence"] = "CC BY-NC 3.0"
    text = card.render(contract, has_picture=False)
    assert "**Not for commercial use**: CC BY-NC 3.0" in text
    assert "| licence of the vocoder, and so of this model | CC BY-NC 3.0 |" in text
    contract["vocoder"]["licence"] = None
    assert "| licence of the vocoder, and so of this model | not stated: yours to settle |" in card.render(
        contract, has_picture=False
    )


def test_the_command_of_the_card_makes_the_same_plan(
    chained: Path,
    folder: Path,
    prepared: PreparedCorpus,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(folder)
    for version, run in (("voice", "voice"), ("fused", "speaker")):
        words = shlex.split(contract_of(folder / "models" / version / "1")["recipe"]["command"])[3:]
        words[words.index("--corpus") + 1] = str(prepared.folder)
        capsys.readouterr()
        assert main([*words, "--dry-run"]) == 0
        said = capsys.readouterr().out
        plan = json.loads(said[said.index("{") : said.rindex("}") + 1])
        wanted = json.loads((folder / "runs" / run / "run.json").read_text())["spec"]
        assert all(plan[part] == wanted[part] for part in ("architecture", "game"))
        assert plan["representation"] | {"db_max": None} == wanted["representation"] | {"db_max": None}


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
        asked = {"seed": 3, "label": "fm", "format": "f32"}
        generated = np.frombuffer(server.http.post("/v1/generate", json=asked).content, "<f4")
        npy = {"accept": "application/x-npy"}
        features = np.load(io.BytesIO(server.http.post("/v1/sample", json=asked, headers=npy).content))
        answer = server.http.post("/v1/decode", json={"features": features.tolist(), "format": "f32"})
        assert np.array_equal(np.frombuffer(answer.content, "<f4"), generated)
        assert np.array_equal(signature(chained, "decode")(features=features)[0], generated)
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("mel", "field", "says"),
    [
        (LOG_MEL.replace(n_mels=12), "n_mels", "bands of another number"),
        (LOG_MEL.replace(hop_samples=64), "hop_samples", "frames at other times"),
        (LOG_MEL.replace(n_fft=1_024), "n_fft", ""),
        (LOG_MEL.replace(fmin_hz=40.0), "fmin_hz", ""),
        (systems.MEL.replace(n_fft=512, hop_samples=HOP), "quantity", "neither follows from the other"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_features_that_cannot_be_converted_are_refused(
    mel: MelSpec, field: str, says: str, both: tuple[Run, PreparedCorpus], tmp_path: Path
) -> None:
    generator, prepared = both
    voice = tiny.run(tmp_path / "voice", prepared, systems.VOCODERS["vocos"].replace(representation=mel))
    with pytest.raises(LatentoneError, match=says) as refused:
        export(generator, tmp_path / "models", voice=Voice.find(voice.folder))
    said = str(refused.value)
    (row,) = [line.split() for line in said.splitlines() if line.split()[0] == field]
    values = [getattr(FeaturesOf.find(run.folder).definition, field) for run in (generator, voice)]
    assert row == [field, *(f"{value:g}" if isinstance(value, float) else str(value) for value in values), "differs"]
    assert f"--recipe vocos_small --features-of {generator.folder} --corpus {generator.corpus['path']}" in said
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["wavegan", "specgan", "gansynth", "report"])
def test_a_generator_without_a_mel_scale_of_any_length_has_no_vocoder(name: str, vocoder: Path) -> None:
    with pytest.raises(LatentoneError, match="wants features of a mel scale and of any length"):
        Voice.find(vocoder).check_run(Path("runs/any"), systems.SYSTEMS[name], "notes")


def test_a_vocoder_that_is_none_is_refused(
    vocoder: Path, alone: Path, both: tuple[Run, PreparedCorpus], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (generator, prepared), models = both, tmp_path / "models"
    untrained = tiny.run(tmp_path / "untrained", prepared, systems.VOCODERS["vocos_of_log_mel"])
    for source, voice, says in (
        (generator.folder, generator.folder, "is a generator; a vocoder turns features into sound"),
        (generator.folder, alone, "is a generator; a vocoder turns features into sound"),
        (generator.folder, tmp_path / "none", "neither a run"),
        (generator.folder, untrained.folder, "nothing was trained there yet"),
        (vocoder, vocoder, "this is a vocoder itself"),
        (untrained.folder, vocoder, "this is a vocoder itself"),
    ):
        assert main(["export", str(source), "--vocoder", str(voice), "--models", str(models)]) == 1
        assert says in capsys.readouterr().err
        assert not list(models.glob("*"))
    assert main(["export", str(alone), "--models", str(models)]) == 1
    assert "is exported already" in capsys.readouterr().err


def test_a_vocoder_that_will_not_fit_is_refused_before_the_training(
    vocoder: Path, prepared: PreparedCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["train", "--vocoder", str(vocoder), "--corpus", str(prepared.folder), "--runs", str(tmp_path / "runs")]
    assert main(asked) == 1
    assert "add --export models" in capsys.readouterr().err
    for n_mels in (16, 20):
        mel = ("n_fft=512", "hop_samples=128", f"n_mels={n_mels}")
        sets = [argument for change in mel for argument in ("--set", f"representation.{change}")]
        assert main([*asked, "--export", str(tmp_path / "models"), *sets, "--dry-run"]) == (n_mels != 16)
        assert ("n_mels" in capsys.readouterr().err) is (n_mels != 16)
    assert not (tmp_path / "runs").exists()


def test_a_vocoder_whose_files_were_changed_is_not_loaded(generator: Run, vocoder: Path, tmp_path: Path) -> None:
    shutil.copytree(vocoder, tmp_path / "voice")
    (tmp_path / "voice" / "saved_model.pb").write_bytes(b"other")
    with pytest.raises(LatentoneError, match="not those of its contract"):
        export(generator, tmp_path / "models", voice=Voice.find(tmp_path / "voice"))
    assert not list((tmp_path / "models").glob("*"))


def test_borrowed_features_that_do_not_fit_are_refused(
    generator: Run, vocoder: Path, prepared: PreparedCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--corpus", str(prepared.folder), "--runs", str(tmp_path / "runs"), "--steps", "1"]
    for recipe, source, says in (
        ("digits", vocoder, "recipe digits is of a generator"),
        ("vocos_small", tmp_path / "none", "neither a run"),
        ("melgan", generator.folder, "architecture.factors="),
    ):
        assert main(["train", "--recipe", recipe, "--features-of", str(source), *runs]) == 1
        assert says in capsys.readouterr().err
    with pytest.raises(LatentoneError, match="wants features of a mel scale"):
        FeaturesOf.of_spec(Path("runs/any"), systems.SYSTEMS["wavegan"])
    borrowed = FeaturesOf.find(vocoder)
    with pytest.raises(LatentoneError, match="prepare the corpus at 8000 Hz"):
        borrowed.check_rate(borrowed.audio.replace(sample_rate_hz=16_000))
    assert not (tmp_path / "runs").exists()


def test_a_level_that_the_corpus_decides_later_does_not_hinder(vocoder: Path) -> None:
    spec = tiny.SPEC
    assert spec.representation.db_max is None  # type: ignore[union-attr]
    Voice.find(vocoder).check_run(Path("runs/later"), spec, "notes")
    with pytest.raises(LatentoneError, match="sample_rate_hz"):
        Voice.find(vocoder).check_run(
            Path("runs/later"), spec.replace(audio=spec.audio.replace(sample_rate_hz=16_000)), "notes"
        )


def test_definitions_are_those_of_the_representation(generator: Run) -> None:
    spec = generator.spec.representation
    assert FeaturesOf.find(generator.folder).definition == MelDefinition.of(spec, generator.spec.audio)  # type: ignore[arg-type]
