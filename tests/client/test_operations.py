"""Every operation on the bundled models, over both transports, sync and async."""

from __future__ import annotations

import base64
import inspect
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from latentone_client import Client
from tests.client.conftest import SCHEMES, Call, address, call
from tests.service.conftest import ROOT, Server

PRELUDE = ROOT / "tests" / "golden" / "tune.mid"


def both(server: Server, method: str, *args: object, **kwargs: object) -> list:
    return [call(address(server, scheme), "sync", method, *args, **kwargs) for scheme in SCHEMES]


def test_generate(ask: Call) -> None:
    sound = ask("generate", model="digits", label="7", seed=3, count=2)
    assert sound.samples.shape == (2, 8192)
    assert sound.samples.dtype == np.float32
    assert 0.01 < np.abs(sound.samples).max() <= 1
    assert (sound.model, sound.version, sound.sample_rate_hz) == ("digits", 1, 8000)
    assert (sound.seeds, sound.labels) == ((3,), ("7", "7"))
    assert sound.seconds == 2 * 8192 / 8000
    assert 0 < sound.timing["generate"] < sound.timing["total"]


def test_a_seed_that_was_drawn_makes_the_sound_again(ask: Call) -> None:
    sound = ask("generate", label=0)
    assert sound.labels == ("0",)
    again = ask("generate", label=0, seed=sound.seeds[0])
    assert np.array_equal(sound.samples, again.samples)


def test_sample_and_decode_are_generate(ask: Call) -> None:
    features = ask("sample", label="7", seed=3, count=2)
    assert features.values.shape == (2, 64, 64)
    assert (features.seeds, features.labels) == ((3,), ("7", "7"))
    sound = ask("decode", features.values)
    assert np.array_equal(sound.samples, ask("generate", label="7", seed=3, count=2).samples)
    assert (sound.seeds, sound.labels) == ((), ())
    assert ask("decode", features.values[0]).samples.shape == (1, 8192)


def test_latents_in_place_of_a_seed(ask: Call) -> None:
    sound = ask("generate", latents=np.zeros((2, 96)).tolist(), label="7")
    assert sound.samples.shape == (2, 8192)
    assert np.array_equal(sound.samples[0], sound.samples[1])


def test_analyse_takes_bytes_and_paths(ask: Call, tmp_path: Path) -> None:
    sound = ask("generate", label="7", seed=3)
    sound.write(tmp_path / "seven.wav", "wav_float")
    features = ask("analyse", sound.file("wav_float"))
    assert features.values.shape == (1, 64, 64)
    assert np.array_equal(features.values, ask("analyse", tmp_path / "seven.wav").values)


def test_interpolate(ask: Call) -> None:
    path = ask("interpolate", [3, 8], steps=3, label="7")
    assert path.samples.shape == (3, 8192)
    assert (path.seeds, path.labels) == ((3, 8), ("7", "7", "7"))
    assert np.array_equal(path.samples[0], ask("generate", label="7", seed=3).samples[0])


def test_vary_says_how_much_of_the_sound_was_heard(ask_narrow: Call, tmp_path: Path) -> None:
    long = ask_narrow("generate", model="likes", label="two", seed=3, count=2)  # two clips one after another
    long.write(tmp_path / "two.wav", "wav_float")
    own = ask_narrow("vary", tmp_path / "two.wav", model="likes", distance=0, count=2)
    assert own.samples.shape == (2, long.samples.shape[1])
    assert np.array_equal(own.samples[0], own.samples[1])
    assert own.sound_seconds == pytest.approx(2 * own.heard_seconds)
    varied = ask_narrow("vary", long.file("wav_float", item=0), model="likes", distance=1, seed=7, label="one")
    assert (varied.distance, varied.seeds, varied.labels) == (1, (7,), ("one",))
    assert np.array_equal(varied.samples, ask_narrow("generate", model="likes", seed=7, label="one").samples)


def test_interpolate_passes_sounds_and_then_seeds(ask_narrow: Call) -> None:
    sounds = [ask_narrow("generate", model="likes", label="two", seed=seed).file("wav_float") for seed in (3, 4)]
    path = ask_narrow("interpolate", [7], sounds=sounds, model="likes", label="two", steps=3)
    assert (path.sounds, path.seeds, path.labels) == (2, (7,), ("two",) * 3)
    own = ask_narrow("vary", sounds[1], model="likes", label="two", distance=0)
    assert np.allclose(path.samples[1], own.samples[0], atol=1e-5)


@pytest.mark.parametrize("method", ["vary", "interpolate"])
def test_what_begins_from_sounds_is_alike_on_both_transports_and_as_the_service_writes_it(
    narrow: Server, method: str
) -> None:
    sound = call(narrow.url, "sync", "generate", model="likes", seed=3).file("wav_float")
    given = {"audio": sound, "seed": 2, "count": 2, "distance": 0.5}
    if method == "interpolate":
        given = {"sounds": [sound, sound], "seeds": [9], "steps": 3}
    over_http, over_grpc = both(narrow, method, model="likes", **given)
    files = [answer.file("wav", item=1) for answer in (over_http, over_grpc)]
    sounds = {"sounds": [base64.b64encode(sound).decode()] * 2, "audio": base64.b64encode(sound).decode()}
    body = {"model": "likes"} | {name: sounds.get(name, value) for name, value in given.items()}
    served = narrow.http.post(f"/v1/{method}", json=body, headers={"accept": "application/zip"})
    archive = zipfile.ZipFile(io.BytesIO(served.content))
    assert files[0] == files[1] == archive.read(archive.namelist()[1])


