"""One generator, one vocoder for its features but for their scale, and both in one model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainer import systems, tiny
from tests.trainer.chain.making import saved
from trainer.__main__ import main
from trainer.corpus import PreparedCorpus
from trainer.export.publish import export
from trainer.features_of import FeaturesOf
from trainer.run import Run
from trainer.specs.spec import override


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="package")
def prepared(folder: Path) -> PreparedCorpus:
    return tiny.corpus(folder / "corpora")


@pytest.fixture(scope="package")
def generator(folder: Path, prepared: PreparedCorpus) -> Run:
    return saved(folder / "runs" / "speaker", prepared)


@pytest.fixture(scope="package")
def alone(folder: Path, generator: Run) -> Path:
    """The generator as it is exported without a vocoder."""
    return export(generator, folder / "others", name="alone")


@pytest.fixture(scope="package")
def vocoder(folder: Path, prepared: PreparedCorpus, generator: Run) -> Path:
    """For the features of the generator but for their scale, and exported."""
    features = FeaturesOf.find(generator.folder)
    spec = features.given_to(systems.VOCODERS["vocos"])
    run = saved(folder / "runs" / "voice", prepared, override(spec, "representation.db_range=60"), features)
    return export(run, folder / "models", name="voice")


@pytest.fixture(scope="package")
def chained(folder: Path, generator: Run, vocoder: Path) -> Path:
    models = ["--vocoder", str(vocoder.parent), "--models", str(folder / "models")]
    assert main(["export", str(generator.folder), "--name", "fused", *models]) == 0
    return folder / "models" / "fused" / "1"


@pytest.fixture(scope="package")
def both(generator: Run, prepared: PreparedCorpus) -> tuple[Run, PreparedCorpus]:
    return generator, prepared
