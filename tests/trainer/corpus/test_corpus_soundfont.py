"""Notes of a sound font are the notes they claim to be, rendered by the real fluidsynth; what is wrong says so."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from trainer.corpus import Source, find_source, fluidsynth, prepare
from trainer.corpus.fluidsynth import RATE_HZ, Take, render
from trainer.corpus.general_midi import NAMES
from trainer.corpus.soundfont_file import is_soundfont, read_font
from trainer.errors import LatentoneError, SpecError
from trainer.evaluation.pitch import track
from trainer.specs.audio import AudioSpec, PreparationSpec

FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
real = pytest.mark.skipif(
    not FONT.is_file() or not shutil.which("fluidsynth"),
    reason="SOUND FONTS ARE NOT TESTED HERE: apt-get install fluidsynth fluid-soundfont-gm",
)


def font_bytes(presets: dict[tuple[int, int], str], *, padded: bool = True, **information: str) -> bytes:
    """A font with headers and no samples: enough to be read, not to be played."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2 if padded else 0)

    rows = [(name.encode(), program, bank, 0, 0, 0, 0) for (bank, program), name in presets.items()]
    headers = b"".join(struct.pack("<20sHHHIII", *row) for row in [*rows, (b"EOP", 0, 0, 0, 0, 0, 0)])
    texts = b"".join(chunk(name.encode(), text.encode() + b"\0") for name, text in information.items())
    lists = (b"INFO" + texts, b"sdta" + chunk(b"smpl", bytes(101)), b"pdta" + chunk(b"phdr", headers))
    return chunk(b"RIFF", b"sfbk" + b"".join(chunk(b"LIST", content) for content in lists))


@pytest.fixture
def small(tmp_path) -> Path:
    """A font of a few presets, which fluidsynth would refuse."""
    path = tmp_path / "my font.sf2"
    path.write_bytes(font_bytes({(0, 73): "Flute", (0, 0): "Grand Piano", (8, 0): "Dulcimer", (0, 120): "Gun"}))
    return path


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put a shell script in fluidsynth's place."""

    def make(script: str) -> None:
        program = tmp_path / "bin" / "fluidsynth"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo fake 1.0; exit; fi\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        render.cache_clear()

    yield make
    render.cache_clear()


def notes(**options: object) -> Source:
    return find_source(str(FONT), {"programs": ("acoustic_grand_piano",), **options})


def fundamental_cents(samples: np.ndarray, pitch: float) -> float:
    """How far the strongest partial near the claimed pitch is from it."""
    size, hertz = 2**20, 440 * 2 ** ((pitch - 69) / 12)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    low, high = (int(hertz * ratio * size / RATE_HZ) for ratio in (0.97, 1.03))
    return float(1200 * np.log2((low + spectrum[low:high].argmax()) * RATE_HZ / size / hertz))


# What is heard


@real
@pytest.mark.parametrize("program", ["acoustic_grand_piano", "flute"])
def test_a_note_has_its_pitch_and_begins_at_its_onset(program: str) -> None:
    source = notes(programs=program, velocities="96")
    assert len(source.recordings) == 49
    for recording in source.recordings[12::12]:
        samples, rate_hz = recording.sound.read()
        assert (samples.dtype, samples.shape, rate_hz) == (np.float32, (48_000, 2), 48_000)
        mono = samples.mean(axis=1)
        assert abs(fundamental_cents(mono, recording.pitch)) < 10, recording.name
        # The tracker hears a piano's stretched upper partials 12 to 24 cents sharp.
        assert abs(track(mono, rate_hz) - recording.pitch) < 0.3, recording.name
        heard = np.flatnonzero(np.abs(mono) > 0.01 * np.abs(mono).max())
        assert heard[0] < 0.005 * rate_hz, recording.name
        assert samples[-1].tolist() == [0, 0]


@real
def test_a_note_does_not_depend_on_its_take() -> None:
    pairs = tuple((pitch, velocity) for pitch in range(36, 85, 3) for velocity in (1, 127, 64))
    together = render(Take(FONT, 0, 0, pairs, 0.7, 0.35))
    for index in (0, 20, len(pairs) - 1):
        [alone] = render(Take(FONT, 0, 0, pairs[index : index + 1], 0.7, 0.35))
        np.testing.assert_array_equal(alone, together[index])


