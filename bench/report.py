"""What a measurement says: tables of numbers, and aims that are met or missed. Printed with rich, saved as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True)
class Aim:
    """A number that should not pass a limit. `headline` aims are repeated in the summary."""

    what: str
    measured: float
    limit: float
    unit: str
    at_most: bool
    digits: int = 1
    headline: bool = True

    @property
    def met(self) -> bool:
        """Whether it is reached, on the number as it was measured, not as it is rounded."""
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit

    @property
    def verdict(self) -> str:
        """The aim and whether it is met, in words."""
        sign = "<=" if self.at_most else ">="
        return f"aim {sign} {self.limit:g}{self.unit}: {'met' if self.met else 'MISSED'}"

    def __str__(self) -> str:
        """The number, and beside it the aim."""
        return f"{self.measured:.{self.digits}f}{self.unit} ({self.verdict})"


Cell = str | int | float | Aim


@dataclass(frozen=True)
class Table:
    """Rows under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    note: str = ""


@dataclass(frozen=True)
class Measurement:
    """What one measurement found."""

    name: str
    tables: list[Table]
    raw: dict[str, Any]  # the samples behind the tables, for the JSON alone

    def aims(self) -> Iterator[Aim]:
        """Every aim in the tables."""
        for table in self.tables:
            for row in table.rows:
                yield from (cell for cell in row if isinstance(cell, Aim))

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        tables = [
            {
                "title": table.title,
                "columns": table.columns,
                "rows": [[_plain(cell) for cell in row] for row in table.rows],
                "note": table.note,
            }
            for table in self.tables
        ]
        return {"tables": tables, "raw": self.raw}


def show(measurement: Measurement, console: Console) -> None:
    """Print the tables of a measurement."""
    for table in measurement.tables:
        console.print(_rich(table.title, table.columns, table.rows, table.note))


def show_summary(measurements: list[Measurement], console: Console) -> None:
    """Print every headline aim in one table."""
    aims = [aim for measurement in measurements for aim in measurement.aims() if aim.headline]
    if not aims:
        return
    rows: list[tuple[Cell, ...]] = [
        (aim.what, f"{aim.measured:.{aim.digits}f}{aim.unit}", aim.verdict.removeprefix("aim ")) for aim in aims
    ]
    console.print(_rich("Aims", ("aim", "measured", "limit"), rows, ""))


def _rich(title: str, columns: tuple[str, ...], rows: list[tuple[Cell, ...]], note: str) -> RichTable:
    table = RichTable(title=title, caption=note or None, title_justify="left", caption_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if _is_number_column(index, rows) else "left")
    for row in rows:
        style = "red" if any(isinstance(cell, Aim) and not cell.met for cell in row) else None
        table.add_row(*(_text(cell) for cell in row), style=style)
    return table


def _is_number_column(index: int, rows: list[tuple[Cell, ...]]) -> bool:
    return all(not isinstance(row[index], str) for row in rows)


def _text(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.3g}" if abs(cell) < 10 else f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.1f}"
    return str(cell)


def _plain(cell: Cell) -> Any:
    return dataclasses.asdict(cell) | {"met": cell.met} if isinstance(cell, Aim) else cell
