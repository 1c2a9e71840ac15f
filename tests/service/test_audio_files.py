"""Sound files, there and back."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from service.audio_files import ENCODINGS, FORMATS, AudioFormat, check_rate, read_audio, write_audio
from service.errors import Invalid, TooLarge, Unsupported

TAGS = {"title": "digits 7", "comment": "model=digits; version=1; seed=3; label=7", "software": "latentone"}
RATE_HZ = 16_000


def tone(seconds: float = 0.5) -> np.ndarray:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def written(form: AudioFormat, waveform: np.ndarray | None = None) -> bytes:
    sound = tone() if waveform is None else waveform
    return write_audio(sound, sample_rate_hz=RATE_HZ, form=form, tags=TAGS)


@pytest.mark.parametrize(("form", "error"), [("wav", 1 / 32768), ("wav_float", 0), ("flac", 1 / 32768)])
def test_exact_formats_give_the_sound_back(form: AudioFormat, error: float) -> None:
    read = read_audio(written(form), sample_rate_hz=RATE_HZ, most_seconds=1)
    assert np.abs(read - tone()).max() <= error * 1.01


@pytest.mark.parametrize("form", ["ogg", "opus", "mp3"])
def test_lossy_formats_give_nearly_the_sound_back(form: AudioFormat) -> None:
    read = read_audio(written(form), sample_rate_hz=RATE_HZ, most_seconds=2)
    assert 0.3 < np.abs(read).max() < 0.7


@pytest.mark.parametrize("form", FORMATS)
def test_files_say_what_they_are_and_where_they_come_from(form: AudioFormat) -> None:
    body = written(form)
    if ENCODINGS[form].container is None:
        return
    with soundfile.SoundFile(io.BytesIO(body)) as file:
        assert (file.format, file.subtype) == (ENCODINGS[form].container, ENCODINGS[form].subtype)
        assert file.title == TAGS["title"]
        assert file.comment == TAGS["comment"]


def test_raw_samples_are_what_they_are_called() -> None:
    pcm = np.frombuffer(written("pcm"), "<i2")
    np.testing.assert_array_equal(pcm, np.rint(tone() * 32767).astype("<i2"))
    np.testing.assert_array_equal(np.frombuffer(written("f32"), "<f4"), tone())


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "pcm"])
def test_equal_sounds_are_equal_bytes(form: AudioFormat) -> None:
    assert written(form) == written(form)


def test_what_is_too_loud_is_clipped_and_not_wrapped_around() -> None:
    pcm = np.frombuffer(written("pcm", np.array([2.0, -2.0, 1.0, -1.0], np.float32)), "<i2")
    assert pcm.tolist() == [32767, -32767, 32767, -32767]


def test_minutes_of_vorbis_can_be_written() -> None:
    assert len(written("ogg", np.tile(tone(1), 120))) > 10_000


def test_a_rate_that_a_format_can_not_hold_is_refused_with_the_ones_it_can() -> None:
    with pytest.raises(Invalid, match="8000, 12000, 16000, 24000, 48000"):
        check_rate("opus", 22_050)
    with pytest.raises(Invalid, match="44100"):
        check_rate("mp3", 96_000)
    for form in FORMATS:
        check_rate(form, 16_000)


def test_channels_are_averaged() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([tone(), -tone() / 2], axis=1), RATE_HZ, format="WAV", subtype="FLOAT")
    np.testing.assert_allclose(
        read_audio(buffer.getvalue(), sample_rate_hz=RATE_HZ, most_seconds=1), tone() / 4, atol=1e-6
    )


def stereo(seconds: float = 0.5) -> np.ndarray:
    return np.stack([tone(seconds), -tone(seconds) / 2], axis=1)


@pytest.mark.parametrize("form", ["wav", "wav_float", "flac", "ogg", "opus", "mp3"])
def test_channels_keep_their_places(form: AudioFormat) -> None:
    read = read_audio(written(form, stereo()), sample_rate_hz=RATE_HZ, most_seconds=2, channels=2)
    assert read.shape[1] == 2
    assert read.flags.c_contiguous
    left, right = np.abs(read[1000:-1000]).max(axis=0)
    assert left == pytest.approx(2 * right, rel=0.15)
    if form in ("wav", "wav_float", "flac"):
        np.testing.assert_allclose(read, stereo(), atol=1.01 / 32768)


def test_the_channels_of_raw_samples_take_turns() -> None:
    np.testing.assert_array_equal(np.frombuffer(written("f32", stereo()), "<f4").reshape(-1, 2), stereo())


def test_mono_is_doubled_for_a_stereo_model_and_more_is_refused() -> None:
    doubled = read_audio(written("wav_float"), sample_rate_hz=RATE_HZ, most_seconds=1, channels=2)
    np.testing.assert_array_equal(doubled, np.stack([tone(), tone()], axis=1))
    with pytest.raises(Invalid, match="3 channels; at most 2"):
        read_audio(encoded(np.zeros((10, 3))), sample_rate_hz=RATE_HZ, most_seconds=1, channels=2)


def encoded(samples: np.ndarray, rate: int = RATE_HZ) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "failure", "words"),
    [
        (b"", Unsupported, "no sound file"),
        (b"no sound at all", Unsupported, "no sound file"),
        (written("wav")[:30], Unsupported, "no sound file"),
        (encoded(tone(), 22_050), Invalid, "22050 Hz, the model wants 16000 Hz"),
        (encoded(tone(1.5)), TooLarge, "longer than 1 seconds"),
        (encoded(np.zeros(0)), Invalid, "empty"),
        (encoded(np.array([np.nan, 1.0])), Invalid, "NaN"),
        (encoded(np.zeros((10, 9))), Invalid, "9 channels"),
    ],
    ids=["nothing", "text", "cut", "rate", "long", "empty", "nan", "channels"],  # a float WAV holds the time of day
)
def test_sounds_that_can_not_be_taken_are_refused_in_words(body: bytes, failure: type[Exception], words: str) -> None:
    with pytest.raises(failure, match=words):
        read_audio(body, sample_rate_hz=RATE_HZ, most_seconds=1)
