"""An evaluation for people: the subject of a report page, and a table at the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from trainer import history
from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.evaluate import Evaluation
from trainer.evaluation.front import Front, mono
from trainer.evaluation.measures.copying import nearest
from trainer.evaluation.vocoding import Vocoding
from trainer.report.subject import Clip, Subject
from trainer.run import Run, is_model

SHOWN = 10
NEAREST = 4
PICTURE_FRAMES, PICTURE_BANDS = 128, 80  # finer than what measures look at


def subject_of(evaluation: Evaluation, corpus: PreparedCorpus, source: Path) -> Subject:
    """What the page shows: samples beside real clips of the same labels, and the training clips nearest to some."""
    picture = Front(corpus.audio, evaluation.front.db_max, frames=PICTURE_FRAMES, bands=PICTURE_BANDS)
    labels = evaluation.candidate.labels[:SHOWN]
    generated = np.stack(evaluation.waveforms[:SHOWN])
    _, train = nearest(evaluation.candidate.thumbnails[:NEAREST], evaluation.real.train.thumbnails)
    copied = corpus.waveforms(evaluation.train_indices[train])
    samples = _clips(picture, generated, labels, corpus)
    pairs = zip(samples, _clips(picture, copied, corpus.labels[evaluation.train_indices[train]], corpus), strict=False)
    return Subject(
        name=str(source),
        document=evaluation.document,
        generated=samples,
        real=_clips(picture, corpus.waveforms(_alike(corpus, labels)), labels, corpus),
        nearest=tuple(pairs),
        history=[] if is_model(source) else history.read(source),
        configuration={} if is_model(source) else Run.open(source).spec.to_json(),
        account=corpus.account,
    )


def vocoder_subject_of(vocoding: Vocoding, corpus: PreparedCorpus, source: Path) -> Subject:
    """What the page shows: held-out clips, decoded beside themselves."""
    picture = Front(corpus.audio, vocoding.front.db_max, frames=PICTURE_FRAMES, bands=PICTURE_BANDS)
    shown = vocoding.indices[:SHOWN]
    labels = corpus.labels[shown]
    return Subject(
        name=str(source),
        document=vocoding.document,
        generated=_clips(picture, vocoding.waveforms[:SHOWN], labels, corpus),
        real=_clips(picture, corpus.waveforms(shown), labels, corpus),
        history=[] if is_model(source) else history.read(source),
        configuration={} if is_model(source) else Run.open(source).spec.to_json(),
        account=corpus.account,
    )


def print_scores(document: Mapping[str, Any], console: Console) -> None:
    """Print the table and the warnings; what could not be computed stands with its reason."""
    is_vocoder = "embedding" not in document
    made, beside = ("decoded clips", "Griffin-Lim") if is_vocoder else ("samples", "real held-out clips")
    table = Table("measure", made, "95 %", beside, title=document["subject"]["name"])
    reasons = []
    for score in document["measures"]:
        if score["value"] is None:
            reasons.append(f"{score['title']}: {score['reason']}")
            continue
        interval = " to ".join(map(_number, score["interval"])) if score["interval"] else ""
        floor = next((_floor(floor) for floor in score["floors"]), "")
        table.add_row(score["title"], f"{_number(score['value'])} {score['unit']}".strip(), interval, floor)
    console.print(table)
    embedding = "" if is_vocoder else f", embedding {document['embedding']['name']}"
    console.print(f"{document['samples']} {made}{embedding}", highlight=False)
    for reason in reasons:
        console.print(f"not computed: {reason}", highlight=False, soft_wrap=True, markup=False)
    for sentence in document["warnings"]:
        console.print(f"warning: {sentence}", style="yellow", highlight=False, soft_wrap=True, markup=False)


def _floor(floor: dict[str, Any]) -> str:
    """A floor of fewer items than the samples also says what so many samples reach."""
    own = f" ({_number(floor['own'])} for as many samples)" if "own" in floor else ""
    return _number(floor["value"]) + own


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _clips(picture: Front, waveforms: np.ndarray, labels: np.ndarray, corpus: PreparedCorpus) -> tuple[Clip, ...]:
    pictures, rate = np.asarray(picture(mono(waveforms))), corpus.audio.sample_rate_hz
    titles = [corpus.label_names[label] if label >= 0 else "" for label in labels]
    items = zip(waveforms, titles, pictures, strict=True)
    return tuple(Clip(waveform=sound, rate_hz=rate, title=title, features=features) for sound, title, features in items)


def _alike(corpus: PreparedCorpus, labels: np.ndarray) -> np.ndarray:
    """Held-out clips with these labels, each once as far as there are enough."""
    chosen: list[np.int64] = []
    for label in labels:
        fitting = [index for index in corpus.held_out if corpus.labels[index] == label] or list(corpus.held_out)
        chosen.append(next((index for index in fitting if index not in chosen), fitting[0]))
    return np.array(chosen)
