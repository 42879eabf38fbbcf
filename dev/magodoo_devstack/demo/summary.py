"""The demo's result: one file for machines, one page for people."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from magodoo_devstack.demo.comparison import Comparison, count_by_type

SHOWN = 15  # rows of a list that could be long


@dataclass(frozen=True)
class Summary:
    """What happened. `changes` and `second_run` count by (kind, state); seconds by stage."""

    documents: dict[str, dict[str, int]]
    comparison: Comparison
    changes: Counter[tuple[str, str]]
    second_run: Counter[tuple[str, str]]
    remaining: list[tuple[str, str, int]]
    mails: int
    airflow_url: str
    seconds: dict[str, float]
    odoo: str = "sandbox"  # or the name and build of a real one

    @property
    def good(self) -> bool:
        """Found equals planted, nothing failed, and the last run changed nothing."""
        return self.comparison.equal and not self._in("failed", "uncertain") and not self.second_run.total()

    def figures(self) -> dict[str, Any]:
        """Return the content of `summary.json`."""
        return {
            "odoo": self.odoo,
            "documents": self.documents,
            "planted": count_by_type(self.comparison.planted),
            "found": count_by_type(self.comparison.found),
            "changes": {
                "applied": self._in("done"),
                "failed": self._in("failed", "uncertain"),
                "refused": self._in("refused"),
            },
            "second_run": {"changes": self.second_run.total()},
            "mails": self.mails,
            "airflow_url": self.airflow_url,
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
        }

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(self.figures(), indent=2) + "\n", encoding="utf-8")

    def show(self, console: Console) -> None:
        """Print it as tables."""
        console.print(self._documents())
        console.print(self._findings())
        for title, entries in (
            ("planted, not found", self.comparison.missed),
            ("found, not planted", self.comparison.unexpected),
        ):
            for entry in entries[:SHOWN]:
                amounts = f"Magento {entry.magento_amount or '-'}, Odoo {entry.odoo_amount or '-'}"
                console.print(f"[red]{title}:[/red] {escape(f'{entry.type} {entry.kind} {entry.document}: {amounts}')}")
            if len(entries) > SHOWN:
                console.print(f"[red]{title}:[/red] and {len(entries) - SHOWN} more")
        console.print(self._changes())
        console.print(self._remaining())
        console.print("  ".join(f"{name} {value:.0f} s" for name, value in self.seconds.items()))

    def verdict(self) -> str:
        """Return the result in one line."""
        parts = [
            f"books in {'the sandbox Odoo' if self.odoo == 'sandbox' else self.odoo}",
            "found what was planted" if self.comparison.equal else "[red]found and planted differ[/red]",
            "nothing failed" if not self._in("failed", "uncertain") else "[red]changes failed[/red]",
            "the last run changed nothing"
            if not self.second_run.total()
            else "[red]the last run changed something[/red]",
        ]
        return ("[green]✓[/green] " if self.good else "[red]✗[/red] ") + ", ".join(parts)

    def _in(self, *states: str) -> int:
        return sum(number for (_, state), number in self.changes.items() if state in states)

    def _documents(self) -> Table:
        kinds = sorted({kind for counts in self.documents.values() for kind in counts})
        table = Table("", *(kind.replace("_", " ") for kind in kinds), title="Documents read", title_justify="left")
        for side, counts in self.documents.items():
            table.add_row(side.title(), *(str(counts.get(kind, 0)) for kind in kinds))
        return table

    def _findings(self) -> Table:
        planted, found = count_by_type(self.comparison.planted), count_by_type(self.comparison.found)
        table = Table("type", "planted", "found", "", title="Findings", title_justify="left")
        wrong = {entry.type for entry in [*self.comparison.missed, *self.comparison.unexpected]}
        for type_ in sorted(planted | found):
            sign = "[red]✗[/red]" if type_ in wrong else "[green]✓[/green]"
            table.add_row(type_, str(planted.get(type_, 0)), str(found.get(type_, 0)), sign)
        return table

    def _changes(self) -> Table:
        table = Table("change", "applied", "refused", "failed", "last run", title="Changes", title_justify="left")
        for kind in sorted({kind for kind, _ in self.changes}):
            failed = self.changes[kind, "failed"] + self.changes[kind, "uncertain"]
            again = sum(number for (other, _), number in self.second_run.items() if other == kind)
            counts = (self.changes[kind, "done"], self.changes[kind, "refused"], failed, again)
            table.add_row(kind, *map(str, counts))
        return table

    def _remaining(self) -> Table:
        table = Table("type", "number", "why nothing is written", title="What remains", title_justify="left")
        for type_, reason, number in self.remaining:
            table.add_row(type_, str(number), escape(reason))
        return table
