"""prepare: cut a corpus into clips."""

from __future__ import annotations

import argparse

from trainer.commands.corpora import corpus_of, show_plan, source_of, spec_of
from trainer.console import say


def run(options: argparse.Namespace) -> int:
    """Prepare, or say what would be done."""
    spec, source = spec_of(options), source_of(options)
    if options.dry_run:
        return show_plan(spec, source, options)
    corpus = corpus_of(options, spec, source)
    say(f"{corpus.summary()}\ntrain on it: python -m trainer train --recipe {spec.recipe} --corpus {corpus.folder}")
    return 0
