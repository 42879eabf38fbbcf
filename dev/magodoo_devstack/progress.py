"""Show progress on the console: each step with its name, position and duration."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Progress:
    """Numbered steps on a console; on a terminal the running one spins."""

    def __init__(self, console: Console | None = None, steps: int = 0, every: float = 5) -> None:
        """`every`: seconds after which a step that still runs is named again, with how long it has run."""
        self.every = every
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
        named = f"{escape(number)}{text} ..."
        if not self.console.is_terminal:
            self.console.print(named)
        try:
            with self.console.status(named) as status, self._seen(named, began, status, details):
                yield details.append
        except BaseException:
            self.console.print(f"[red]✗[/red] {escape(number)}{text} [dim]{time.monotonic() - began:.1f} s[/dim]")
            raise
        detail = f": {escape(', '.join(details))}" if details else ""
        self.console.print(
            f"[green]✓[/green] {escape(number)}{text}{detail} [dim]{time.monotonic() - began:.1f} s[/dim]"
        )

    @contextmanager
    def _seen(self, named: str, began: float, status: Status, details: list[str]) -> Iterator[None]:
        """Name the step again from time to time, with its seconds and its latest detail."""
        ended = threading.Event()

        def repeat() -> None:
            while not ended.wait(self.every):
                latest = f" ({escape(details[-1])})" if details else ""
                line = f"{named} {time.monotonic() - began:.0f} s{latest}"
                status.update(line)
                if not self.console.is_terminal:
                    self.console.print(f"  {line}")

        thread = threading.Thread(target=repeat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def note(self, text: str) -> None:
        """Print a line that belongs to no step."""
        self.console.print(f"  {escape(text)}")

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.started
