"""NSynth's layout gives its notes with family, instrument, pitch and velocity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainer.corpus import Source, find_source
from trainer.errors import LatentoneError, SpecError


def labels(source: Source) -> dict[str, str | None]:
    return {recording.name: recording.label for recording in source.recordings}


def note(family: str, kind: str, pitch: int) -> dict[str, object]:
    return {
        "pitch": pitch,
        "velocity": 100,
        "instrument_str": f"{family}_{kind}_000",
        "instrument_family_str": family,
        "instrument_source_str": kind,
    }


@pytest.fixture
def nsynth(write, corpus_folder) -> str:
    examples = {
        "bass_000-040-100": note("bass", "electronic", 40),
        "reed_001-060-100": note("reed", "acoustic", 60),
        "reed_002-062-100": note("reed", "acoustic", 62),
    }
    for name in list(examples)[:2]:
        write(f"audio/{name}.wav")
    (corpus_folder / "examples.json").write_text(json.dumps(examples))
    return str(corpus_folder)


def test_nsynth_has_family_instrument_pitch_and_velocity(nsynth) -> None:
    source = find_source(nsynth)
    assert (source.name, source.licence, source.label_names) == ("nsynth", "CC BY 4.0", ("bass", "reed"))
    first = source.recordings[0]
    assert (first.label, first.group, first.pitch, first.velocity) == (
        "bass",
        "bass_electronic_000",
        40.0,
        100,
    )
    assert [(entry.name, entry.reason) for entry in source.left_out] == [("reed_002-062-100", "missing")]


def test_nsynth_filters_by_family_and_source(nsynth) -> None:
    assert find_source(nsynth, {"families": "bass"}).label_names == ("bass",)
    assert [r.label for r in find_source(nsynth, {"sources": "acoustic"}).recordings] == ["reed"]
    with pytest.raises(SpecError, match="did you mean 'reed'"):
        find_source(nsynth, {"families": "reeds"})


@pytest.mark.parametrize("text", ["{", "[]", '{"a": {}}', '{"a": 3}'])
def test_a_damaged_examples_json_names_the_file(nsynth, text: str) -> None:
    (Path(nsynth) / "examples.json").write_text(text)
    with pytest.raises(LatentoneError, match=r"examples.json"):
        find_source(nsynth)


def test_filters_that_leave_nothing_say_so(nsynth) -> None:
    with pytest.raises(LatentoneError, match="leave no recordings"):
        find_source(nsynth, {"families": "bass", "sources": "acoustic"})
