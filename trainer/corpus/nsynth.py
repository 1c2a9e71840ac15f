"""NSynth's layout: examples.json and audio/*.wav.

Source: Engel et al., "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", 2017.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from trainer.corpus.account import LeftOut
from trainer.corpus.folder import natural_order
from trainer.corpus.pitches import check_pitches, pitch_label
from trainer.corpus.recording import AudioFile, Recording, Source
from trainer.errors import LatentoneError, SpecError, check, unknown

EXAMPLES = "examples.json"


def nsynth_source(
    path: Path,
    *,
    families: tuple[str, ...] = (),
    sources: tuple[str, ...] = (),
    lowest: int = 0,
    highest: int = 127,
    label: Literal["family", "instrument", "pitch"] = "family",
) -> Source:
    """Label: the instrument's family, the instrument, or the MIDI pitch. With pitch and velocity.

    families (bass, brass, ...), sources (acoustic, electronic, synthetic): which to take; all where empty. lowest,
    highest: MIDI pitches, both included; GANSynth took 24..84. Group: the instrument; where that is the label, the
    instrument and pitch, for else nothing of it could be held out.
    Raises: SpecError for a family or source that is not there, another label or pitches out of bounds; LatentoneError
    for a damaged examples.json.
    """
    check(label in ("family", "instrument", "pitch"), f"label={label!r} is not family, instrument or pitch")
    check_pitches(lowest, highest)
    examples = _read(path / EXAMPLES)
    try:
        for option, wanted in (("instrument_family_str", families), ("instrument_source_str", sources)):
            _check(option, wanted, {example[option] for example in examples.values()})
        recordings = [
            _recording(path, name, example, label)
            for name, example in sorted(examples.items())
            if (not families or example["instrument_family_str"] in families)
            and (not sources or example["instrument_source_str"] in sources)
            and lowest <= float(example["pitch"]) <= highest
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise LatentoneError(f"{path / EXAMPLES} is damaged: {type(error).__name__} {error}") from error
    present = {file.stem for file in (path / "audio").glob("*.wav")}
    return Source(
        name="nsynth",
        licence="CC BY 4.0",
        recordings=tuple(recording for recording in recordings if recording.name in present),
        label_names=natural_order({recording.label for recording in recordings if recording.label}),
        left_out=tuple(
            LeftOut(recording.name, "missing", f"in {EXAMPLES} only")
            for recording in recordings
            if recording.name not in present
        ),
    )


def is_nsynth(path: Path) -> bool:
    """Whether the folder has this corpus' list and audio folder."""
    return (path / EXAMPLES).is_file() and (path / "audio").is_dir()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        examples = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LatentoneError(f"{path} cannot be read as NSynth's list of notes: {error}") from error
    if not isinstance(examples, dict):
        raise LatentoneError(f"{path} is not NSynth's list of notes")
    return examples


def _check(option: str, wanted: tuple[str, ...], known: set[str]) -> None:
    for name in wanted:
        if name not in known:
            raise SpecError(unknown(option, name, known))


def _recording(path: Path, name: str, example: dict[str, Any], label: str) -> Recording:
    pitch = float(example["pitch"])
    instrument = str(example["instrument_str"])
    labels = {
        "family": str(example["instrument_family_str"]),
        "instrument": instrument,
        "pitch": pitch_label(pitch),
    }
    return Recording(
        name=name,
        sound=AudioFile(path / "audio" / f"{name}.wav"),
        label=labels[label],
        group=f"{instrument}-{pitch_label(pitch)}" if label == "instrument" else instrument,
        pitch=pitch,
        velocity=int(example["velocity"]),
    )