@real
def test_many_notes_are_rendered_in_takes_that_memory_can_hold() -> None:
    source = notes(velocities=(64, 96, 120), seconds=4.0)
    takes = {recording.sound.take for recording in source.recordings}
    assert all(len(take.notes) * take.seconds <= 160 for take in takes)
    assert sum(len(take.notes) for take in takes) == len(source.recordings) == 147
    samples, _ = source.recordings[-1].sound.read()
    assert abs(fundamental_cents(samples.mean(axis=1), 84)) < 10


@real
def test_velocity_is_louder_and_hold_rings_longer() -> None:
    def level(samples: np.ndarray) -> float:
        return float(np.sqrt(np.square(samples).mean()))

    soft, loud = (notes(velocities=(v,), lowest=60, highest=60).recordings[0].sound.read()[0] for v in (40, 120))
    assert level(loud) > 2 * level(soft)
    short, long = (notes(hold=h, lowest=60, highest=60).recordings[0].sound.read()[0][24_000:] for h in (0.1, 1.0))
    assert level(long) > 2 * level(short)


@real
def test_a_bank_is_another_instrument() -> None:
    names = read_font(FONT).names(8)
    program = next(iter(names))
    there, here = (
        notes(programs=(program,), bank=bank, lowest=60, highest=60).recordings[0].sound.read()[0] for bank in (8, 0)
    )
    assert np.abs(there - here).max() > 0.01


@real
def test_a_font_becomes_a_corpus_the_same_by_any_number_of_workers(tmp_path) -> None:
    source = notes(programs="0,flute", lowest=60, highest=71)
    audio = AudioSpec(sample_rate_hz=16_000, clip_samples=16_000)
    one, two = (prepare(source, audio, PreparationSpec(), tmp_path / str(n), workers=n, progress=False) for n in (1, 2))
    assert (one.folder / "waveforms.npy").read_bytes() == (two.folder / "waveforms.npy").read_bytes()
    assert (one.name, one.licence, len(one)) == ("FluidR3_GM", "MIT", 72)
    assert one.label_names == tuple(map(str, range(60, 72)))
    assert one.waveforms([0]).shape == (1, 16_000)
    groups = np.array(one.groups)
    assert len(one.held_out)
    assert set(groups[one.train]).isdisjoint(groups[one.held_out])
    assert set(one.labels[one.train]) == set(range(12))


# What is said of the notes


@real
def test_all_velocities_of_a_pitch_stand_on_one_side_where_programs_are_several() -> None:
    first, second, *_ = notes(programs="0,73", velocities="64,96").recordings
    assert (first.velocity, second.velocity, first.group) == (64, 96, second.group)
    first, second, *_ = notes(velocities="64,96").recordings
    assert first.group != second.group  # or no pitch could be held out


@real
def test_labels_are_pitches_or_the_fonts_own_names() -> None:
    assert notes(lowest=59, highest=101).label_names == tuple(map(str, range(59, 102)))
    source = notes(programs=(73, "acoustic_grand_piano"), label="program")
    assert source.label_names == ("flute", "yamaha_grand_piano")
    assert {r.label for r in source.recordings} == set(source.label_names)


@real
def test_whatever_changes_the_sound_changes_the_digest_and_the_rest_does_not() -> None:
    def digest(**options: object) -> str:
        return notes(lowest=60, highest=60, velocities=(96,), **options).recordings[0].sound.digest()

    organs = [digest(programs="16", bank=bank) for bank in (0, 8)]
    assert len({*organs, digest(), digest(seconds=1.5), digest(hold=0.5)}) == 5
    assert digest() == digest(label="program") == notes(velocities=(96,)).recordings[24].sound.digest()


@real
def test_the_default_leaves_out_what_has_no_pitch() -> None:
    source = find_source(str(FONT), {"lowest": 60, "highest": 60, "velocities": (96,)})
    assert [recording.sound.take.program for recording in source.recordings] == list(range(112))


