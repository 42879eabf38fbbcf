"""What a preflight says: one line per check, with what was found and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum


class Status(StrEnum):
    OK = "OK"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class CheckLine:
    """The result of one check. `todo` is empty where nothing is to be done."""

    instance: str
    name: str
    status: Status
    found: str
    todo: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass
class Outcome:
    """What a check gathers: the worst complaint decides the status. `found` is said when there is none.

    `ends`: nothing answers, so that the checks behind this one make no sense.
    """

    found: str = ""
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    ends: bool = False

    def warn(self, found: str, todo: str) -> None:
        self._add(self.warnings, found, todo)

    def refuse(self, found: str, todo: str) -> None:
        self._add(self.errors, found, todo)

    def complain(self, found: str, todo: str, *, stops: bool) -> None:
        """An error where it stops what the instance writes, else a warning."""
        self._add(self.errors if stops else self.warnings, found, todo)

    def line(self, instance: str, name: str) -> CheckLine:
        status = Status.ERROR if self.errors else Status.WARNING if self.warnings else Status.OK
        found = "; ".join([*self.errors, *self.warnings]) or self.found
        return CheckLine(instance, name, status, found, "; ".join(self.todo))

    def _add(self, complaints: list[str], found: str, todo: str) -> None:
        complaints.append(found)
        if todo not in self.todo:
            self.todo.append(todo)


def some(names: Iterable[object], most: int = 8) -> str:
    """The first names of a list and how many more there are."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def has_errors(lines: Iterable[CheckLine]) -> bool:
    return any(line.status is Status.ERROR for line in lines)


def table(lines: Sequence[CheckLine], width: int = 150) -> str:
    """The lines as a text table for logs and terminals, `width` characters wide."""
    heads = ("status", "instance", "check")
    sizes = [
        max(len(head), *(len(value) for value in column)) if column else len(head)
        for head, column in zip(
            heads, zip(*((line.status, line.instance, line.name) for line in lines), strict=True), strict=False
        )
    ] or [len(head) for head in heads]
    room = max(width - sum(sizes) - 6, 30)
    rows = [f"{heads[0]:<{sizes[0]}}  {heads[1]:<{sizes[1]}}  {heads[2]:<{sizes[2]}}  found"]
    for line in lines:
        rows += _rows(line, sizes, room)
    return "\n".join(row.rstrip() for row in rows)


def _rows(line: CheckLine, sizes: Sequence[int], room: int) -> Iterator[str]:
    said = textwrap.wrap(line.found, room) or [""]
    if line.todo:
        said += textwrap.wrap(f"-> {line.todo}", room, subsequent_indent="   ")
    head = f"{line.status:<{sizes[0]}}  {line.instance:<{sizes[1]}}  {line.name:<{sizes[2]}}  "
    for number, words in enumerate(said):
        yield f"{head if not number else ' ' * len(head)}{words}"
