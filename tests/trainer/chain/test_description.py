"""Contract, card and run say which vocoder decodes, and whose features it was trained for."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from service.contract import read_contract, verify_files
from tests.trainer.chain.making import BANDS, HOP, contract_of
from trainer.__main__ import main
from trainer.corpus import PreparedCorpus
from trainer.decoder import open_decoder
from trainer.export import card
from trainer.features_of import FeaturesOf
from trainer.mel_definition import MelDefinition
from trainer.run import Run
from trainer.vocoder_source import VocoderSource


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
    assert VocoderSource.find(tmp_path / "voice").folder.name == "10"
    assert VocoderSource.find(tmp_path / "voice" / "2").folder.name == "2"


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


def test_definitions_are_those_of_the_representation(generator: Run) -> None:
    spec = generator.spec.representation
    assert FeaturesOf.find(generator.folder).definition == MelDefinition.of(spec, generator.spec.audio)  # type: ignore[arg-type]
