"""The recipe and the corpus that options ask for."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from trainer import recipes
from trainer.console import console
from trainer.corpus import PreparedCorpus, Source, find_source, prepare
from trainer.corpus.preparation import fingerprint
from trainer.errors import LatentoneError
from trainer.features_of import FeaturesOf
from trainer.specs.run import RunSpec
from trainer.specs.spec import override


def spec_of(options: argparse.Namespace) -> RunSpec:
    """The recipe with the features of another model, every --set and budget applied."""
    spec, features_of = recipes.find(options.recipe), borrowed_features(options)
    spec = spec if features_of is None else features_of.given_to(spec)
    for text in options.set:
        spec = override(spec, text)
    changes = budget_of(options)
    return spec.replace(loop=spec.loop.replace(**changes)) if changes else spec


def borrowed_features(options: argparse.Namespace) -> FeaturesOf | None:
    """Those of the model or run that --features-of names."""
    folder: Path | None = getattr(options, "features_of", None)
    return None if folder is None else FeaturesOf.find(folder)


def budget_of(options: argparse.Namespace) -> dict[str, Any]:
    """Fields of the loop that have an option of their own; a budget that is given replaces the other."""
    given = {name: getattr(options, name, None) for name in ("steps", "minutes", "seed")}
    changes = {name: value for name, value in given.items() if value is not None}
    if "steps" in changes or "minutes" in changes:
        changes = {"steps": None, "minutes": None} | changes
    return changes


def is_prepared(corpus: str) -> bool:
    """Whether a folder is a prepared corpus."""
    return (Path(corpus) / "corpus.json").is_file()


def source_of(options: argparse.Namespace) -> Source | None:
    """The recordings; None where the corpus is prepared already."""
    if is_prepared(options.corpus):
        return None
    return find_source(options.corpus, _pairs(options.option), layout=options.layout)


def corpus_of(options: argparse.Namespace, spec: RunSpec, source: Source | None) -> PreparedCorpus:
    """The corpus, prepared now unless it was before."""
    if source is None:
        return PreparedCorpus.open(Path(options.corpus))
    return prepare(source, spec.audio, spec.preparation, options.corpora, workers=options.workers)


def show_plan(spec: RunSpec, source: Source | None, options: argparse.Namespace) -> int:
    """Say what would be done."""
    if source is None:
        console.print(f"corpus: {options.corpus}, prepared already", highlight=False)
    else:
        folder = options.corpora / f"{source.name}-{fingerprint(source, spec.audio, spec.preparation)[:12]}"
        state = "prepared already" if folder.exists() else "to be prepared"
        console.print(
            f"corpus: {len(source.recordings)} recordings, {folder}, {state}", highlight=False, soft_wrap=True
        )
    console.print_json(json.dumps(spec.to_json()))
    return 0


def _pairs(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise LatentoneError(f"--option {text}: write KEY=VALUE")
    return dict(text.split("=", 1) for text in texts)
