"""Whether a sound has the pitch it should have: a tracker, and scores of what it finds.

Measured on 300 built-in notes (C2 to C6, 1 s), at 16 and at 8 kHz: all within 50 cents, also with white noise 10 dB
below them, half within 0.3; 0.04 s a second of sound on one core. After log_mel and back 0.93 at 16 kHz and 0.97 at
8 kHz are, for mel bands blur the harmonics of the lowest notes: the representation's limit, not the tracker's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.measure import Unmeasurable

LOWEST, HIGHEST = 24, 96  # MIDI: C1 to C7
RATE_HZ = 32_000
"""Every sound is tracked at this rate, so that accuracy and time depend on no corpus: at 8 kHz the period of C7 is
under 4 samples, and lags that coarse make octave errors."""
FRAME = 4096  # 128 ms: four periods of C1
FINE_FRAME = 8192  # once the octave is known, twice as long halves the error of low notes
HOP = 1024
RESOLUTION = 0.25  # semitones: 5 times as fast as librosa's 0.1; the fine search makes up for it
THRESHOLDS = (2.0, 11.33)  # pYIN's prior of mean 0.15: decoders dent periodicity, the usual 0.1 calls more unvoiced
NEAR = 0.5  # semitones round the median
RIGHT_CENTS = 50.0

Pitches = NDArray[np.float32]


class PitchError(NamedTuple):
    """cents: median absolute error of the voiced clips, NaN where there are none. voiced: how many of `clips`."""

    cents: float
    voiced: int
    clips: int


def track(waveform: NDArray[np.float32], rate_hz: int) -> float:
    """MIDI pitch of a mono sound [S], C1 to C7: the median over its voiced frames; NaN where none is voiced.

    Sines of 0.3 s are found to 5 cents from C2 to C6, to 10 beyond. Octave and voicing are pYIN's; YIN then measures
    the period in longer frames, near what is known.
    Source: Mauch and Dixon, "pYIN", 2014; de Cheveigne and Kawahara, "YIN", 2002; both in librosa.
    """
    import librosa
    import soxr

    sound = soxr.resample(waveform, rate_hz, RATE_HZ) if rate_hz != RATE_HZ else waveform
    lowest, highest = librosa.midi_to_hz([LOWEST, HIGHEST])
    grid = {"sr": RATE_HZ, "hop_length": HOP}
    rough_hz, voiced, _ = librosa.pyin(
        sound,
        fmin=lowest,
        fmax=highest,
        frame_length=FRAME,
        resolution=RESOLUTION,
        beta_parameters=THRESHOLDS,
        no_trough_prob=0.0,  # else noise is voiced by its deepest trough
        **grid,
    )
    if not voiced.any():
        return float("nan")
    rough = librosa.hz_to_midi(rough_hz)
    middle = np.quantile(rough[voiced], 0.5, method="lower")  # one of them, never between two octaves
    around = librosa.midi_to_hz([middle - 2 * NEAR, middle + 2 * NEAR])
    fine_hz = librosa.yin(sound, fmin=around[0], fmax=around[1], frame_length=FINE_FRAME, **grid)
    steady = np.abs(rough - middle) <= NEAR  # false where unvoiced, for that is NaN
    centres = HOP * np.arange(len(steady))
    whole = steady & (centres >= FINE_FRAME // 2) & (centres <= len(sound) - FINE_FRAME // 2)
    steady = whole if whole.any() else steady  # frames over the ends see silence, which bends low notes
    return float(np.median(librosa.hz_to_midi(fine_hz[steady])))


def pitch_of_labels(label_names: Sequence[str], labels: NDArray[np.int32], pitches: Pitches) -> Pitches | None:
    """MIDI pitch that each label stands for, float32 [L]; None where labels are not pitches.

    labels: [N], indices into label_names, -1 where there is none. pitches: [N], NaN where unknown. A label stands for
    a pitch where it has clips and all of them have that one.
    """
    found = np.full(len(label_names), np.nan, np.float32)
    for label in range(len(label_names)):
        own = np.unique(pitches[labels == label])
        if len(own) == 1:
            found[label] = own[0]
    return found if len(found) and np.isfinite(found).all() else None


def pitch_accuracy(tracked: Pitches, wanted: Pitches) -> float:
    """Share of clips whose pitch is within 50 cents of the wanted one; unvoiced ones are wrong.

    tracked, wanted: MIDI [N]; clips whose wanted pitch is NaN are left out.
    Raises: Unmeasurable where none is left.
    """
    return float(np.mean(_cents(tracked, wanted) <= RIGHT_CENTS))  # NaN is not


def pitch_error_cents(tracked: Pitches, wanted: Pitches) -> PitchError:
    """How far voiced clips are from their pitch, and how many are voiced: an octave is 1200 cents.

    tracked, wanted: MIDI [N]; clips whose wanted pitch is NaN are left out.
    Raises: Unmeasurable where none is left.
    """
    cents = _cents(tracked, wanted)
    voiced = cents[np.isfinite(cents)]
    return PitchError(float(np.median(voiced)) if len(voiced) else float("nan"), len(voiced), len(cents))


def _cents(tracked: Pitches, wanted: Pitches) -> NDArray[np.float64]:
    """Absolute errors of the clips whose pitch is known, NaN where unvoiced."""
    known = np.isfinite(wanted)
    if not known.any():
        raise Unmeasurable("no clip has a known pitch")
    return 100.0 * np.abs(tracked[known].astype("float64") - wanted[known])
