"""Faults that averages over a clip don't show: a click at its end, noise where there should be silence."""

from __future__ import annotations

import math

import numpy as np

from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.reconstruction.measure import Reconstruction, Sound

END_SECONDS = 0.005
QUIET = 0.01  # of the largest step elsewhere: -40 dB
SILENCE_DBFS = -120.0


def end_click(wanted: Sound, got: Sound, rate_hz: int) -> float:
    """How much more the last 5 ms stand out of `got` than out of `wanted`; 1 is no click, 10 a click of 20 dB.

    The end stands out by its largest step between neighbouring samples over the largest step elsewhere in the same
    sound: steps weigh high frequencies, as clicks have them, and the level of the sound drops out. A share below
    QUIET counts as QUIET, so that a faint rest where `wanted` has faded is not a click; and an end that is quieter
    than the wanted one counts 1, so that in a mean it hides no other clip's click. The step from the last sample into
    the silence after the clip is left out: in a clip that was cut it depends on the phase, which decoders may choose.
    Raises: Unmeasurable for clips under 10 ms and where either sound doesn't change before its end.
    """
    return max(1.0, _prominence(got, rate_hz) / _prominence(wanted, rate_hz))


def silence_noise(decoded: Sound) -> float:
    """Level of what a decoder makes of digital silence: peak of samples [S] in dBFS, -120 at least.

    -96 dBFS is one step of 16-bit sound.
    """
    peak = float(np.abs(decoded).max(initial=0.0))
    return max(SILENCE_DBFS, 20.0 * math.log10(peak)) if peak else SILENCE_DBFS


def _prominence(sound: Sound, rate_hz: int) -> float:
    """Largest step of the last 5 ms over the largest elsewhere, QUIET at least."""
    end = max(1, round(END_SECONDS * rate_hz))
    steps = np.abs(np.diff(sound))
    if len(steps) < 2 * end:
        raise Unmeasurable("a clip under 10 ms is all end")
    elsewhere = float(steps[:-end].max())
    if not elsewhere:
        raise Unmeasurable("a sound is silent before its end")
    return max(QUIET, float(steps[-end:].max()) / elsewhere)


END_CLICK = Reconstruction(
    name="end_click",
    title="click at the end",
    unit="x",
    better="lower",
    function=end_click,
)
