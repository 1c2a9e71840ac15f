"""Where commands speak."""

from __future__ import annotations

from rich.console import Console

console = Console()


def say(text: str) -> None:
    """Print a line as it is: no wrapping, no colours of numbers."""
    console.print(text, soft_wrap=True, highlight=False, markup=False)
