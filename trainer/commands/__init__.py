"""What the commands do, one file each. Heavy imports wait until they are needed: --help and mistakes answer at once."""

from __future__ import annotations

import argparse
import importlib

MODULES = {"import": "import_weights"}  # of commands whose names Python keeps for itself


def run(options: argparse.Namespace) -> int:
    """Run the command that was chosen and return its exit code."""
    command = importlib.import_module(f"trainer.commands.{MODULES.get(options.command, options.command)}")
    return int(command.run(options))
