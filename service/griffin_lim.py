"""The model `griffin-lim`, which is always there: mel of any definition to sound, without weights.

Its SavedModel stands beside this file; `make griffin-lim` writes it again. A definition's numbers are its inputs.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contract import Audio, Contract, Features, Signature
from service.definition import ITERATIONS, FloatArray, MelDefinition
from service.engine import SavedModel
from service.errors import TooLarge

NAME, VERSION = "griffin-lim", 1
FOLDER = Path(__file__).parent / NAME
GRAPH = "decode_any"  # the signature of its SavedModel
DEFAULT = MelDefinition(n_mels=128)  # of requests that state none
FRAMES = 64  # of the warm-up
# A call takes up to 60 bytes a cell, 0.5 GB, and 0.05 microseconds of a core a cell and iteration, 14 seconds.
MOST_CELLS, MOST_WORK = 2**23, 2**28


def _published() -> Contract:
    """Return the contract that it is listed with: of a vocoder of the default definition."""
    features = _features(DEFAULT)
    document = {
        "contract": 1,
        "name": NAME,
        "version": VERSION,
        "kind": "vocoder",
        "architecture": "griffin_lim",
        "audio": {"sample_rate_hz": DEFAULT.sample_rate_hz, "clip_samples": FRAMES * DEFAULT.hop, "channels": 1},
        "latent": None,
        "labels": [],
        "features": features
        | {
            "definition": "any, stated in the request; this one where it states none",
            "inversion": {"griffin_lim_iterations": ITERATIONS},
        },
        "signatures": {
            "decode": {
                "inputs": {"features": {"dtype": "float32", "shape": [None, *features["shape"]]}},
                "outputs": {"waveform": {"dtype": "float32", "shape": [None, None]}},
            }
        },
        "files": {},
    }
    return Contract.model_validate({**document, "document": document})


def _features(definition: MelDefinition) -> dict[str, Any]:
    return {
        "kind": "log_mel",
        "shape": [None, definition.n_mels],
        "frames": FRAMES,
        "n_fft": definition.n_fft,
        "window_samples": definition.window,
        "hop_samples": definition.hop,
        "n_mels": definition.n_mels,
        "fmin_hz": definition.fmin_hz,
        "fmax_hz": definition.highest_hz,
        "mel_scale": definition.mel_scale,
        "mel_norm": definition.mel_norm,
        "quantity": "power" if definition.power == 2 else "magnitude",
        "log": definition.log,
    }


CONTRACT = _published()
_GRAPH_CONTRACT = CONTRACT.model_copy(
    update={
        "signatures": {
            GRAPH: Signature.model_validate(
                {
                    "inputs": {
                        "features": {"dtype": "float32", "shape": [None, None, None]},
                        "filters": {"dtype": "float32", "shape": [None, None]},
                        "window": {"dtype": "float32", "shape": [None]},
                        "power": {"dtype": "float32", "shape": []},
                        "hop": {"dtype": "int32", "shape": []},
                        "iterations": {"dtype": "int32", "shape": []},
                    },
                    "outputs": {"waveform": {"dtype": "float32", "shape": [None, None]}},
                }
            )
        }
    }
)


class GriffinLim(SavedModel):
    """The model, loaded: an engine of the default definition, and of any other by `defined`."""

    def __init__(self, *, threads: int, op_threads: int) -> None:
        """Load it, as any engine."""
        super().__init__(FOLDER, _GRAPH_CONTRACT, threads=threads, op_threads=op_threads)
        self.contract = CONTRACT
        # However many calls a fleet may have, here only so many bounds of memory are taken at once.
        self.turns = threading.Semaphore(len(os.sched_getaffinity(0)))

    def run(self, signature: str, inputs: Mapping[str, NDArray[Any]], _deadline: float = math.inf) -> FloatArray:
        """Compute a batch of the default definition: features [B, T, M] in its units to waveform [B, S] in [-1, 1]."""
        mel = DEFAULT.linear(np.asarray(inputs["features"]))
        return np.clip(self.defined(DEFAULT).run(signature, {"features": mel}), -1.0, 1.0)

    def defined(self, definition: MelDefinition, iterations: int = ITERATIONS) -> Defined:
        """Return what decodes linear mel of a definition with its number of bands."""
        return Defined(self, definition, iterations)


@dataclass(frozen=True)
class Defined:
    """Decodes linear mel [B, T, M] of one definition. Equal ones share batches, others never do."""

    model: GriffinLim
    definition: MelDefinition
    iterations: int

    @property
    def name(self) -> str:
        """Name of the model, as metrics label it."""
        return NAME

    @property
    def contract(self) -> Contract:
        """What a vocoder of this definition would promise."""
        definition = self.definition
        return CONTRACT.model_copy(
            update={
                "audio": Audio(
                    sample_rate_hz=definition.sample_rate_hz, clip_samples=FRAMES * definition.hop, channels=1
                ),
                "features": Features.model_validate(_features(definition)),
            }
        )

    def run(self, _signature: str, inputs: Mapping[str, NDArray[Any]], _deadline: float = math.inf) -> FloatArray:
        """Compute a batch. Returns: waveform [B, T * hop], not clipped."""
        given: dict[str, Any] = {
            "filters": self.definition.filters(),
            "window": self.definition.hann(),
            "power": np.float32(self.definition.power),
            "hop": np.int32(self.definition.hop),
            "iterations": np.int32(self.iterations),
        }
        with self.model.turns:
            return SavedModel.run(self.model, GRAPH, {**inputs, **given})

    def check_size(self, count: int, frames: int) -> None:
        """Hold memory and time to their bounds.

        Raises: TooLarge.
        """
        bins, overlap = self.definition.n_fft // 2 + 1, math.ceil(self.definition.n_fft / self.definition.hop)
        cells = count * (frames + overlap) * bins
        if cells > MOST_CELLS:
            raise TooLarge(
                f"features: {count} x {frames} frames (and {overlap} that overlap) x {bins} bins are {cells} cells; "
                f"at most {MOST_CELLS} a request: send fewer frames, or a smaller n_fft",
                field="features",
            )
        if cells * self.iterations > MOST_WORK:
            raise TooLarge(
                f"iterations: {self.iterations} over {cells} cells (frames x bins); so many allow "
                f"{MOST_WORK // cells} at most",
                field="iterations",
            )
