"""Settings from the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, load_settings, markdown_table, misspelt_variables
from tests.service.conftest import ROOT, free_port


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PORT", "http"),
        ("HTTP_PORT", "70000"),
        ("GRPC_PORT", "0"),
        ("WORKERS", "-1"),
        ("MAX_COUNT", "1.5"),
        ("DEADLINE_SECONDS", "0"),
        ("LOG_LEVEL", "loud"),
        ("HOST", "localhost"),
        ("REFLECTION", "perhaps"),
        ("ADMIN_HOST", "admin.example.org"),
        ("CORS_ORIGINS", "example.org"),
        ("CORS_ORIGINS", "https://example.org/"),
        ("CORS_ORIGINS", "https://example.org, ftp://example.org"),
        ("CORS_ORIGINS", "null"),
        ("BACKEND", "http://localhost:8500"),
        ("BACKEND", "localhost:8500"),
        ("BACKEND", "grpc://localhost"),
        ("BACKEND", "grpc://localhost:0"),
        ("BACKEND", "grpc://one:8500, two:8500"),
        ("BACKEND", "grpc://one:8500,one:8500"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"LATENTONE_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"LATENTONE_{name}={value}: ")
    assert "\n" not in str(refused.value)


def test_settings_that_contradict_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTONE_GRPC_PORT", "3000")
    with pytest.raises(SettingsError, match="LATENTONE_GRPC_PORT is 3000, as is LATENTONE_HTTP_PORT"):
        load_settings()
    monkeypatch.setenv("LATENTONE_GRPC_PORT", "3001")
    monkeypatch.setenv("LATENTONE_ADMIN_PORT", "3001")
    with pytest.raises(SettingsError, match="LATENTONE_ADMIN_PORT is 3001, as is another port"):
        load_settings()
    monkeypatch.setenv("LATENTONE_ADMIN_PORT", "3002")
    monkeypatch.setenv("LATENTONE_QUEUE_LIMIT", "10")
    with pytest.raises(SettingsError, match="LATENTONE_QUEUE_LIMIT=10 must be at least LATENTONE_MAX_COUNT=64"):
        load_settings()


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTONE_HTTP_PORT", "")
    assert load_settings().http_port == 3000


def test_a_misspelt_variable_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTONE_HTTP_PROT", "1")
    monkeypatch.setenv("LATENTONE_SOMETHING_ELSE", "1")
    assert misspelt_variables() == ["LATENTONE_HTTP_PROT is not a setting; did you mean LATENTONE_HTTP_PORT?"]


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert "| `LATENTONE_HTTP_PORT` | `3000` | HTTP port |" in markdown_table()


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m service` where it must end by itself."""
    environment = {
        **os.environ,
        "LATENTONE_HTTP_PORT": str(free_port()),
        "LATENTONE_GRPC_PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "service"]
    return subprocess.run(
        command, cwd=ROOT, env=environment | variables, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_bad_value_ends_the_program_with_2() -> None:
    ended = run(LATENTONE_HTTP_PORT="many")
    assert ended.returncode == 2
    assert ended.stderr.startswith("LATENTONE_HTTP_PORT=many: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_folder_without_models_says_what_to_do(tmp_path: Path) -> None:
    ended = run(LATENTONE_MODELS=str(tmp_path))
    assert ended.returncode == 2
    assert "make train" in ended.stderr
    assert "LATENTONE_MODELS" in ended.stderr


def test_an_unknown_default_model_is_refused(models: Path) -> None:
    ended = run(LATENTONE_MODELS=str(models), LATENTONE_DEFAULT_MODEL="tinny")
    assert ended.returncode == 2
    assert "LATENTONE_DEFAULT_MODEL=tinny: no such model; known: slow, tiny" in ended.stderr


def test_a_model_of_the_name_that_is_the_services_own_is_refused(models: Path, tmp_path: Path) -> None:
    (tmp_path / "griffin-lim").symlink_to(models / "tiny")
    ended = run(LATENTONE_MODELS=str(tmp_path))
    assert ended.returncode == 2
    assert f"{tmp_path}/griffin-lim (LATENTONE_MODELS): the service has a model of that name itself" in ended.stderr


def test_help_lists_every_setting() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "service", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for name in Settings.model_fields:
        assert f"LATENTONE_{name.upper()}" in ended.stdout
