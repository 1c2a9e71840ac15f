"""The prepared corpus on disk: waveforms.npy and corpus.json. Needs NumPy and the standard library only.

waveforms.npy: float16 [N, clip_samples], or [N, clip_samples, 2] for stereo, in [-1, 1].
corpus.json: FORMAT, name, licence, the options asked of its layout, the two specifications, the fingerprint, label
names, a column a fact of the clips (label index or -1, MIDI pitch or null, MIDI velocity or null, group, held_out,
recording, offset in samples) and the account.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.errors import LatentoneError
from trainer.specs.audio import AudioSpec, PreparationSpec

FORMAT = 1
WAVEFORMS = "waveforms.npy"
DOCUMENT = "corpus.json"
UNFINISHED_SUFFIX = ".unfinished"


class PreparedCorpus:
    """Clips of one length in a memory map, with what is known of each.

    labels: int32 [N], -1 where there is none. pitches: float32 [N], MIDI, NaN where unknown. velocities:
    int32 [N], -1 where unknown. train and held_out: int64 indices that together are every clip once.
    """

    def __init__(self, folder: Path, document: dict[str, Any], clips: NDArray[np.float16]) -> None:
        columns = document["clips"]
        self.folder = folder
        self.name: str = document["name"]
        self.licence: str | None = document["licence"]
        self.options: dict[str, str] = document.get("options", {})  # as text
        self.fingerprint: str = document["fingerprint"]
        self.audio = AudioSpec.from_json(document["audio"])
        self.preparation = PreparationSpec.from_json(document["preparation"])
        self.account: dict[str, Any] = document["account"]
        self.label_names: tuple[str, ...] = tuple(document["label_names"])
        self.labels = np.array(columns["label"], np.int32)
        self.pitches = np.array(columns["pitch"], np.float32)  # None becomes NaN
        self.velocities = np.array([-1 if v is None else v for v in columns["velocity"]], np.int32)
        self.groups: tuple[str, ...] = tuple(columns["group"])
        self.recordings: tuple[str, ...] = tuple(columns["recording"])
        self.offsets = np.array(columns["offset"], np.int64)
        held_out = np.array(columns["held_out"], bool)
        self.train = np.flatnonzero(~held_out)
        self.held_out = np.flatnonzero(held_out)
        self._clips = clips

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """Open what `prepare` wrote.

        Raises: LatentoneError where it is missing, unfinished, of another format, truncated or damaged.
        """
        folder = Path(folder)
        cure = "delete it and prepare the corpus again"
        if not folder.is_dir():
            raise LatentoneError(f"no prepared corpus at {folder}; make one with: python -m trainer prepare")
        if folder.name.endswith(UNFINISHED_SUFFIX) or not (folder / DOCUMENT).is_file():
            raise LatentoneError(f"{folder} is not a finished prepared corpus; {cure}")
        try:
            document = json.loads((folder / DOCUMENT).read_text("utf-8"))
            found = document["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise LatentoneError(f"{folder / DOCUMENT} is damaged; {cure}") from error
        if found != FORMAT:
            raise LatentoneError(f"{folder} has format {found}, this version reads {FORMAT}; {cure}")
        try:
            corpus = cls(folder, document, np.load(folder / WAVEFORMS, mmap_mode="r"))
            corpus._check_size()
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise LatentoneError(f"{folder} is truncated or damaged ({error}); {cure}") from error
        return corpus

    def _check_size(self) -> None:
        shape = stored_shape(len(self), self.audio)
        if self._clips.shape != shape or self._clips.dtype != np.float16:
            raise ValueError(f"{WAVEFORMS} holds {self._clips.dtype} {self._clips.shape}, not float16 {shape}")
        if {len(self.groups), len(self.recordings), len(self.train) + len(self.held_out)} != {len(self)}:
            raise ValueError(f"the columns of {DOCUMENT} differ in length")

    def __len__(self) -> int:
        """How many clips there are."""
        return len(self.labels)

    def waveforms(self, indices: ArrayLike) -> NDArray[np.float32]:
        """Clips in the order of `indices`: float32 [n, clip_samples] (stereo: and 2) in [-1, 1]."""
        return self._clips[np.asarray(indices, np.int64)].astype(np.float32)

    def facts(self) -> dict[str, Any]:
        """What a contract and a model card say of the corpus, as plain values."""
        counts = Counter(self.labels.tolist())
        return {
            "name": self.name,
            "licence": self.licence,
            "fingerprint": self.fingerprint,
            "clips": len(self),
            "train": len(self.train),
            "held_out": len(self.held_out),
            "labels": {name: counts[index] for index, name in enumerate(self.label_names)},
            "seconds": round(len(self) * self.audio.clip_seconds, 3),
        }

    def summary(self) -> str:
        """One line for people."""
        labels = f"{len(self.label_names)} labels" if self.label_names else "no labels"
        return (
            f"{self.name}: {len(self.train)} clips to train on, {len(self.held_out)} held out, {labels}, "
            f"{self.audio.clip_samples} samples at {self.audio.sample_rate_hz} Hz, "
            f"licence {self.licence or 'unknown'}"
        )


def stored_shape(clips: int, audio: AudioSpec) -> tuple[int, ...]:
    """Shape of waveforms.npy: [clips, clip_samples], with a channel axis only where there are two."""
    mono = (clips, audio.clip_samples)
    return mono if audio.channels == 1 else (*mono, audio.channels)
