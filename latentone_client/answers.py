"""What the service answers: arrays, and all it takes to make them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentone_client.files import write_whole
from latentone_client.sound_files import AudioFormat, FloatArray, encode, format_of


@dataclass(frozen=True, kw_only=True)
class Model:
    """A version of a model."""

    name: str
    version: int
    state: str  # available (loaded when first asked for), loading, ready or failed
    reason: str = ""  # why it failed
    default: bool = False  # whether requests that name no model get this one
    version_labels: tuple[str, ...] = ()  # that stand for this version
    operations: tuple[str, ...] = ()
    sample_rate_hz: int = 0  # 0 where the contract could not be read, as with the fields below
    clip_samples: int = 0
    channels: int = 0
    latent_size: int = 0
    labels: tuple[str, ...] = ()
    pitches: tuple[float, ...] = ()  # the MIDI pitch of each label; empty where labels do not stand for pitches
    contract: Mapping[str, Any] = field(default_factory=dict)  # of one model that was asked for; empty in a list


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """Who made it, and how fast."""

    model: str
    version: int
    timing: Mapping[str, float]  # seconds by stage, as the service measured them; `total` is the whole


@dataclass(frozen=True, kw_only=True, eq=False)
class Features(Answer):
    """What `sample` and `analyse` make and `decode` takes."""

    values: FloatArray  # [B, frames, bands] or [B, frames, bands, channels], in the units of the model's contract
    seeds: tuple[int, ...] = ()  # one, or none where latents or a sound were given
    labels: tuple[str, ...] = ()  # one for each item, or none


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound(Answer):
    """Clips of one length."""

    samples: FloatArray  # [B, S] or, of models with channels, [B, S, C]; in [-1, 1]
    sample_rate_hz: int
    seeds: tuple[int, ...] = ()  # one; the stations of a path; none where latents or features were given
    labels: tuple[str, ...] = ()  # one for each clip, or none
    warnings: tuple[str, ...] = ()  # what is doubtful about the features that were decoded, in words
    sounds: int = 0  # of a path, that it passed before its seeds

    @property
    def seconds(self) -> float:
        """How long it is, all clips one after another."""
        clips, samples = self.samples.shape[:2]
        return float(clips * samples / self.sample_rate_hz)

    def file(self, form: AudioFormat = "wav", *, item: int | None = None) -> bytes:
        """Return one clip as a sound file; without `item` all of them, one after another.

        Raises: Invalid for a format that is unknown or can't hold the rate.
        """
        clip = self.samples.reshape(-1, *self.samples.shape[2:]) if item is None else self.samples[item]
        return encode(clip, sample_rate_hz=self.sample_rate_hz, form=form, tags=self._tags(item))

    def write(self, path: str | Path, form: AudioFormat | None = None) -> None:
        """Write all clips, one after another, into a file. form: of the file, whatever its suffix.

        Raises: Invalid as `file`, and for a suffix that stands for no format; OSError.
        """
        write_whole(Path(path), self.file(form or format_of(path)))

    def write_each(self, path: str | Path, form: AudioFormat | None = None) -> list[Path]:
        """Write each clip into a file of its own: seven-0000.wav, seven-0001.wav and so on for seven.wav.

        Returns: the paths. Raises: as `write`.
        """
        path = Path(path)
        form = form or format_of(path)
        paths = [path.with_name(f"{path.stem}-{item:04}{path.suffix}") for item in range(len(self.samples))]
        for item, each in enumerate(paths):
            write_whole(each, self.file(form, item=item))
        return paths

    def _tags(self, item: int | None) -> dict[str, str]:
        """Return what a file says of itself, in the service's words."""
        label = ", ".join(dict.fromkeys(self.labels if item is None else self.labels[item : item + 1]))
        facts = {"model": self.model, "version": str(self.version)}
        facts |= {"seed": ", ".join(map(str, self.seeds)), "label": label}
        is_path = self.sounds + len(self.seeds) > 1
        if self.sounds:
            facts["sounds"] = str(self.sounds)
        if is_path:
            facts["steps"] = str(len(self.samples))
        if item is not None and (is_path or item):  # a seed alone means its first item
            facts["item"] = str(item)
        comment = "; ".join(f"{name}={text}" for name, text in facts.items() if text)
        return {"title": f"{self.model} {label}".strip(), "comment": comment, "software": "latentone"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Varied(Sound):
    """Variations of a sound, and how much of it was heard."""

    distance: float  # of each from the sound, 0 to 1
    sound_seconds: float
    heard_seconds: float  # a clip of the model's at most

    def _tags(self, item: int | None) -> dict[str, str]:
        tags = super()._tags(item)
        return tags | {"comment": f"{tags['comment']}; distance={self.distance:g}"}


@dataclass(frozen=True)
class Folded:
    """Notes that were moved by octaves."""

    pitch: int
    to: int
    count: int


@dataclass(frozen=True)
class Skipped:
    """Notes that were left out."""

    pitch: int
    percussion: bool
    count: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Tune(Sound):
    """A rendered MIDI file: one clip, with an account of its notes."""

    notes: int
    folded: tuple[Folded, ...] = ()
    skipped: tuple[Skipped, ...] = ()
