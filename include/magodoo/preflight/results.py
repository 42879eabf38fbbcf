"""The results of preflights: one line per check, and whether the last preflight lets an instance write. Owns table preflight."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from magodoo.domain.kinds import ChangeKind
from magodoo.money import dump_json
from magodoo.settings import Instance, drafted_by_default
from magodoo.settings.model import Mode


class Status(StrEnum):
    """The result of a check."""

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
        """Return the fields by name."""
        return asdict(self)


@dataclass
class Outcome:
    """Collects the problems of one check; the worst decides the status. `found` is reported when there is none.

    `ends`: the system does not answer, so that the following checks of the group are skipped.
    """

    found: str = ""
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    ends: bool = False

    def warn(self, found: str, todo: str) -> None:
        """Add a warning."""
        self._add(self.warnings, found, todo)

    def refuse(self, found: str, todo: str) -> None:
        """Add an error."""
        self._add(self.errors, found, todo)

    def complain(self, found: str, todo: str, *, stops: bool) -> None:
        """Add an error when the problem stops a change that the instance writes, else a warning."""
        self._add(self.errors if stops else self.warnings, found, todo)

    def line(self, instance: str, name: str) -> CheckLine:
        """Return the result as one line."""
        status = Status.ERROR if self.errors else Status.WARNING if self.warnings else Status.OK
        found = "; ".join(text.removesuffix(".") for text in [*self.errors, *self.warnings]) or self.found.removesuffix(
            "."
        )
        return CheckLine(instance, name, status, found, "; ".join(text.removesuffix(".") for text in self.todo))

    def _add(self, complaints: list[str], found: str, todo: str) -> None:
        complaints.append(found)
        if todo not in self.todo:
            self.todo.append(todo)


def some(names: Iterable[object], most: int = 8) -> str:
    """Return the first names as text, with the number of the others."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def has_errors(lines: Iterable[CheckLine]) -> bool:
    """Return whether any line is an error."""
    return any(line.status is Status.ERROR for line in lines)


def table(lines: Sequence[CheckLine], width: int = 150) -> str:
    """Return the lines as a text table for logs and terminals, `width` characters wide."""
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
    wrapped = textwrap.wrap(line.found, room) or [""]
    if line.todo:
        wrapped += textwrap.wrap(f"-> {line.todo}", room, subsequent_indent="   ")
    head = f"{line.status:<{sizes[0]}}  {line.instance:<{sizes[1]}}  {line.name:<{sizes[2]}}  "
    for number, words in enumerate(wrapped):
        yield f"{head if not number else ' ' * len(head)}{words}"


_WITHOUT_EFFECT = {
    "title",
    "mode",
    "schedule",
    "recipients",
    "quality",
    "limits",
    "exclude",
    "magento_admin_url",
    "odoo_url",
}
"""Settings that no check depends on: changing them does not require a new preflight."""


def record(
    connection: Connection, instance: Instance, kinds: frozenset[ChangeKind], lines: Sequence[CheckLine], at: datetime
) -> bool:
    """Store the result of a preflight for these kinds of change; returns whether it has no error."""
    ok = not has_errors(lines)
    connection.execute(
        text("""insert into preflight (instance, checked_at, ok, kinds, settings_hash, lines)
            values (:instance, :at, :ok, :kinds, :hash, cast(:lines as jsonb))"""),
        {
            "instance": instance.id,
            "at": at,
            "ok": ok,
            "kinds": sorted(kind.value for kind in kinds),
            "hash": settings_hash(instance),
            "lines": dump_json([line.as_json() for line in lines]).replace("\\u0000", ""),
        },
    )
    return ok


def passed(connection: Connection, instance: Instance) -> bool:
    """Return whether the instance may write: its last preflight had no error, and no setting that it checked was changed since."""
    return why_not(connection, instance) is None


def why_not(connection: Connection, instance: Instance) -> str | None:
    """Return the reason why the instance may not write, as text for users; None when it may."""
    row = connection.execute(
        text("""select checked_at, ok, kinds, settings_hash from preflight
            where instance = :instance order by id desc limit 1"""),
        {"instance": instance.id},
    ).one_or_none()
    if row is None:
        return "no preflight was run: trigger the DAG `preflight`"
    if not row.ok:
        return f"the preflight of {row.checked_at:%Y-%m-%d %H:%M} UTC found errors: mend them and run it again"
    added = sorted({kind.value for kind in applied_kinds(instance)} - set(row.kinds))
    if added:
        return f"{', '.join(added)} was switched on after the preflight of {row.checked_at:%Y-%m-%d %H:%M} UTC: run it again"
    if row.settings_hash != settings_hash(instance):
        return f"the settings were changed after the preflight of {row.checked_at:%Y-%m-%d %H:%M} UTC: run it again"
    return None


def settings_hash(instance: Instance) -> str:
    """Return a SHA-256 of the settings that checks depend on, independent of their order in the file.

    With electronic invoicing an unwritten `to_odoo` means another policy, so the settings with that default are part of it.
    """
    meanings = (instance, drafted_by_default(instance))
    content = json.dumps([each.model_dump(mode="json", exclude=_WITHOUT_EFFECT) for each in meanings], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def applied_kinds(instance: Instance) -> frozenset[ChangeKind]:
    """Return the kinds of change in mode `apply`."""
    return frozenset(kind for kind in ChangeKind if instance.mode.of(kind) is Mode.APPLY)
