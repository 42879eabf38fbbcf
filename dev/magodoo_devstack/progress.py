"""Show progress on the console: each step with its name, position and duration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Progress:
    """Numbered steps on a console; on a terminal the running one spins."""

    def __init__(self, console: Console | None = None, steps: int = 0) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        if not self.console.is_terminal:
            self.console.width = 120
        self.steps = steps
        self.done = 0
        self.started = time.monotonic()

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[str], None]]:
        """One step; the function that it yields adds a detail to the line that stays."""
        began, details = time.monotonic(), list[str]()
        self.done += 1
        number = f"[{self.done}/{self.steps}] " if self.steps else ""
        if not self.console.is_terminal:
            self.console.print(f"{escape(number)}{text} ...")
        try:
            with self.console.status(f"{escape(number)}{text} ..."):
                yield details.append
        except BaseException:
            self.console.print(f"[red]✗[/red] {escape(number)}{text} [dim]{time.monotonic() - began:.1f} s[/dim]")
            raise
        detail = f": {escape(', '.join(details))}" if details else ""
        self.console.print(
            f"[green]✓[/green] {escape(number)}{text}{detail} [dim]{time.monotonic() - began:.1f} s[/dim]"
        )

    def note(self, text: str) -> None:
        """A line that belongs to no step."""
        self.console.print(f"  {escape(text)}")

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.started
