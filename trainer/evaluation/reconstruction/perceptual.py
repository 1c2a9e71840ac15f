"""Speech as listeners would judge it: PESQ for its quality, STOI for whether it is understood.

Both were fitted to listening tests of speech. Of music and noises they give numbers that mean nothing, and both
expect the two sounds to be aligned in time.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.reconstruction.measure import Reconstruction, Sound

PESQ_MODES = {8_000: "nb", 16_000: "wb"}
PESQ_LONGEST_SECONDS = 20.0
"""The package has room for 50 utterances and writes past them, which ends the process. An utterance lasts 0.2 s and
so does the pause before the next, at least: 20 s hold no more than 50."""


def pesq(wanted: Sound, got: Sound, rate_hz: int) -> float:
    """Perceptual evaluation of speech quality: MOS-LQO, about 1 to 4.5 (8 kHz) or 4.64 (16 kHz); level is no matter.

    Narrow band (P.862, mapped by P.862.1) at 8 kHz, wide band (P.862.2) at 16 kHz; two scales, not to be compared.
    Raises: Unmeasurable at other rates, without the package, for clips that are not 0.25 to 20 s long, silent, or in
    which no utterance is found.
    Source: ITU-T P.862; the `pesq` package, which wraps ITU's own program.
    """
    if rate_hz not in PESQ_MODES:
        raise Unmeasurable(f"PESQ is defined at 8000 and 16000 Hz, not at {rate_hz} Hz")
    if len(wanted) > PESQ_LONGEST_SECONDS * rate_hz:
        raise Unmeasurable(f"PESQ is for clips up to {PESQ_LONGEST_SECONDS:g} s, not {len(wanted) / rate_hz:.1f} s")
    if not (np.any(wanted) and np.any(got)):
        raise Unmeasurable("PESQ of a silent sound is not defined")
    package = _package("pesq", " (needs a C compiler)")
    try:
        return float(package.pesq(rate_hz, wanted, got, PESQ_MODES[rate_hz]))
    except package.BufferTooShortError as error:
        raise Unmeasurable("PESQ needs clips of 0.25 s at least") from error
    except package.NoUtterancesError as error:
        raise Unmeasurable("PESQ finds no utterance of 0.2 s") from error
    except ValueError as error:  # its C code answered NaN, and the wrapper can't name that
        raise Unmeasurable("PESQ gives no number") from error


def stoi(wanted: Sound, got: Sound, rate_hz: int) -> float:
    """Short-time objective intelligibility: 1 is as clear as `wanted`, about 0 is not understood; at most 1.

    Judged up to 4.3 kHz, at 10 kHz, to which the package resamples. Silence for `got` gives 0.
    Raises: Unmeasurable without the package, where `wanted` is silent, and where less than 0.4 s of it remains
    without the frames 40 dB below its loudest.
    Source: Taal, Hendriks, Heusdens and Jensen, "An Algorithm for Intelligibility Prediction of Time-Frequency
    Weighted Noisy Speech", 2011; the `pystoi` package.
    """
    if not np.any(wanted):
        raise Unmeasurable("STOI of silence is not defined")
    package = _package("pystoi")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # the package warns of too few frames and answers 1e-5
        try:
            return float(package.stoi(wanted.astype("float64"), got.astype("float64"), rate_hz))
        except (RuntimeWarning, np.exceptions.AxisError) as error:  # AxisError: shorter than one frame
            raise Unmeasurable("STOI needs 0.4 s of sound that is not silence") from error


def _package(name: str, needs: str = "") -> Any:
    """Import a package that only one measure uses."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Unmeasurable(f"{name} is not there; install it: .venv/bin/pip install {name}{needs}") from error


PESQ = Reconstruction(
    name="pesq",
    title="PESQ (speech)",
    unit="MOS-LQO",
    better="higher",
    function=pesq,
)
STOI = Reconstruction(
    name="stoi",
    title="STOI (speech)",
    unit="",
    better="higher",
    function=stoi,
)
