"""A whole evaluation of a real run: figures or reasons, the same again, and refusals that say what would fit."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from service import latents
from tests.trainer import tiny
from trainer import players
from trainer.console import say
from trainer.corpus import PreparedCorpus, find_source, prepare
from trainer.errors import LatentoneError
from trainer.evaluation.drawing import sample_labels
from trainer.evaluation.evaluate import Evaluation, Plan, evaluate
from trainer.evaluation.progress import Phases
from trainer.export.publish import export, update_scores
from trainer.run import Run
from trainer.sampler import Sampler, open_sampler


class Quiet:
    def scores(self, step: int, scores: dict[str, float], left: float) -> None: ...

    def preview(self, step: int) -> None: ...


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    return tiny.corpus(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, prepared: PreparedCorpus) -> Run:
    run = tiny.run(tmp_path_factory.mktemp("evaluate") / "run", prepared)
    players.play(run, prepared, players.game(run, prepared), Quiet(), resume=False)
    return run


@pytest.fixture(scope="module")
def sampler(trained: Run) -> Sampler:
    return open_sampler(trained.folder)


def judged(sampler: Sampler, corpus: PreparedCorpus, **plan: Any) -> Evaluation:
    with Phases(Console(quiet=True)) as phases:
        return evaluate("tiny", sampler, corpus, Plan(samples=120, **plan), say=say, phases=phases)


@pytest.fixture(scope="module")
def evaluation(sampler: Sampler, prepared: PreparedCorpus) -> Evaluation:
    return judged(sampler, prepared)


def figures(evaluation: Evaluation) -> list[dict[str, Any]]:
    return [score for score in evaluation.document["measures"] if score["family"] != "speed"]


def test_every_measure_is_a_finite_number_or_has_a_reason(evaluation: Evaluation) -> None:
    families = {score["family"] for score in evaluation.document["measures"]}
    assert families == {"generator", "labels", "pitch", "decoder", "speed"}
    for score in evaluation.document["measures"]:
        if score["value"] is None:
            assert score["reason"], score["name"]
            continue
        assert math.isfinite(score["value"]), score["name"]
        if score["interval"]:
            assert score["interval"][0] <= score["value"] <= score["interval"][1]
    floored = [score["name"] for score in evaluation.document["measures"] if score["floors"]]
    assert {"frechet_distance", "class_accuracy", "copying", "class_diversity"} <= set(floored)
    again = json.loads(json.dumps(evaluation.document, allow_nan=False))
    assert again["corpus"]["fingerprint"]
    assert again["embedding"]["digest"]


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(
    sampler: Sampler, prepared: PreparedCorpus, evaluation: Evaluation
) -> None:
    assert figures(judged(sampler, prepared)) == figures(evaluation)
    other = {score["name"]: score["value"] for score in figures(judged(sampler, prepared, seed=1))}
    own = {score["name"]: score["value"] for score in figures(evaluation)}
    assert own["frechet_distance"] != other["frechet_distance"]


def test_labels_are_asked_for_as_often_as_the_corpus_has_them(prepared: PreparedCorpus) -> None:
    labels = sample_labels(prepared, 300)
    shares = np.bincount(prepared.labels[prepared.train]) / len(prepared.train)
    assert np.abs(np.bincount(labels) / 300 - shares).max() < 0.01
    assert np.array_equal(sample_labels(prepared, 30), labels[:30])
    assert len(set(labels[:3].tolist())) == 3


def test_the_sampler_draws_what_the_service_draws(sampler: Sampler) -> None:
    served = latents.draw(7, count=3, size=sampler.latent_size, distribution="normal")
    assert np.array_equal(np.stack([sampler.latent(7, item) for item in range(3)]), served)


def test_labels_that_are_pitches_are_tracked(tmp_path: Path) -> None:
    source = find_source("notes", {"count": 90, "seconds": 0.3, "label": "pitch"})
    corpus = prepare(source, tiny.SPEC.audio, tiny.SPEC.preparation, tmp_path, workers=1, progress=False)
    real = corpus.waveforms(corpus.train)

    def play(_latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return np.stack([real[np.flatnonzero(corpus.labels[corpus.train] == label)[0]] for label in labels])

    player = Sampler(
        sample=play,
        reconstruct=lambda waveforms: waveforms,
        latent_size=4,
        latent_distribution="normal",
        label_names=corpus.label_names,
        audio=corpus.audio,
        facts={},
    )
    document = judged(player, corpus).document
    assert document["embedding"]["name"] == "log-mel", "a tracker hears pitches better than a classifier"
    found = {score["name"]: score for score in document["measures"]}
    assert "they are pitches" in found["class_accuracy"]["reason"]
    assert found["pitch_accuracy"]["value"] > 0.8
    assert found["pitch_error_cents"]["value"] < 20
    assert found["spectral_convergence"]["value"] == 0.0
    assert found["copying"]["value"] > 0.95, "a sampler of training clips must be seen through"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"audio": tiny.SPEC.audio.replace(sample_rate_hz=16_000)}, "audio.sample_rate_hz=16000"),
        ({"audio": tiny.SPEC.audio.replace(clip_samples=4_096)}, "audio.clip_samples=4096"),
        ({"label_names": ("cat", "dog")}, "the model's cat, dog"),
    ],
    ids=["rate", "length", "labels"],
)
def test_a_corpus_that_does_not_fit_is_refused_with_what_would(
    change: dict[str, Any], says: str, sampler: Sampler, prepared: PreparedCorpus
) -> None:
    with pytest.raises(LatentoneError, match=says):
        judged(dataclasses.replace(sampler, **change), prepared)


def test_a_corpus_that_holds_nothing_out_is_refused(sampler: Sampler, tmp_path: Path) -> None:
    source = find_source("notes", {"count": 12, "seconds": 0.3})
    whole = tiny.SPEC.preparation.replace(held_out_fraction=0.0)
    corpus = prepare(source, tiny.SPEC.audio, whole, tmp_path, workers=1, progress=False)
    with pytest.raises(LatentoneError, match="held_out_fraction"):
        judged(sampler, corpus)


@pytest.mark.parametrize("plan", [{"samples": 1}, {"seed": -1}])
def test_a_plan_out_of_bounds_is_refused(plan: dict[str, int]) -> None:
    with pytest.raises(LatentoneError, match=f"--{next(iter(plan))}"):
        Plan(**plan)


def test_scores_go_into_contract_and_card(evaluation: Evaluation, trained: Run, tmp_path: Path) -> None:
    version = export(trained, tmp_path / "models", name="tiny")
    contract_file = version / "assets.extra" / "contract.json"
    assert "Not evaluated" in (version / "README.md").read_text()
    (tmp_path / "scores.json").write_text(json.dumps(evaluation.document))
    update_scores(version, tmp_path / "scores.json")
    scores = json.loads(contract_file.read_text())["scores"]
    assert scores["measures"] == evaluation.document["measures"]
    assert scores["embedding"]["digest"] == evaluation.document["embedding"]["digest"]
    card = (version / "README.md").read_text()
    assert "| Frechet distance |" in card
    assert "PESQ" not in card or "nan" not in card.lower()
    update_scores(version, tmp_path / "scores.json")  # its own digests are right again
    (version / "variables" / "variables.index").write_bytes(b"something else")
    with pytest.raises(LatentoneError, match="not those of its contract"):
        update_scores(version, tmp_path / "scores.json")
