"""Decode by the client and its command line: mel of any definition, files, pictures, warnings."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from latentone_client import Client, Invalid
from tests.client.conftest import SCHEMES, Call, address
from tests.client.test_command_line import Run, done, error, run
from tests.service.conftest import Server
from tests.service.test_decode import A4, MEL, pitch

__all__ = ["run"]  # a fixture

URBAN, LABEL, ITERATIONS = "urban", "siren", 8  # the bundled model whose own decoder is Griffin-Lim


@pytest.mark.parametrize("scheme", SCHEMES)
def test_griffin_lim_of_a_models_own_definition_is_its_own_decoder(bundled: Server, scheme: str) -> None:
    """To 1e-2 of the waveform: the arithmetic differs in its last bits, which iterations make larger."""
    with Client(address(bundled, scheme)) as client:
        contract = client.model(URBAN).contract
        features, audio = contract["features"], contract["audio"]
        assert features["inversion"]["griffin_lim_iterations"] == ITERATIONS
        definition = {
            "sample_rate_hz": audio["sample_rate_hz"], "n_fft": features["n_fft"],
            "hop_samples": features["hop_samples"], "scale_from": [-1, 1],
            "scale_to": [features["db_min"], features["db_max"]],
        }  # fmt: skip
        mel = client.sample(model=URBAN, label=LABEL, seed=3, count=3).values
        own = client.decode(mel, model=URBAN)
        given = client.decode(mel, definition=definition, iterations=ITERATIONS)
    assert (given.model, given.sample_rate_hz) == ("griffin-lim", audio["sample_rate_hz"])
    assert np.abs(own.samples).max() > 0.1
    np.testing.assert_allclose(given.samples, own.samples, atol=1e-2)


def test_a_librosa_mel_needs_no_more_than_its_name(ask: Call) -> None:
    sound = ask("decode", MEL, model="griffin-lim")
    assert sound.sample_rate_hz == 22_050
    assert pitch(sound.samples[0], 22_050) == pytest.approx(A4, abs=15)
    assert sound.warnings == ()
    assert np.abs(ask("decode", MEL - 60, definition={}, peak=0.25).samples).max() == pytest.approx(0.25, abs=1e-4)


def test_files_are_arrays_or_pictures(ask: Call, bundled: Server, tmp_path: Path) -> None:
    mel = tmp_path / "mel.npy"
    np.save(mel, MEL)
    straight = ask("decode", MEL, model="griffin-lim").samples
    for given in (mel, str(mel), mel.read_bytes()):
        np.testing.assert_array_equal(ask("decode", given, model="griffin-lim").samples, straight)
    picture = tmp_path / "digit.png"
    picture.write_bytes(bundled.http.post("/v1/sample", json={"label": "7", "seed": 3, "format": "grey"}).content)
    features = ask("sample", label="7", seed=3).values
    for given in (picture, picture.read_bytes()):
        np.testing.assert_allclose(ask("decode", given).samples, ask("decode", features).samples, atol=0.05)
    with pytest.raises(Invalid, match=r"neither an \.npy file of numbers nor a PNG"):
        ask("decode", b"RIFF")


def test_warnings_come_with_the_sound(ask: Call) -> None:
    (warning,) = ask("decode", np.full((4, 64), 5.0)).warnings
    assert "values from 5 to 5, of which the model has seen -1 to 1 only" in warning


def test_an_unknown_field_of_a_definition_is_refused(ask: Call) -> None:
    with pytest.raises(Invalid, match="hop"):
        ask("decode", MEL, definition={"hop": 512})


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_command_line_decodes_any_mel(run: Run, bundled: Server, tmp_path: Path, scheme: str) -> None:
    url = address(bundled, scheme)
    np.save(tmp_path / "mel.npy", (MEL + 80) / 60 - 1)
    scale = ["--scale-from", "-1", "1", "--scale-to", "-80", "40", "--n-fft", "2048"]
    assert b"22050 Hz, griffin-lim version 1" in done(run("decode", "mel.npy", *scale, "-o", "a.wav", url=url))
    sound, rate = soundfile.read(tmp_path / "a.wav")
    assert pitch(sound, rate) == pytest.approx(A4, abs=15)
    refused = error(run("decode", "mel.npy", "--n-fft", "99999", "-o", "b.wav", url=url), 1)
    assert refused == "error: definition.n_fft: 99999 is not within 64 to 8192"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_command_line_decodes_a_picture_and_warns(run: Run, bundled: Server, tmp_path: Path, scheme: str) -> None:
    url = address(bundled, scheme)
    asked = {"label": "7", "seed": 3, "format": "grey"}
    (tmp_path / "digit.png").write_bytes(bundled.http.post("/v1/sample", json=asked).content)
    assert not run("decode", "digit.png", "-o", "a.wav", url=url).stderr
    process = run("decode", "digit.png", "--black", "-80", "--white", "0", "-o", "-", url=url)
    assert len(soundfile.read(io.BytesIO(done(process)))[0]) == 8_192
    warning, said = process.stderr.decode().splitlines()
    assert warning.startswith("warning: features: values from -80 to ")
    assert said.startswith("-: 1.02 seconds")
