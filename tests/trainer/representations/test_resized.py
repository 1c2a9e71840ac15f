"""The report's picture: a bilinear resize as two matrices, and what it loses."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.sounds import notes
from trainer.representations.registry import fit
from trainer.representations.resized import ResizedLogMel, bilinear
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec

AUDIO = AudioSpec(sample_rate_hz=22_050, clip_samples=172 * 512)  # 4 s


@pytest.fixture(scope="module")
def waveforms() -> np.ndarray:
    return notes(AUDIO.clip_samples)[::2]


@pytest.fixture(scope="module")
def picture(waveforms: np.ndarray) -> ResizedLogMel:
    return ResizedLogMel(fit(LogMelSpec(hop_samples=512, size=(256, 256)), AUDIO, waveforms), AUDIO)


@given(source=st.tuples(*[st.integers(2, 80)] * 2), target=st.tuples(*[st.integers(2, 80)] * 2))
@settings(max_examples=20, deadline=None)
def test_the_resize_is_tensorflows(source: tuple[int, int], target: tuple[int, int]) -> None:
    image = np.random.default_rng(0).uniform(-1, 1, (1, *source, 1)).astype("float32")
    wanted = tf.image.resize(image, target, method="bilinear", antialias=False).numpy()[0, :, :, 0]
    got = bilinear(source[0], target[0]) @ image[0, :, :, 0] @ bilinear(source[1], target[1]).T
    assert np.abs(got - wanted).max() < 3e-5  # TensorFlow rounds the places to single precision


def test_a_picture_and_back_loses_little(waveforms: np.ndarray, picture: ResizedLogMel) -> None:
    features = np.asarray(picture.log_mel.encode(waveforms))
    pictures = np.asarray(picture.encode(waveforms))
    assert features.shape[1:] == (172, 64)
    assert pictures.shape[1:] == picture.shape == picture.free_shape == (256, 256)
    again = picture.reduce[0] @ pictures @ picture.reduce[1].T
    error_db = 40.0 * np.abs(again - features)
    assert np.sqrt(np.mean(error_db**2)) < 1.0  # of 80 dB; the largest stand at attacks
    assert np.asarray(picture.decode(pictures[:1])).shape == waveforms[:1].shape


def test_silence_in_is_silence_out(picture: ResizedLogMel) -> None:
    features = np.asarray(picture.encode(np.zeros((1, AUDIO.clip_samples), "float32")))
    assert np.abs(features - picture.silence[0]).max() < 1e-6
    assert np.all(np.asarray(picture.decode(features)) == 0.0)


def test_the_description_says_what_was_resized(picture: ResizedLogMel) -> None:
    described = picture.describe()
    assert described is not None
    assert described["shape"] == [256, 256]
    assert described["frames"] == 256
    assert described["resized"]["from"] == {"frames": 172, "bands": 64}