def test_render_says_what_became_of_the_notes(ask: Call) -> None:
    tune = ask("render", PRELUDE, model="notes", seed=0, programs={0: 5}, channels={16: 7})
    assert tune.samples.ndim == 2
    assert tune.seeds == (0,)
    assert tune.notes > 0
    assert tune.seconds > 0.5
    skipped = ask("render", PRELUDE.read_bytes(), model="notes", seed=0, out_of_range="skip")
    assert sum(entry.count for entry in (*tune.folded, *tune.skipped)) == sum(e.count for e in skipped.skipped)


def test_models_and_one_with_its_contract(ask: Call) -> None:
    found = {model.name: model for model in ask("models")}
    assert found.keys() >= {"digits", "notes", "griffin-lim"}
    assert found["digits"].default
    assert found["digits"].labels == tuple("0123456789")
    assert found["notes"].pitches
    digits = ask("model", "digits")
    assert digits.contract["audio"]["sample_rate_hz"] == 8000
    assert digits.version == 1


@pytest.mark.parametrize(
    ("method", "args", "kwargs"),
    [
        ("generate", (), {"label": "7", "seed": 2**64 - 1, "count": 3}),
        ("sample", (), {"seed": 5}),
        ("interpolate", ([1, 2, 3],), {"steps": 4}),
        ("render", (PRELUDE,), {"model": "notes", "seed": 9}),
        ("models", (), {}),
        ("model", ("notes",), {"version": 1}),
    ],
)
def test_both_transports_answer_alike_to_the_bit(bundled: Server, method: str, args: tuple, kwargs: dict) -> None:
    over_http, over_grpc = both(bundled, method, *args, **kwargs)
    if not hasattr(over_http, "timing"):
        assert over_http == over_grpc
        return
    facts = [{name: value for name, value in vars(answer).items() if name != "timing"}
             for answer in (over_http, over_grpc)]  # fmt: skip
    arrays = [facts[which].pop("values" if method == "sample" else "samples") for which in range(2)]
    assert arrays[0].dtype == arrays[1].dtype == np.float32
    assert arrays[0].tobytes() == arrays[1].tobytes()
    assert facts[0] == facts[1]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("form", ["wav", "wav_float", "flac", "ogg", "mp3", "pcm", "f32", "opus"])
def test_files_are_those_of_the_service_byte_for_byte(bundled: Server, scheme: str, form: str) -> None:
    def strip(file: bytes) -> bytes:
        # An Ogg stream has a random serial number, and with it checksums; its samples are compared.
        return soundfile.read(io.BytesIO(file))[0].tobytes() if form in ("ogg", "opus") else file

    with Client(address(bundled, scheme)) as client:
        several = client.generate(label="7", seed=3, count=2)
        path = client.interpolate([3, 8], steps=2, label="7")
    served = bundled.generate(label="7", seed=3, count=2, format=form)
    assert strip(several.file(form)) == strip(served.content)
    way = bundled.http.post("/v1/interpolate", json={"seeds": [3, 8], "steps": 2, "label": "7", "format": form})
    assert strip(path.file(form)) == strip(way.content)
    one = bundled.http.post(
        "/v1/generate",
        json={"label": "7", "seed": 3, "count": 2, "format": form},
        headers={"accept": "application/zip"},
    )

    archive = zipfile.ZipFile(io.BytesIO(one.content))
    for item, name in enumerate(archive.namelist()):
        assert strip(several.file(form, item=item)) == strip(archive.read(name))


def test_stereo_sounds_have_a_channel_axis(ask_narrow: Call, tmp_path: Path) -> None:
    sound = ask_narrow("generate", model="wide", seed=1, count=2, label="p48")
    assert sound.samples.ndim == 3
    assert sound.samples.shape[2] == 2
    sound.write(tmp_path / "wide.flac")
    assert soundfile.read(tmp_path / "wide.flac")[0].shape == (2 * sound.samples.shape[1], 2)
    assert ask_narrow("sample", model="wide", seed=1).values.ndim == 4
    assert ask_narrow("generate", model="raw", seed=1).labels == ()


def test_each_clip_has_a_file_of_its_own(bundled: Server, tmp_path: Path) -> None:
    with Client(bundled.url) as client:
        sound = client.generate(label="7", seed=3, count=2)
    paths = sound.write_each(tmp_path / "seven.wav", "wav_float")
    assert [path.name for path in paths] == ["seven-0000.wav", "seven-0001.wav"]
    for path, clip in zip(paths, sound.samples, strict=True):
        assert np.array_equal(soundfile.read(path, dtype="float32")[0], clip)


def test_a_client_is_shared_by_many_calls_and_tells_its_arguments(bundled: Server) -> None:
    for scheme in SCHEMES:
        with Client(address(bundled, scheme)) as client, ThreadPoolExecutor(4) as executor:
            sounds = list(executor.map(lambda seed: client.generate(seed=seed, label="1"), range(8)))
        assert [sound.seeds for sound in sounds] == [(seed,) for seed in range(8)]
    assert list(inspect.signature(Client.generate).parameters)[:3] == ["self", "model", "version"]
    assert "seed" in inspect.signature(client.generate).parameters
    assert "Make clips" in (Client.generate.__doc__ or "")
