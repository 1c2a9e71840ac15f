"""Notes and clips to one waveform: envelopes, loudness and the sum. NumPy only; knows no model and no transport."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.midi import Note

FloatArray = NDArray[np.float32]

ATTACK_SECONDS = 0.010
RELEASE_SECONDS = 0.3
MOST_VELOCITY = 127


def loudness(velocity: int) -> float:
    """Return the factor for a velocity of 1 to 127: (velocity / 127) ** 2, so half the velocity is 12 dB less.

    Source: the concave curve of General MIDI level 2 and DLS, 40 log10(velocity / 127) dB.
    """
    return (velocity / MOST_VELOCITY) ** 2


@dataclass(frozen=True, kw_only=True)
class Articulation:
    """How a clip becomes a note: faded in, held until note-off, faded out; never longer than the clip.

    The fade-out ends with the clip at the latest, so a note that is held for too long begins it early.
    """

    sample_rate_hz: int
    clip_samples: int
    attack_seconds: float = ATTACK_SECONDS
    release_seconds: float = RELEASE_SECONDS

    def start(self, note: Note) -> int:
        """Return the sample at which a note begins: the nearest to its onset."""
        return round(note.onset_seconds * self.sample_rate_hz)

    def length(self, note: Note) -> int:
        """Return how many samples sound, the fade-out included."""
        return self._held(note) + self._release

    def envelope(self, note: Note) -> FloatArray:
        """Return the factor for each sample: the fade-in times the fade-out, both linear.

        Returns: float32 [length] in [0, 1].
        """
        held, release = self._held(note), self._release
        attack = round(self.attack_seconds * self.sample_rate_hz)
        places = np.arange(held + release, dtype=np.float32)
        rise = np.minimum(places / max(attack, 1), 1.0) if attack else np.ones_like(places)
        fall = np.minimum((held + release - places) / max(release, 1), 1.0)
        return np.asarray(rise * fall, np.float32)

    @property
    def _release(self) -> int:
        return min(round(self.release_seconds * self.sample_rate_hz), self.clip_samples)

    def _held(self, note: Note) -> int:
        return min(round(note.seconds * self.sample_rate_hz), self.clip_samples - self._release)


class Mix:
    """A tune that grows note by note; no clip is kept."""

    def __init__(self, articulation: Articulation, samples: int, channels: int = 1) -> None:
        """samples: length of the tune; every note must end within it."""
        self._articulation = articulation
        self._sum = np.zeros((samples, channels), np.float32)

    def add(self, note: Note, clip: FloatArray) -> None:
        """Add a note to the sum.

        clip: float32 [clip_samples], or [clip_samples, channels].
        """
        envelope = self._articulation.envelope(note) * np.float32(loudness(note.velocity))
        start = self._articulation.start(note)
        sounding = clip.reshape(len(clip), -1)[: len(envelope)]
        self._sum[start : start + len(envelope)] += sounding * envelope[:, np.newaxis]

    def waveform(self) -> FloatArray:
        """Return the sum; where its peak passes 1, the whole of it is scaled down to 1, and nothing is clipped.

        The mix is over with that. Returns: float32 [samples], or [samples, channels] where there are several.
        """
        peak = float(np.abs(self._sum).max(initial=0.0))
        if peak > 1.0:
            self._sum /= np.float32(peak)
        return self._sum[:, 0] if self._sum.shape[1] == 1 else self._sum
