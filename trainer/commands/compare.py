"""compare: runs and models side by side in one report: same corpus, same seed, same number of samples."""

from __future__ import annotations

import argparse

from trainer.commands.evaluate import corpus_for, evaluate_and_report
from trainer.errors import LatentoneError
from trainer.hush import start_backend
from trainer.run import check_source


def run(options: argparse.Namespace) -> int:
    """Score all and write the page."""
    if len(options.sources) < 2:
        raise LatentoneError("compare needs two runs or models at least; for one there is evaluate")
    for source in options.sources:
        check_source(source)
    corpus = corpus_for(options.sources, options.corpus)
    start_backend()
    from trainer.evaluation.evaluate import Plan

    plan = Plan(samples=options.samples, seed=options.seed, embedding=options.embedding)
    evaluate_and_report(options.sources, corpus, plan, options.output)
    return 0
