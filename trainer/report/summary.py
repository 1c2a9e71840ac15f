"""The first lines of a page: what was evaluated, on what, when; and what a reader must know before the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.report.formats import integer, moment
from trainer.report.subject import Subject


def summary_of(subject: Subject) -> str:
    """One sentence; facts that the document lacks are left out."""
    count, date = subject.document.get("samples"), subject.document.get("date")
    samples = f"{integer(int(count))} samples" if count else "Samples"
    when = f", {moment(date)}" if date else ""
    return f"{samples} of {_model(subject)}{_corpus(subject)}{when}."


def warnings_of(subjects: Sequence[Subject]) -> list[str]:
    """The documents' own warnings, with the subject's name where there are several, after those of the comparison."""
    own = [(subject.name, text) for subject in subjects for text in subject.document.get("warnings") or ()]
    return differences(subjects) + [text if len(subjects) == 1 else f"{name}: {text}" for name, text in own]


def differences(subjects: Sequence[Subject]) -> list[str]:
    """Why scores can't be ranked: another corpus, embedding or number of samples is another ruler."""
    rulers = {
        "corpora": [subject.facts("corpus").get("fingerprint") for subject in subjects],
        "embeddings": [subject.facts("embedding").get("digest") for subject in subjects],
        "numbers of samples": [subject.document.get("samples") for subject in subjects],
    }
    return [
        f"Measured with different {what}: the scores do not compare, so none is marked as best."
        for what, values in rulers.items()
        if len(set(values)) > 1
    ]


def _model(subject: Subject) -> str:
    facts = subject.facts("subject")
    details = []
    if facts.get("recipe"):
        details.append(f"recipe {facts['recipe']}")
    if facts.get("step") is not None:
        details.append(f"step {integer(int(facts['step']))}")
    if facts.get("minutes"):
        details.append(f"{float(facts['minutes']):.3g} minutes on {facts.get('device') or 'an unknown device'}")
    return str(facts.get("architecture") or "the model") + (f" ({', '.join(details)})" if details else "")


def _corpus(subject: Subject) -> str:
    corpus = subject.facts("corpus")
    if not corpus.get("name"):
        return ""
    train, held_out = (integer(int(corpus.get(side) or 0)) for side in ("train", "held_out"))
    return f" against {corpus['name']} ({train} training and {held_out} held-out clips)"
