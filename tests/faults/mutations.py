"""The protocol with one of its steps taken away: the campaign must notice each (`--mutation NAME`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from magodoo.load import leases, read_back
from magodoo.load.writers import WRITERS


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Run with that step missing; an empty name changes nothing."""
    with _MUTATIONS[name]() if name else mock.patch.dict({}):
        yield


def _put_back_at_once(connection: Any, change: Any, reason: str, seconds: int) -> None:
    leases._owned(connection, change, "state = 'planned', not_before = null, lease_until = null")


def _all_still_ours(connection: Any, changes: Any, seconds: int) -> set[int]:
    return {change.id for change in changes}


def _without_token(connection: Any, change: Any, assignments: str, **values: Any) -> bool:
    from sqlalchemy import text

    statement = f"update change set {assignments} where id = :id"
    return bool(connection.execute(text(statement), {"id": change.id, "token": 0, **values}).rowcount)


@contextmanager
def _every_writer(method: str, replacement: Any) -> Iterator[None]:
    with mock.patch.multiple(
        "magodoo.load.protocol",
        WRITERS={kind: _Changed(writer, method, replacement) for kind, writer in WRITERS.items()},
    ):
        yield


class _Changed:
    """A writer of which one method answers something else."""

    def __init__(self, writer: Any, method: str, replacement: Any) -> None:
        self._writer, self._method, self._replacement = writer, method, replacement

    def __getattr__(self, name: str) -> Any:
        return self._replacement if name == self._method else getattr(self._writer, name)


@contextmanager
def _no_preconditions() -> Iterator[None]:
    with _every_writer("check", lambda context, changes: {}), mock.patch.object(read_back, "moved_on", lambda *_: {}):
        yield


@contextmanager
def _no_leases() -> Iterator[None]:
    """Whoever comes takes the order, whoever holds it; nobody checks a token."""
    free = leases._CANDIDATES.replace("busy.lease_until >= now()", "false").replace("lease_until < now()", "true")
    with mock.patch.multiple(
        leases,
        _CANDIDATES=free,
        _DUE=leases._DUE.replace("lease_until < now()", "true"),
        _TAKE=leases._TAKE.replace("and until < now()", ""),
        renew=_all_still_ours,
        held=lambda connection, changes: {change.id for change in changes},
        _owned=_without_token,
    ):
        yield


_MUTATIONS: dict[str, Callable[[], Any]] = {
    "no-probe": lambda: _every_writer("probe", lambda context, changes: {}),
    "no-preconditions": _no_preconditions,
    "no-settle-time": lambda: mock.patch.object(leases, "uncertain", _put_back_at_once),
    "no-leases": _no_leases,
    "no-read-back": lambda: mock.patch.object(read_back.upsert, "stage", lambda *_: None),
}
NAMES = tuple(_MUTATIONS)
