"""The walls between the rooms, read from the imports of every file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The files of each transport, and their modules.
OVER_HTTP = {
    f"service/{name}.py": f"service.{name}"
    for name in (
        "http_api",
        "http_exchange",
        "http_door",
        "http_access",
        "http_layers",
        "security_headers",
        "http_streams",
        "http_conditional",
        "http_connection",
        "serving_http",
        "serving_json",
        "inference_http",
    )
}
OVER_GRPC = {
    f"service/{name}.py": f"service.{name}"
    for name in (
        "grpc_api",
        "grpc_exchange",
        "grpc_streams",
        "grpc_door",
        "grpc_reading",
        "grpc_door",
        "grpc_server",
        "rich_errors",
        "serving_api",
        "inference_grpc",
    )
}
TRANSPORTS = (*OVER_HTTP.values(), *OVER_GRPC.values())

# Room (a folder or a file) and what it must never import, directly.
WALLS = {
    "service": ("trainer", "latentone_client", "keras", "librosa", "tensorboardX", "jax"),
    "trainer": ("service", "latentone_client", "bentoml", "grpc", "prometheus_client", "fastapi"),
    "latentone_client": ("service", "trainer", "tensorflow", "keras", "bentoml", "fastapi", "pydantic"),
    "latentone_client/http_transport.py": ("grpc", "latentone_client.grpc_transport"),
    "latentone_client/grpc_transport.py": ("httpx", "latentone_client.http_transport"),
    "latentone_client/grpc_messages.py": ("grpc", "httpx"),
    "latentone_client/operations.py": ("grpc", "httpx", "latentone_client.client"),
    "latentone_client/errors.py": ("grpc", "httpx", "latentone_client"),
    "trainer/representations": ("trainer.architectures", "trainer.games", "trainer.loop", "trainer.corpus"),
    "trainer/architectures": ("trainer.representations", "trainer.games", "trainer.loop", "trainer.corpus"),
    "trainer/games": ("trainer.corpus", "trainer.representations", "trainer.architectures"),
    "trainer/objectives.py": ("trainer.corpus", "trainer.representations", "trainer.architectures"),
    "trainer/loop.py": (
        "trainer.corpus",
        "trainer.representations",
        "trainer.inversion",
        "trainer.preview",
        "trainer.views",
    ),
    "trainer/run.py": ("keras", "tensorflow", "jax", "numpy"),
    "trainer/evaluation": (
        "trainer.games",
        "trainer.loop",
        "trainer.players",
        "trainer.preview",
        "trainer.views",
        "trainer.monitor",
    ),
    "trainer/evaluation/measures": ("keras", "tensorflow", "jax", "scipy", "sklearn", "librosa"),
    "trainer/report": ("trainer.evaluation", "trainer.run", "trainer.corpus", "keras", "tensorflow", "librosa"),
    "trainer/published": ("keras", "tensorflow", "trainer.architectures", "trainer.export"),
    "trainer/corpus/store.py": ("soundfile", "soxr", "librosa", "keras", "tensorflow"),
    "service/engine.py": (*TRANSPORTS, "service.operations", "bentoml", "grpc", "fastapi"),
    "service/operations.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/tunes.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/decoding.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/streaming.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/generation_stream.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/decoding_stream.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/crossfade.py": ("service", "trainer"),
    "service/windows.py": ("service", "trainer"),
    "service/answer_cache.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/batcher.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/intake.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/door.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/admin.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    "service/library.py": (*TRANSPORTS, "service.operations", "service.model_folder", "bentoml", "grpc", "fastapi"),
    **dict.fromkeys(("service/conventions.py", "service/tracing.py"), (*TRANSPORTS, "bentoml", "grpc", "starlette")),
    "service/midi.py": ("service.contract", "service.engine", "service.operations", "service.tunes"),
    "service/render.py": ("service.contract", "service.engine", "service.operations", "service.tunes"),
    "service/prediction.py": (*TRANSPORTS, "bentoml", "grpc", "fastapi", "starlette"),
    **dict.fromkeys(OVER_HTTP, ("grpc", "service.generated", *OVER_GRPC.values())),
    **dict.fromkeys(OVER_GRPC, ("fastapi", "starlette", *OVER_HTTP.values())),
    # What two transports share of a protocol knows neither.
    **dict.fromkeys(("service/serving.py", "service/inference.py"), (*TRANSPORTS, "grpc", "fastapi", "starlette")),
    "service/errors.py": ("service", "trainer"),
}
# Packages that only these files of a room may import.
ONLY_HERE = {
    "tensorflow": {"service": {"service/engine.py"}},
    "tensorflow_serving": {"service": set()},
    "opentelemetry": {"service": {"service/tracing.py"}},
    "torch": {"service": set(), "trainer": {"trainer/published/state_dict.py"}},
}


def files_of(room: str) -> list[Path]:
    path = ROOT / room
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [file for file in found if "generated" not in file.parts]


def imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; write the whole name"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def passes(name: str, forbidden: str) -> bool:
    return name == forbidden or name.startswith(f"{forbidden}.")


@pytest.mark.parametrize("room", WALLS)
def test_a_room_imports_nothing_from_behind_its_wall(room: str) -> None:
    files = files_of(room)
    assert files, f"{room} is gone: mend the table of walls"
    broken = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imports(file)
        for forbidden in WALLS[room]
        if passes(name, forbidden)
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("package", ONLY_HERE)
def test_a_heavy_package_has_one_door(package: str) -> None:
    for room, doors in ONLY_HERE[package].items():
        files = [file for file in files_of(room) if any(passes(name, package) for name in imports(file))]
        importers = {str(file.relative_to(ROOT)) for file in files}
        assert importers == doors


def test_no_file_passes_three_hundred_lines() -> None:
    for file in [*files_of("trainer"), *files_of("service"), *files_of("latentone_client"), *files_of("tests")]:
        name = str(file.relative_to(ROOT))
        lines = len(file.read_text().splitlines())
        assert lines <= 300, f"{name} has {lines} lines: is it one concept?"
