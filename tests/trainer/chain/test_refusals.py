"""What does not go together is refused with the reason, and nothing is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.trainer import systems, tiny
from tests.trainer.chain.making import HOP
from trainer.__main__ import main
from trainer.corpus import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.export.publish import export
from trainer.features_of import FeaturesOf
from trainer.run import Run
from trainer.specs.representations import LogMelSpec, MelSpec
from trainer.vocoder_source import VocoderSource

LOG_MEL = LogMelSpec.from_json(tiny.SPEC.representation.to_json())


@pytest.mark.parametrize(
    ("mel", "field", "says"),
    [
        (LOG_MEL.replace(n_mels=12), "n_mels", "bands of another number"),
        (LOG_MEL.replace(hop_samples=64), "hop_samples", "frames at other times"),
        (LOG_MEL.replace(n_fft=1_024), "n_fft", "Train a vocoder for these features"),
        (LOG_MEL.replace(fmin_hz=40.0), "fmin_hz", "Train a vocoder for these features"),
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
        export(generator, tmp_path / "models", vocoder=VocoderSource.find(voice.folder))
    said = str(refused.value)
    (row,) = [line.split() for line in said.splitlines() if line.split()[0] == field]
    values = [getattr(FeaturesOf.find(run.folder).definition, field) for run in (generator, voice)]
    assert row == [field, *(f"{value:g}" if isinstance(value, float) else str(value) for value in values), "differs"]
    assert f"--recipe vocos_small --features-of {generator.folder} --corpus {generator.corpus['path']}" in said
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["wavegan", "specgan", "gansynth", "report"])
def test_a_generator_without_a_mel_scale_of_any_length_has_no_vocoder(name: str, vocoder: Path) -> None:
    with pytest.raises(LatentoneError, match="wants features of a mel scale and of any length"):
        VocoderSource.find(vocoder).check_run(Path("runs/any"), systems.SYSTEMS[name], "notes")


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
        export(generator, tmp_path / "models", vocoder=VocoderSource.find(tmp_path / "voice"))
    assert not list((tmp_path / "models").glob("*"))


def test_borrowed_features_that_do_not_fit_are_refused(
    generator: Run, vocoder: Path, prepared: PreparedCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--corpus", str(prepared.folder), "--runs", str(tmp_path / "runs"), "--steps", "1"]
    runs += ["--set", "game.segment_samples=1024"]
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
    VocoderSource.find(vocoder).check_run(Path("runs/later"), spec, "notes")
    with pytest.raises(LatentoneError, match="sample_rate_hz"):
        VocoderSource.find(vocoder).check_run(
            Path("runs/later"), spec.replace(audio=spec.audio.replace(sample_rate_hz=16_000)), "notes"
        )
