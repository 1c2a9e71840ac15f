"""What every document of an evaluation says beside its scores: of what, against what, when and where."""

from __future__ import annotations

import datetime as dt
import platform
from typing import Any, Protocol

from trainer.corpus.store import PreparedCorpus
from trainer.machine import cores, cpu_model
from trainer.specs.audio import AudioSpec
from trainer.versions import versions

FORMAT = 2


class Model(Protocol):
    """What is said of a model: facts as in trainer.facts."""

    @property
    def facts(self) -> dict[str, Any]:
        """Architecture, recipe, step and so on."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """In index order."""

    @property
    def audio(self) -> AudioSpec:
        """Of its clips."""


def subject_facts(name: str, model: Model) -> dict[str, Any]:
    """Of the model."""
    audio = {"sample_rate_hz": model.audio.sample_rate_hz, "clip_samples": model.audio.clip_samples}
    return {"name": name, **model.facts, "labels": list(model.label_names), **audio}


def corpus_facts(corpus: PreparedCorpus) -> dict[str, Any]:
    """Of the corpus."""
    named = {"name": corpus.name, "fingerprint": corpus.fingerprint, "licence": corpus.licence}
    return named | {"train": len(corpus.train), "held_out": len(corpus.held_out)}


def circumstances() -> dict[str, Any]:
    """Machine, versions, now."""
    return {
        "machine": {"system": platform.system(), "cpu": cpu_model(), "cores": cores()},
        "versions": versions(),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
