"""Whether a model and a corpus fit each other, said before any work is done."""

from __future__ import annotations

from trainer.corpus.store import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.evaluation.documents import Model
from trainer.specs.audio import AudioSpec

FEWEST = 2


def check_fit(model: Model, corpus: PreparedCorpus, name: str) -> None:
    """Say what would fit, where rate, length or labels differ or too few clips are held out.

    Raises: LatentoneError.
    """
    audio = model.audio
    if corpus.audio != audio:
        raise LatentoneError(
            f"{corpus.folder} does not fit {name}: its clips have {_form(corpus.audio)}, the model makes "
            f"{_form(audio)}. "
            f"Prepare the corpus for it with --set audio.sample_rate_hz={audio.sample_rate_hz} "
            f"--set audio.clip_samples={audio.clip_samples}"
        )
    if model.label_names and corpus.label_names != model.label_names:  # without labels it fits any
        raise LatentoneError(
            f"{corpus.folder} does not fit {name}: its labels are {_list(corpus.label_names)}, the model's "
            f"{_list(model.label_names)}; give the corpus that it was trained on, or one with the same labels"
        )
    if len(corpus.held_out) < FEWEST:
        raise LatentoneError(
            f"{corpus.folder} holds {len(corpus.held_out)} clips out, too few to measure against: prepare it with "
            "--set preparation.held_out_fraction=0.1 or more"
        )


def _form(audio: AudioSpec) -> str:
    return f"{audio.clip_samples} samples at {audio.sample_rate_hz} Hz, {audio.channels} channel(s)"


def _list(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8]) or "none"
    return f"{shown}, ... ({len(names)})" if len(names) > 8 else shown
