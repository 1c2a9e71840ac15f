"""Every layout gives the recordings, labels and groups that it promises."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.corpus import Source, find_source
from trainer.errors import LatentoneError, SpecError


def labels(source: Source) -> dict[str, str | None]:
    return {recording.name: recording.label for recording in source.recordings}


def flags(source: Source) -> dict[str, bool | None]:
    return {recording.name: recording.held_out for recording in source.recordings}


# Folder


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_what_libsndfile_reads_is_read(write, corpus_folder, tone, suffix: str) -> None:
    write(f"a.{suffix}", np.stack([tone(rate_hz=44_100), tone(rate_hz=44_100)], axis=1), 44_100)
    [recording] = find_source(str(corpus_folder)).recordings
    samples, rate_hz = recording.sound.read()
    assert rate_hz == 44_100
    assert samples.dtype == np.float32
    assert samples.shape[1] == 2
    assert samples.shape[0] == pytest.approx(22_050, abs=4_000)  # MP3 and Ogg may pad
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.05)


def test_first_level_folders_are_the_labels_in_counting_order(write, corpus_folder) -> None:
    for name in ("10/a.wav", "9/deep/b.wav", "bird/c.FLAC"):
        write(name)
    source = find_source(str(corpus_folder))
    assert source.label_names == ("9", "10", "bird")
    assert labels(source) == {"10/a.wav": "10", "9/deep/b.wav": "9", "bird/c.FLAC": "bird"}
    assert source.name == "corpus"
    assert source.licence is None


def test_one_folder_is_no_label(write, corpus_folder) -> None:
    write("all/a.wav")
    write("all/b.wav")
    assert find_source(str(corpus_folder)).label_names == ()


def test_a_file_beside_the_label_folders_is_left_out(write, corpus_folder) -> None:
    for name in ("x/a.wav", "y/b.wav", "stray.wav"):
        write(name)
    source = find_source(str(corpus_folder))
    assert set(labels(source)) == {"x/a.wav", "y/b.wav"}
    assert [(entry.name, entry.reason) for entry in source.left_out] == [("stray.wav", "no label")]


def test_hidden_and_other_files_are_passed_over(write, corpus_folder) -> None:
    write("a.wav")
    write(".hidden/b.wav")
    write("._a.wav")
    (corpus_folder / "notes.txt").write_text("no sound")
    assert set(labels(find_source(str(corpus_folder)))) == {"a.wav"}


def test_a_csv_gives_label_group_split_and_pitch(write, corpus_folder, tmp_path) -> None:
    for name in ("a.wav", "sub/b.wav", "c.wav"):
        write(name)
    table = tmp_path / "table.csv"
    table.write_text("file,label,group,split,pitch\na.wav,dog,g1,train,\nsub/b.wav,cat,g2,test,60.5\ngone.wav,cat,,,\n")
    source = find_source(str(corpus_folder), {"table": str(table)})
    first, second = source.recordings
    assert (first.label, first.group, first.held_out, first.pitch) == ("dog", "g1", False, None)
    assert (second.label, second.group, second.held_out, second.pitch) == ("cat", "g2", True, 60.5)
    assert {(entry.name, entry.reason) for entry in source.left_out} == {
        ("c.wav", "no label"),
        ("gone.wav", "missing"),
    }


def test_labels_csv_in_the_folder_is_taken_unasked(write, corpus_folder) -> None:
    write("a.wav")
    (corpus_folder / "labels.csv").write_text("file,label,held_out\n./a.wav,dog,yes\n")
    source = find_source(str(corpus_folder))
    assert labels(source) == {"a.wav": "dog"}
    assert flags(source) == {"a.wav": True}


def test_a_pattern_reads_label_group_and_pitch_from_names(write, corpus_folder) -> None:
    for name in ("violin_anna_60.wav", "flute_bob_61.wav", "readme.wav"):
        write(name)
    pattern = r"(?P<label>[a-z]+)_(?P<group>[a-z]+)_(?P<pitch>\d+)\."
    source = find_source(str(corpus_folder), {"pattern": pattern, "held_out": "_bob_"})
    assert labels(source) == {"flute_bob_61.wav": "flute", "violin_anna_60.wav": "violin"}
    assert [(r.group, r.pitch, r.held_out) for r in source.recordings] == [
        ("bob", 61.0, True),
        ("anna", 60.0, False),
    ]
    assert [entry.reason for entry in source.left_out] == ["no label"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"pattern": "("}, "not a regular expression"),
        ({"pattern": "abc"}, "no named group"),
        ({"pattern": "(?P<labl>a)"}, "did you mean 'label'"),
        ({"pattern": "(?P<pitch>v)"}, "no MIDI note number"),
        ({"held_out": "["}, "not a regular expression"),
        ({"table": "/nowhere.csv"}, "cannot be read"),
        ({"table": "x.csv", "pattern": "(?P<label>a)"}, "give one of them"),
        ({"tabel": "x.csv"}, "did you mean 'table'"),
    ],
)
def test_folder_options_that_cannot_be_used_say_why(write, corpus_folder, options: dict[str, str], says: str) -> None:
    write("a.wav")
    with pytest.raises(SpecError, match=says):
        find_source(str(corpus_folder), options)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,label\na.wav,x\n", "column 'file'"),
        ("", "column 'file'"),
        ("file,split\na.wav,tset\n", "did you mean 'test'"),
        ("file,pitch\na.wav,H4\n", "MIDI"),
    ],
)
def test_tables_that_cannot_be_used_say_why(write, corpus_folder, text: str, says: str) -> None:
    write("a.wav")
    (corpus_folder / "labels.csv").write_text(text)
    with pytest.raises(SpecError, match=says):
        find_source(str(corpus_folder))


# The registry


def test_a_missing_folder_names_itself_and_the_cure(tmp_path) -> None:
    with pytest.raises(LatentoneError, match=r"no corpus at .*absent.*existing folder"):
        find_source(str(tmp_path / "absent"))


def test_a_folder_without_audio_names_itself(tmp_path) -> None:
    with pytest.raises(LatentoneError, match=f"no audio files in {tmp_path}"):
        find_source(str(tmp_path))


def test_an_unknown_layout_is_refused_with_the_nearest(tmp_path) -> None:
    with pytest.raises(SpecError, match="unknown layout 'nsyth'; did you mean 'nsynth'"):
        find_source(str(tmp_path), layout="nsyth")


def test_an_option_of_a_layout_without_options_is_refused(write, corpus_folder) -> None:
    write("0_anna_0.wav")
    with pytest.raises(SpecError, match="takes no options"):
        find_source(str(corpus_folder), {"classes": "a"})


def test_a_number_given_as_other_text_is_refused() -> None:
    with pytest.raises(SpecError, match="count='many'"):
        find_source("notes", {"count": "many"})


def test_a_layout_can_be_forced(write, corpus_folder) -> None:
    write("0_anna_0.wav")
    assert find_source(str(corpus_folder)).name == "fsdd"
    assert find_source(str(corpus_folder), layout="folder").name == "corpus"


# FSDD


@pytest.mark.parametrize("below", ["", "recordings/"])
def test_fsdd_has_digit_speaker_and_its_own_test_split(write, corpus_folder, below: str) -> None:
    for name in ("0_anna_0", "0_anna_4", "0_anna_5", "7_bob_14"):
        write(f"{below}{name}.wav")
    source = find_source(str(corpus_folder))
    assert (source.name, source.licence, source.label_names) == ("fsdd", "CC BY-SA 4.0", ("0", "7"))
    assert flags(source) == {
        "0_anna_0.wav": True,
        "0_anna_4.wav": True,
        "0_anna_5.wav": False,
        "7_bob_14.wav": False,
    }
    assert {recording.group for recording in source.recordings} == {"anna", "bob"}


# UrbanSound8K


@pytest.fixture
def urban(write, corpus_folder) -> str:
    for name in (
        "fold1/101-3-0-2.wav",
        "fold1/102-8-0-0.flac",
        "fold2/103-3-0-0.wav",
        "fold10/104-0-1-0.wav",
    ):
        write(f"audio/{name}")
    return str(corpus_folder)


def test_urbansound8k_reads_its_file_names(urban) -> None:
    source = find_source(urban)
    assert (source.name, source.licence, len(source.label_names)) == ("urbansound8k", "CC BY-NC 3.0", 10)
    assert labels(source) == {
        "fold1/101-3-0-2.wav": "dog_bark",
        "fold1/102-8-0-0.flac": "siren",
        "fold2/103-3-0-0.wav": "dog_bark",
        "fold10/104-0-1-0.wav": "air_conditioner",
    }
    assert [recording.group for recording in source.recordings] == ["101", "102", "103", "104"]
    assert [recording.held_out for recording in source.recordings] == [False, False, False, True]


def test_urbansound8k_filters_by_class_and_fold(urban) -> None:
    source = find_source(urban, {"classes": "siren, dog_bark", "folds": "1,2"})
    assert source.label_names == ("dog_bark", "siren")
    assert [(r.name.split("/")[0], r.held_out) for r in source.recordings] == [
        ("fold1", False),
        ("fold1", False),
        ("fold2", True),
    ]
    single = find_source(urban, {"folds": [1]})
    assert [recording.held_out for recording in single.recordings] == [None, None]
    chosen = find_source(urban, {"held_out_fold": 1})
    assert [recording.held_out for recording in chosen.recordings] == [True, True, False, False]


def test_urbansound8k_takes_its_metadata_when_it_is_there(urban, write, corpus_folder) -> None:
    write("audio/fold1/renamed.flac")
    write("audio/fold1/stranger.wav")
    (corpus_folder / "metadata").mkdir()
    (corpus_folder / "metadata" / "UrbanSound8K.csv").write_text(
        "slice_file_name,fsID,start,end,salience,fold,classID,class\nrenamed.wav,555,0,4,1,1,9,street_music\n"
    )
    source = find_source(urban, {"folds": "1"})
    assert labels(source)["fold1/renamed.flac"] == "street_music"
    assert "555" in {recording.group for recording in source.recordings}
    assert [(entry.name, entry.reason) for entry in source.left_out] == [("fold1/stranger.wav", "no label")]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"classes": "dog"}, "did you mean 'dog_bark'"),
        ({"folds": "1,7"}, r"folds \[7\]"),
        ({"held_out_fold": "3"}, "held_out_fold=3"),
        ({"folds": "one"}, "must be a number"),
    ],
)
def test_urbansound8k_refuses_what_is_not_there(urban, options: dict[str, str], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        find_source(urban, options)


def test_damaged_urbansound8k_metadata_names_the_file(urban, corpus_folder) -> None:
    (corpus_folder / "metadata").mkdir()
    (corpus_folder / "metadata" / "UrbanSound8K.csv").write_text("a,b\n1,2\n")
    with pytest.raises(LatentoneError, match=r"UrbanSound8K.csv is damaged"):
        find_source(urban)
