"""Specifications keep their promises when made, saved and changed."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from trainer import recipes
from trainer.errors import LatentoneError, SpecError
from trainer.specs.audio import AudioSpec
from trainer.specs.game import GameSpec
from trainer.specs.representations import LogMelSpec
from trainer.specs.run import LoopSpec, RunSpec
from trainer.specs.spec import override


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_survives_being_saved_and_read(name: str) -> None:
    spec = recipes.find(name)
    assert RunSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize("file", recipes.FILES, ids=lambda file: file.__name__)
def test_a_file_of_recipes_says_how_to_run_each(file: ModuleType) -> None:
    for recipe in file.RECIPES:
        assert f"--recipe {recipe.spec.recipe} " in (file.__doc__ or "").replace("make train", "--recipe quickstart ")


def test_an_unknown_recipe_is_answered_with_the_nearest() -> None:
    with pytest.raises(LatentoneError, match="did you mean 'digits'"):
        recipes.find("digit")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: AudioSpec(sample_rate_hz=10), "sample_rate_hz=10"),
        (lambda: AudioSpec(channels=3), "channels=3"),
        (lambda: LogMelSpec(n_fft=512, hop_samples=100), "multiple"),
        (lambda: LogMelSpec(fmin_hz=900.0, fmax_hz=300.0), "fmin_hz"),
        (LoopSpec, "budget"),
        (lambda: LoopSpec(steps=0), "steps=0"),
        (lambda: GameSpec(ema=1.0), "ema"),
    ],
)
def test_a_contradiction_is_refused_when_made(make: object, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        make()  # type: ignore[operator]


def test_networks_and_games_that_do_not_go_together_are_refused() -> None:
    vocoder, generator = recipes.find("melgan"), recipes.find("digits")
    with pytest.raises(SpecError, match="melgan does not play the game latent"):
        vocoder.replace(game=GameSpec())
    with pytest.raises(SpecError, match="melspec wants an augment"):
        generator.replace(augment=None)
    with pytest.raises(SpecError, match="melgan takes no augment"):
        vocoder.replace(augment=generator.augment)
    with pytest.raises(SpecError, match="wants features of a mel scale, not waveform"):
        vocoder.replace(representation=recipes.find("wavegan").representation)
    with pytest.raises(SpecError, match="recipe melgan has no augment"):
        override(vocoder, "augment.probability=0.1")
    assert vocoder.replace(representation=generator.representation).is_vocoder


def test_a_run_written_before_there_were_two_games_is_read() -> None:
    spec = recipes.find("digits")
    values = json.loads(json.dumps(spec.to_json()))
    del values["game"]["kind"]
    assert RunSpec.from_json(values) == spec


def test_a_field_is_changed_by_its_path() -> None:
    spec = recipes.find("digits")
    assert override(spec, "game.critic_learning_rate=3e-4").game.critic_learning_rate == 3e-4
    assert override(spec, "architecture.generator_widths=(8, 4)").architecture.generator_widths == (8, 4)
    assert override(spec, "loop.steps=5").loop.steps == 5
    assert override(spec, "preparation.crop=center").preparation.crop == "center"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("game.critic_learning_rat=1", "did you mean 'critic_learning_rate'"),
        ("gam.ema=1", "did you mean 'game'"),
        ("game.ema", "FIELD=VALUE"),
        ("game.ema=fast", "type float"),
        ("game.ema=2.0", "ema=2.0"),
    ],
)
def test_a_wrong_change_says_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        override(recipes.find("digits"), text)


def test_a_saved_field_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SpecError, match="did you mean 'n_mels'"):
        LogMelSpec.from_json({"n_mel": 3})
