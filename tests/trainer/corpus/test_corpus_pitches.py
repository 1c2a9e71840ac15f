"""A pitch is read as people write it, and any corpus that knows pitches can be labelled by them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.corpus import find_source
from trainer.corpus.pitches import parse_pitch, pitch_label
from trainer.errors import SpecError


@pytest.mark.parametrize(
    ("text", "pitch"),
    [
        ("60", 60.0),
        ("60.5", 60.5),
        ("C4", 60.0),
        ("a4", 69.0),
        ("F#3", 54.0),
        ("Fs3", 54.0),
        ("Bb2", 46.0),
        ("bb2", 46.0),
        ("b2", 47.0),
        ("C-1", 0.0),
        ("Cb4", 59.0),
        ("G9", 127.0),
    ],
)
def test_numbers_and_names_are_pitches(text: str, pitch: float) -> None:
    assert parse_pitch(text) == pitch


@pytest.mark.parametrize("text", ["H4", "C", "128", "-1", "nan", "G#9", "C10", "", "4C"])
def test_what_is_no_pitch_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_pitch(text)


@given(st.integers(0, 127))
def test_a_label_is_read_back_as_its_pitch(pitch: int) -> None:
    assert pitch_label(pitch) == str(pitch)
    assert parse_pitch(pitch_label(float(pitch))) == pitch


# Folder


def test_note_names_in_file_names_are_pitches(write, corpus_folder) -> None:
    for name in ("flute_C4.wav", "flute_F#3.wav", "flute_Bb2.wav", "flute_100.wav"):
        write(name)
    source = find_source(str(corpus_folder), {"pattern": r"(?P<label>[a-z]+)_(?P<pitch>[^.]+)\."})
    assert {r.name: r.pitch for r in source.recordings} == {
        "flute_100.wav": 100.0,
        "flute_Bb2.wav": 46.0,
        "flute_C4.wav": 60.0,
        "flute_F#3.wav": 54.0,
    }
    assert source.label_names == ("flute",)


def test_a_folder_can_be_labelled_by_pitch(write, corpus_folder) -> None:
    for name in ("oboe_C4.wav", "flute_60.wav", "flute_C8.wav", "flute_Bb2.wav", "readme.wav"):
        write(name)
    options = {"pattern": r"(?P<label>[a-z]+)_(?P<pitch>[^.]+)\.", "label": "pitch"}
    source = find_source(str(corpus_folder), options)
    assert source.label_names == ("46", "60", "108")
    assert {r.name: r.label for r in source.recordings} == {
        "flute_60.wav": "60",
        "flute_Bb2.wav": "46",
        "flute_C8.wav": "108",
        "oboe_C4.wav": "60",
    }
    assert [(entry.name, entry.reason) for entry in source.left_out] == [("readme.wav", "no label")]


def test_a_file_without_pitch_is_left_out_where_pitches_are_labels(write, corpus_folder) -> None:
    write("a.wav")
    write("b.wav")
    (corpus_folder / "labels.csv").write_text("file,label,pitch\na.wav,x,A4\nb.wav,x,\n")
    source = find_source(str(corpus_folder), {"label": "pitch"})
    assert [(r.name, r.label) for r in source.recordings] == [("a.wav", "69")]
    assert [(entry.name, entry.reason) for entry in source.left_out] == [("b.wav", "no label")]


@pytest.mark.parametrize(("label", "says"), [("pitch", "label=pitch needs pitches"), ("note", "is not given or pitch")])
def test_pitch_labels_without_pitches_are_refused(write, corpus_folder, label: str, says: str) -> None:
    write("a.wav")
    with pytest.raises(SpecError, match=says):
        find_source(str(corpus_folder), {"label": label})


# NSynth


@pytest.fixture
def nsynth(write, corpus_folder) -> str:
    examples = {
        f"{family}_acoustic_00{number}-{pitch:03d}-100": {
            "pitch": pitch,
            "velocity": 100,
            "instrument_str": f"{family}_acoustic_00{number}",
            "instrument_family_str": family,
            "instrument_source_str": "acoustic",
        }
        for family, number in (("reed", 0), ("reed", 1), ("bass", 0))
        for pitch in (9, 24, 84, 100)
    }
    for name in examples:
        write(f"audio/{name}.wav")
    (corpus_folder / "examples.json").write_text(json.dumps(examples))
    return str(corpus_folder)


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("family", ("bass", "reed")),
        ("instrument", ("bass_acoustic_000", "reed_acoustic_000", "reed_acoustic_001")),
        ("pitch", ("9", "24", "84", "100")),
    ],
)
def test_nsynth_is_labelled_by_what_is_asked_for(nsynth, label: str, names: tuple[str, ...]) -> None:
    assert find_source(nsynth, {"label": label}).label_names == names


def test_nsynth_takes_the_pitches_asked_for(nsynth) -> None:
    source = find_source(nsynth, {"lowest": "24", "highest": "84"})
    assert {recording.pitch for recording in source.recordings} == {24.0, 84.0}


def test_an_instrument_that_is_a_label_can_be_held_out_in_part(nsynth) -> None:
    source = find_source(nsynth, {"label": "instrument"})
    assert len({recording.group for recording in source.recordings}) == 12


@pytest.mark.parametrize("options", [{"label": "pich"}, {"lowest": "60", "highest": "50"}, {"highest": "128"}])
def test_nsynth_options_out_of_bounds_are_refused(nsynth, options: dict[str, str]) -> None:
    with pytest.raises(SpecError, match=f"{next(iter(options))}="):
        find_source(nsynth, options)
