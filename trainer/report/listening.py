"""Generated clips beside real ones: what a person compares by eye and ear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from trainer.report.sounds import sound_uri
from trainer.report.spectrograms import spectrogram_uri
from trainer.report.subject import Clip, Subject
from trainer.report.theme import series_index

Key = tuple[str, int]
"""A title and which of the clips with that title: what makes clips of several subjects stand in one card."""


@dataclass(frozen=True, kw_only=True)
class Player:
    """A picture with its sound. colour: that of its subject, None for a real clip. picture and sound: data URIs."""

    caption: str
    colour: int | None
    label: str
    alt: str
    note: str
    picture: str
    sound: str


@dataclass
class Card:
    """Players that belong together."""

    title: str
    players: list[Player] = field(default_factory=list)


def beside_real(subjects: Sequence[Subject]) -> list[Card]:
    """A card a title: what each subject generated, then the real clip, once where all subjects have the same."""
    cards: dict[Key, Card] = {}
    several = len(subjects) > 1
    for index, subject in enumerate(subjects):
        for key, clip in _keyed(subject.generated):
            caption = subject.name if several else "generated"
            cards.setdefault(key, Card(key[0])).players.append(_player(clip, caption, series_index(index)))
    for subject in subjects:
        for key, clip in _keyed(subject.real):
            player = _player(clip, "real", None)
            players = cards.setdefault(key, Card(key[0])).players
            if all(player.sound != other.sound for other in players if other.colour is None):
                players.append(player)
    return list(cards.values())


def beside_nearest(subject: Subject, position: int) -> list[Card]:
    """A card a sample: the sample and the training clip nearest to it. position: of the subject, for its colour."""
    colour = series_index(position)
    return [
        Card(sample.title, [_player(sample, "generated", colour), _player(clip, _nearest_caption(sample, clip), None)])
        for sample, clip in subject.nearest
    ]


def _nearest_caption(sample: Clip, clip: Clip) -> str:
    return "nearest in training" if clip.title == sample.title else f"nearest in training: {clip.title}"


def _keyed(clips: Iterable[Clip]) -> list[tuple[Key, Clip]]:
    seen: Counter[str] = Counter()
    keyed = []
    for clip in clips:
        keyed.append(((clip.title, seen[clip.title]), clip))
        seen[clip.title] += 1
    return keyed


def _player(clip: Clip, caption: str, colour: int | None) -> Player:
    frames, bands = clip.features.shape
    label = f"{clip.title}, {caption}" if clip.title else caption
    return Player(
        caption=caption,
        colour=colour,
        label=label,
        alt=f"Log-mel spectrogram of {label}: {frames} frames, {bands} bands",
        note=f"{clip.seconds:.2f} s" if clip.is_finite else "holds values that are not finite",
        picture=spectrogram_uri(clip.features),
        sound=sound_uri(clip),
    )
