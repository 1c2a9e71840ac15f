"""Clips in a page: pictures, sounds, and what stands beside what."""

from __future__ import annotations

import base64
import io
import wave

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from tests.trainer.report import material
from trainer.report.listening import beside_nearest, beside_real
from trainer.report.sounds import sound_uri
from trainer.report.spectrograms import LARGEST, spectrogram_uri
from trainer.report.subject import Clip, Subject


def content(uri: str) -> io.BytesIO:
    return io.BytesIO(base64.b64decode(uri.partition(",")[2]))


def picture(features: np.ndarray) -> np.ndarray:
    """Colours [H, W, 3], top row first."""
    return np.asarray(Image.open(content(spectrogram_uri(features.astype("float32")))).convert("RGB"))


def colour(value: float) -> list[int]:
    """What magma gives a value in [-1, 1]."""
    return np.round(np.array(colormaps["magma"](round((value + 1) * 127.5))[:3]) * 255).astype(int).tolist()


def plain(waveform: np.ndarray, title: str = "7") -> Clip:
    return Clip(waveform=waveform, rate_hz=8_000, title=title, features=np.zeros((8, 4), "float32"))


def test_a_picture_has_low_bands_below_and_time_to_the_right() -> None:
    features = -np.ones((6, 4))
    features[5, 0] = 1.0  # last frame, lowest band
    drawn = picture(features)
    assert drawn[-1, -1].tolist() == colour(1.0)
    assert drawn[0, 0].tolist() == drawn[-1, 0].tolist() == drawn[0, -1].tolist() == colour(-1.0)


@pytest.mark.parametrize("level", [-1.0, -0.5, 0.0, 1.0])
def test_a_colour_means_the_same_in_every_picture(level: float) -> None:
    assert (picture(np.full((5, 3), level)) == colour(level)).all()
    assert picture(np.array([[level, 1.0], [-1.0, 0.0]]))[-1, 0].tolist() == colour(level)


def test_values_outside_the_scale_are_its_ends() -> None:
    assert (picture(np.full((2, 2), 7.0)) == colour(1.0)).all()
    assert (picture(np.full((2, 2), np.nan)) == colour(-1.0)).all()


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (344, 128), (2_000, 300)])
def test_a_picture_is_neither_blurred_nor_needlessly_large(shape: tuple[int, int]) -> None:
    height, width, _ = picture(np.zeros(shape)).shape
    assert 256 <= width <= 2 * 256
    assert height <= max(2 * LARGEST[1], width)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_sound_is_what_was_given(channels: int) -> None:
    waveform = np.random.default_rng(0).uniform(-1, 1, (400, channels)).astype("float32")
    with wave.open(content(sound_uri(plain(waveform if channels == 2 else waveform[:, 0])))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8_000, channels, 2)
        samples = np.frombuffer(sound.readframes(400), "<i2").reshape(400, channels)
    assert np.abs(samples / 32767.0 - waveform).max() < 1 / 32767


def test_samples_that_are_not_finite_are_silent_and_noted() -> None:
    broken = plain(np.array([0.5, np.nan, np.inf, -np.inf], "float32"))
    with wave.open(content(sound_uri(broken))) as sound:
        assert np.frombuffer(sound.readframes(4), "<i2").tolist() == [16384, 0, 32767, -32767]
    (card,) = beside_real([Subject(name="one", document={}, generated=(broken,))])
    assert card.players[0].note == "holds values that are not finite"


def test_a_clip_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"clip '7': waveform \[S\]"):
        plain(np.zeros((1, 2, 3), "float32"))


def test_titles_that_repeat_stand_beside_their_own_real_clip() -> None:
    sounds = [np.full(100, level, "float32") for level in (0.1, 0.2, 0.3, 0.4)]
    subject = Subject(
        name="one",
        document={},
        generated=tuple(plain(sound) for sound in sounds[:2]),
        real=tuple(plain(sound) for sound in sounds[2:]),
    )
    cards = beside_real([subject])
    assert [[player.sound for player in card.players] for card in cards] == [
        [sound_uri(plain(sounds[0])), sound_uri(plain(sounds[2]))],
        [sound_uri(plain(sounds[1])), sound_uri(plain(sounds[3]))],
    ]
    assert [player.caption for player in cards[0].players] == ["generated", "real"]


def test_a_comparison_has_each_subject_and_a_shared_real_clip_once() -> None:
    first, second = material.subject("first"), material.subject("second", pitch=64)
    for card in beside_real([first, second]):
        assert [player.caption for player in card.players] == ["first", "second", "real"]
        assert [player.colour for player in card.players] == [0, 1, None]
    other = material.subject("other", real=(material.clip("fm", 50),))
    (card,) = [card for card in beside_real([first, other]) if card.title == "fm"]
    assert [player.caption for player in card.players] == ["first", "other", "real", "real"]


def test_a_nearest_clip_of_another_label_says_which() -> None:
    pair = (plain(np.zeros(10, "float32")), plain(np.zeros(10, "float32"), "1"))
    (card,) = beside_nearest(Subject(name="one", document={}, nearest=(pair,)), 0)
    assert [player.caption for player in card.players] == ["generated", "nearest in training: 1"]
