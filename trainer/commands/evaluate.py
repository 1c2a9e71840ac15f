"""evaluate: score a run or a model, and write a report to look at and listen to."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.console import console, say
from trainer.corpus import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.files import write_json
from trainer.hush import start_backend
from trainer.run import Run, check_source, is_model, is_vocoder

if TYPE_CHECKING:
    from trainer.evaluation.evaluate import Plan
    from trainer.report.subject import Subject

SCORES, REPORT = "scores.json", "report.html"


def run(options: argparse.Namespace) -> int:
    """Score one run or model."""
    check_source(options.source)
    if options.update_card and not is_model(options.source):
        raise LatentoneError("--update-card: a run has no card; export it, or give models/<name>/<version>")
    corpus = corpus_for([options.source], options.corpus)
    start_backend()
    from trainer.evaluation.evaluate import Plan

    plan = Plan(samples=options.samples, seed=options.seed, embedding=options.embedding)
    output = options.output or default_output(options.source)
    evaluate_and_report([options.source], corpus, plan, output)
    if options.update_card:
        from trainer.export.publish import update_scores

        update_scores(options.source, output / SCORES)
        say(f"card and contract: {options.source}")
    return 0


def corpus_for(sources: Sequence[Path], corpus: str | None) -> PreparedCorpus:
    """The prepared corpus to score against: the one that is named, else the one of the first run.

    Raises: LatentoneError where it is not named and no run says it.
    """
    if corpus is not None:
        return PreparedCorpus.open(Path(corpus))
    trained = next((source for source in sources if not is_model(source)), None)
    if trained is None:
        raise LatentoneError(
            "--corpus is missing: give the prepared corpus (a folder in corpora/) to score a model against"
        )
    return PreparedCorpus.open(Path(Run.open(trained).corpus["path"]))


def default_output(source: Path) -> Path:
    """Where a report goes: a run's into its folder, a model's into reports/<name>-<version>."""
    folder = source.resolve()
    return Path("reports") / f"{folder.parent.name}-{folder.name}" if is_model(source) else source


def evaluate_and_report(sources: Sequence[Path], corpus: PreparedCorpus, plan: Plan, output: Path) -> None:
    """Score each source by one plan and write report.html and scores.json into `output`.

    scores.json: the document of a single source, a list of documents for several.

    Raises: LatentoneError where one does not fit the corpus: before anything is computed.
    """
    from trainer.evaluation.showing import print_scores

    judge = _judge_of(sources)
    judgements = [judge(source, corpus) for source in sources]
    subjects = []
    for score in judgements:
        subjects.append(score(plan, _command(sources, corpus, plan)))
        print_scores(subjects[-1].document, console)
    documents = [subject.document for subject in subjects]
    write_json(output / SCORES, documents[0] if len(documents) == 1 else documents)
    _write_report(output, subjects, " beside ".join(map(str, sources)))


Score = Callable[["Plan", str], "Subject"]
"""By a plan, and the command that asked for it."""


def _judge_of(sources: Sequence[Path]) -> Callable[[Path, PreparedCorpus], Score]:
    """How these are scored.

    Raises: LatentoneError where generators and vocoders are mixed.
    """
    kinds = {is_vocoder(source) for source in sources}
    if len(kinds) > 1:
        raise LatentoneError("generators and vocoders are scored by other measures: compare them apart")
    return _vocoder_judge if kinds == {True} else _generator_judge


def _generator_judge(source: Path, corpus: PreparedCorpus) -> Score:
    """Open a generator; what does not fit is said before anything is computed."""
    from trainer.evaluation.evaluate import evaluate
    from trainer.evaluation.fitting import check_fit
    from trainer.evaluation.progress import Phases
    from trainer.evaluation.showing import subject_of
    from trainer.sampler import open_sampler

    sampler = open_sampler(source)
    check_fit(sampler, corpus, str(source))

    def score(plan: Plan, command: str) -> Subject:
        with Phases(console) as phases:
            evaluation = evaluate(str(source), sampler, corpus, plan, say=say, phases=phases)
        evaluation.document["command"] = command
        return subject_of(evaluation, corpus, source)

    return score


def _vocoder_judge(source: Path, corpus: PreparedCorpus) -> Score:
    """Open a vocoder likewise."""
    from trainer.decoder import open_decoder
    from trainer.evaluation.fitting import check_fit
    from trainer.evaluation.progress import Phases
    from trainer.evaluation.showing import vocoder_subject_of
    from trainer.evaluation.vocoding import evaluate_vocoder

    decoder = open_decoder(source)
    check_fit(decoder, corpus, str(source))

    def score(plan: Plan, command: str) -> Subject:
        with Phases(console) as phases:
            vocoding = evaluate_vocoder(str(source), decoder, corpus, plan, phases=phases)
        vocoding.document["command"] = command
        return vocoder_subject_of(vocoding, corpus, source)

    return score


def _write_report(output: Path, subjects: Sequence[Subject], title: str) -> None:
    try:
        from trainer.report.page import write
    except ImportError as error:  # a bare training machine
        say(f"no report page: {error.name} is not installed; evaluate again where requirements-train.txt is")
        return
    write(output / REPORT, subjects, title)
    say(f"report: {output / REPORT}")


def _command(sources: Sequence[Path], corpus: PreparedCorpus, plan: Plan) -> str:
    name = "evaluate" if len(sources) == 1 else "compare"
    listed = " ".join(map(str, sources))
    return (
        f"python -m trainer {name} {listed} --corpus {corpus.folder} --samples {plan.samples} --seed {plan.seed} "
        f"--embedding {plan.embedding}"
    )
