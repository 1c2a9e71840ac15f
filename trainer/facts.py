"""What a report says of a run or a model: architecture, recipe, step, minutes, device, backend."""

from __future__ import annotations

from typing import Any

from trainer import checkpoint
from trainer.run import Run


def of_run(run: Run) -> dict[str, Any]:
    """Of the result of a run."""
    step, seconds = checkpoint.load_result(run.folder)[1], checkpoint.load(run.folder)[1][1]
    return {
        "architecture": run.spec.architecture.kind,
        "recipe": run.spec.recipe,
        "step": step,
        "minutes": round(seconds / 60.0, 1),
        "device": run.device,
        "backend": run.backend,
    }


def of_contract(contract: dict[str, Any]) -> dict[str, Any]:
    """Of an exported model; imported weights have no recipe."""
    recipe = contract["recipe"] or {}
    facts = {"architecture": contract["architecture"], "recipe": recipe.get("name"), "step": recipe.get("steps")}
    return facts | {name: recipe.get(name) for name in ("minutes", "device", "backend")}
