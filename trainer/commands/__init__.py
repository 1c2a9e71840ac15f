"""What the commands do, one file each. Heavy imports wait until they are needed: --help and mistakes answer at once."""

from __future__ import annotations

import argparse
import importlib

NAMES = ("prepare", "train", "evaluate", "compare", "export", "generate")


def run(options: argparse.Namespace) -> int:
    """Run the command that was chosen and return its exit code."""
    command = importlib.import_module(f"trainer.commands.{options.command}")
    return int(command.run(options))
