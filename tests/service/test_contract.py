"""contract.json: read, checked, and held to its folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.contract import PLACE, read_contract, verify_files
from service.errors import BrokenModel
from tests.service.tiny_model import KINDS, PITCHES, contract, describe

Edit = Callable[[dict[str, Any]], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a version folder with a stand-in for the SavedModel."""
    made = tmp_path / "tiny" / "3"
    (made / "variables").mkdir(parents=True)
    (made / "saved_model.pb").write_bytes(b"graph")
    (made / "variables" / "variables.index").write_bytes(b"index")
    describe(made, contract("tiny", 3))
    return made


def test_a_contract_is_read_whole(folder: Path) -> None:
    read = read_contract(folder)
    assert (read.name, read.version, read.kind) == ("tiny", 3, "generator")
    assert read.operations == ("generate", "sample", "decode", "analyse")
    assert read.features is not None
    assert read.features.shape == (None, 16)
    assert read.document["made_with"] == {}
    verify_files(read, folder)


def test_what_a_contract_may_leave_out_or_add(tmp_path: Path) -> None:
    for name, kind in KINDS.items():
        (tmp_path / name / "1").mkdir(parents=True)
        describe(tmp_path / name / "1", contract(name, 1, kind))
    notes, wide, raw = (read_contract(tmp_path / name / "1") for name in ("notes", "wide", "raw"))
    assert notes.pitches == wide.pitches == PITCHES
    assert raw.pitches is None
    assert (notes.audio.clip_shape, wide.audio.clip_shape) == ((1024,), (1000, 2))
    assert notes.features is not None
    assert wide.features is not None
    assert (notes.features.frame_shape, wide.features.frame_shape) == ((16,), (16, 2))
    assert (notes.samples(5), wide.samples(16)) == (320, 1000)
    assert raw.operations == ("generate",)


@pytest.mark.parametrize(
    ("features", "known"),
    [
        ({}, (-1.0, 1.0)),
        ({"range": [-5, 1.4]}, (-5.0, 1.4)),
        ({"quantity": "power"}, (-1.0, 1.0)),
        ({"quantity": "magnitude", "db_min": -100.0, "db_max": 60.0}, (-5.0, 3.0)),  # not scaled, and no range stated
    ],
)
def test_a_contract_says_between_which_values_features_lie(
    folder: Path, features: dict[str, Any], known: tuple[float, float]
) -> None:
    made = contract("tiny", 3)
    describe(folder, {**made, "features": made["features"] | features})
    read = read_contract(folder).features
    assert read is not None
    assert read.known_range == known


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda c: c.pop("audio"), "audio: Field required"),
        (lambda c: c.update(contract=2), "not of contract version 1"),
        (lambda c: c.update(version=4), "tiny version 4, the folder of tiny version 3"),
        (lambda c: c.update(name="other"), "other version 3, the folder of tiny"),
        (lambda c: c.update(kind="toaster"), "kind"),
        (lambda c: c["audio"].update(sample_rate_hz=0), "audio.sample_rate_hz"),
        (lambda c: c["audio"].update(channels=3), "audio.channels"),
        (lambda c: c["audio"].update(channels=2), r"generate: waveform \[null, 1024\] does not fit"),
        (lambda c: c["features"].update(kind="cepstrum"), "features.kind"),
        (lambda c: c["features"].update(shape=[None, 16, 2]), r"sample: features \[null, 16, 16\] does not fit"),
        (lambda c: c["features"].update(shape=[None, 16, 2, 2]), "features.shape"),
        (lambda c: c["features"].update(shape=[None, None]), "features: only the number of frames may be null"),
        (lambda c: c["features"].update(shape=[8, 16]), "features: shape has 8 frames, frames is 16"),
        (lambda c: c.update(pitches=[60, 62]), "2 pitches for 3 labels"),
        (lambda c: c.update(pitches=[60, 62, 60]), "the same pitch for two labels"),
        (lambda c: c.update(pitches=[60, 62, 128]), "pitches.2"),
        (lambda c: c.update(pitches=[]), "pitches"),
        (lambda c: c["latent"].update(distribution="cauchy"), "latent.distribution"),
        (lambda c: c.update(latent=None), "no latent"),
        (lambda c: c.update(features=None), "no features"),
        (lambda c: c["signatures"].pop("generate"), "lacks the signature generate"),
        (lambda c: c["signatures"].pop("decode"), "lacks the signature decode"),
        (lambda c: c["signatures"]["generate"]["outputs"].clear(), "signatures.generate.outputs"),
    ],
)
def test_a_contract_that_can_not_be_kept_is_refused_in_words(folder: Path, edit: Edit, words: str) -> None:
    document = json.loads((folder / PLACE).read_text())
    edit(document)
    (folder / PLACE).write_text(json.dumps(document))
    with pytest.raises(BrokenModel, match=words):
        read_contract(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"contract": NaN}', "null"])
def test_what_is_no_contract_is_refused(folder: Path, text: str) -> None:
    (folder / PLACE).write_text(text)
    with pytest.raises(BrokenModel, match=r"contract.json"):
        read_contract(folder)


def test_a_missing_contract_is_refused(folder: Path) -> None:
    (folder / PLACE).unlink()
    with pytest.raises(BrokenModel, match="can't be read: No such file"):
        read_contract(folder)


def test_a_changed_file_is_noticed(folder: Path) -> None:
    read = read_contract(folder)
    (folder / "saved_model.pb").write_bytes(b"grapH")
    with pytest.raises(BrokenModel, match=r"saved_model.pb differs"):
        verify_files(read, folder)


def test_a_missing_file_is_noticed(folder: Path) -> None:
    read = read_contract(folder)
    (folder / "variables" / "variables.index").unlink()
    with pytest.raises(BrokenModel, match=r"variables/variables.index is missing"):
        verify_files(read, folder)


def test_a_file_that_nobody_described_is_noticed(folder: Path) -> None:
    read = read_contract(folder)
    (folder / "assets.extra" / "more.so").write_bytes(b"")
    with pytest.raises(BrokenModel, match=r"more.so is not listed"):
        verify_files(read, folder)
