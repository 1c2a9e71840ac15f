"""The version of the project, which three rooms state because none imports another."""

from __future__ import annotations

import tomllib
from pathlib import Path

from service.inference import SERVER
from trainer.versions import VERSION

ROOT = Path(__file__).parents[2]


def test_package_trainer_and_service_state_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION == SERVER["version"]
