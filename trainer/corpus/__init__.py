"""Corpus: recordings of any kind to clips of one length, prepared once and read from a memory map.

    source = find_source("path/to/folder", {"held_out": "test_"})
    corpus = prepare(source, AudioSpec(), PreparationSpec(), Path("corpora"))
    corpus.waveforms(corpus.train[:8])  # float32 [8, clip_samples]

Importing this package needs NumPy alone: whatever decodes or resamples is imported when it is first used, so
that a machine that only trains can open what another has prepared.
"""

from trainer.corpus.account import Account, LeftOut
from trainer.corpus.preparation import prepare
from trainer.corpus.recording import Recording, Source
from trainer.corpus.registry import LAYOUTS, find_source
from trainer.corpus.store import PreparedCorpus

__all__ = ["LAYOUTS", "Account", "LeftOut", "PreparedCorpus", "Recording", "Source", "find_source", "prepare"]