def test_general_midi_has_128_names() -> None:
    assert len(set(NAMES)) == 128
    assert [NAMES[number] for number in (0, 40, 56, 73, 127)] == [
        "acoustic_grand_piano",
        "violin",
        "trumpet",
        "flute",
        "gunshot",
    ]


@pytest.mark.parametrize("padded", [True, False])
def test_a_fonts_presets_and_licence_are_read(tmp_path, padded: bool) -> None:
    path = tmp_path / "x.sf3"
    presets = {(0, 0): "Piano 1", (0, 5): "piano-1", (128, 0): "Kit"}
    path.write_bytes(font_bytes(presets, padded=padded, INAM="Mine!", ICMT="Under the MIT License"))
    font = read_font(path)
    assert is_soundfont(path)
    assert font.presets == presets
    assert font.names(0) == {0: "piano_1", 5: "piano_1_5"}
    assert font.licence == "MIT"
    path.write_bytes(font_bytes(presets, INAM="Mine", ICOP="2020 Somebody"))
    assert read_font(path).licence is None


# What is wrong


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"programs": "flut"}, "did you mean 'flute'"),
        ({"programs": "violin"}, "no program 'violin'; it has 0 grand_piano, 73 flute, 120 gun"),
        ({"programs": "5"}, "no program '5'; it has 0 grand_piano"),
        ({"bank": "3"}, "bank=3 is not in my font.sf2, which has 0, 8"),
        ({"bank": "128"}, "bank=128"),
        ({"velocities": "0,64"}, "velocities="),
        ({"velocities": ""}, "velocities="),
        ({"lowest": "90"}, "lowest=90"),
        ({"highest": "128"}, "highest=128"),
        ({"seconds": "0"}, "seconds=0"),
        ({"hold": "2"}, "hold=2"),
        ({"label": "velocity"}, "label='velocity'"),
        ({"program": "0"}, "did you mean 'programs'"),
    ],
)
def test_options_that_cannot_be_used_say_why(small, options: dict[str, str], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        find_source(str(small), options)


def test_a_program_that_is_not_installed_is_named_with_the_cure(small, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LatentoneError, match="apt-get install fluidsynth fluid-soundfont-gm"):
        find_source(str(small))


def test_a_file_that_is_no_sound_font_is_refused(tmp_path, write, corpus_folder) -> None:
    (tmp_path / "x.sf2").write_bytes(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(LatentoneError, match="neither a folder nor a sound font"):
        find_source(str(tmp_path / "x.sf2"))
    write("a.wav")
    for path in (tmp_path / "x.sf2", corpus_folder):
        with pytest.raises(LatentoneError, match="is not a sound font"):
            find_source(str(path), layout="soundfont")


@pytest.mark.parametrize("cut", [20, 200, 300])
def test_a_truncated_font_is_refused(small, cut: int) -> None:
    small.write_bytes(small.read_bytes()[:-cut])
    with pytest.raises(LatentoneError, match="is damaged"):
        find_source(str(small))


@real
def test_a_font_that_fluidsynth_refuses_is_an_error_though_it_exits_0(small) -> None:
    source = find_source(str(small))
    with pytest.raises(LatentoneError, match=r"fluidsynth failed .*: fluidsynth: error"):
        source.recordings[0].sound.read()


@pytest.mark.parametrize(
    ("script", "says"),
    [("kill -9 $$", "exit status -9"), ("exit 0", "rendered too little"), ("echo Failed to load x >&2", "Failed to")],
)
def test_a_fluidsynth_that_dies_is_an_error(small, fake, script: str, says: str) -> None:
    fake(script)
    with pytest.raises(LatentoneError, match=says):
        find_source(str(small)).recordings[0].sound.read()


def test_a_fluidsynth_that_does_not_end_is_ended(small, fake, monkeypatch) -> None:
    monkeypatch.setattr(fluidsynth, "TIME_LIMIT_SECONDS", 0.5)
    fake("exec sleep 60")
    with pytest.raises(LatentoneError, match="did not end"):
        find_source(str(small)).recordings[0].sound.read()
