"""The protocol with one of its steps taken away: the campaign must notice each (`make faults MUTATION=probe`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from sqlalchemy import text

from magodoo.connectors.odoo.external_ids import ExternalIds
from magodoo.flows import registry
from magodoo.ledger import leases, read_back
from magodoo.ledger.changes import Changes
from magodoo.ledger.executor import Run
from magodoo.ledger.leases import Leases
from magodoo.reconcile.repository import Pairs


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Run with that step missing; an empty name changes nothing."""
    with _MUTATIONS[name]() if name else mock.patch.dict({}):
        yield


def _put_back_at_once(own: Leases, change: Any, reason: str, seconds: int) -> None:
    own._set(change, "state = 'planned', not_before = null, lease_until = null")


def _all_still_ours(own: Leases, changes: Any, seconds: int) -> set[int]:
    return {change.id for change in changes}


def _without_token(own: Leases, change: Any, assignments: str, **values: Any) -> None:
    statement = f"update change set {assignments} where id = :id"
    own.connection.execute(text(statement), {"id": change.id, "token": 0, **values})


_commit = read_back.commit


def _without_staging(context: Any, writer: Any, targets: Any, documents: Any, before: Any) -> set[int]:
    """The outcome is committed, but neither what is there now nor the match that the write made."""
    with (
        mock.patch.object(read_back.staged_documents, "stage", lambda *_: None),
        mock.patch.object(Pairs, "add", lambda *_: None),
    ):
        return _commit(context, writer, targets, documents, before)


@contextmanager
def _every_writer(method: str, replacement: Any) -> Iterator[None]:
    changed = {kind: _Changed(writer, method, replacement) for kind, writer in registry.writers().items()}
    with mock.patch.object(registry, "writers", lambda: changed):
        yield


class _Changed:
    """A writer of which one method answers something else."""

    def __init__(self, writer: Any, method: str, replacement: Any) -> None:
        self._writer, self._method, self._replacement = writer, method, replacement

    def for_group(self) -> _Changed:
        return _Changed(self._writer.for_group(), self._method, self._replacement)

    def __getattr__(self, name: str) -> Any:
        return self._replacement if name == self._method else getattr(self._writer, name)


@contextmanager
def _no_leases() -> Iterator[None]:
    """Whoever comes takes the order, whoever holds it; nobody checks a token."""
    free = leases._CANDIDATES.replace("busy.lease_until >= now()", "false").replace("lease_until < now()", "true")
    with (
        _no_fencing(),
        mock.patch.multiple(
            leases,
            _CANDIDATES=free,
            _DUE=leases._DUE.replace("lease_until < now()", "true"),
            _TAKE=leases._TAKE.replace("and until < now()", ""),
        ),
    ):
        yield


@contextmanager
def _no_fencing() -> Iterator[None]:
    """Orders are leased, but who lost a lease writes and commits all the same."""
    with (
        mock.patch.multiple(
            Leases,
            renew=_all_still_ours,
            held=lambda own, changes: {change.id for change in changes},
            _set=_without_token,
        ),
        mock.patch.multiple(
            leases,
            _DONE=leases._DONE.replace("change.lease_token = ended.token and change.state = 'leased'", "true"),
        ),
        mock.patch.object(Run, "_within_the_lease", lambda run, *_: run.context),
    ):
        yield


@contextmanager
def _no_reference() -> Iterator[None]:
    """Nothing that we wrote is known again by what it carries: no external id is found, no marker is read."""
    with (
        mock.patch.object(ExternalIds, "find", lambda self, names, believed=(), hidden=None: {}),
        mock.patch("magodoo.flows.magento_documents.find_marker", lambda row: None),
    ):
        yield


@contextmanager
def _many_changes_of_a_key() -> Iterator[None]:
    """A plan neither looks for an open change of its key nor is stopped by the unique index."""

    def planned_again(own: Changes, orders: list[str]) -> Any:
        own.connection.execute(text("drop index if exists change_open"))
        return {}, {}

    with mock.patch.object(Changes, "_open_and_refused", planned_again):
        yield


_MUTATIONS: dict[str, Callable[[], Any]] = {
    "one-open-change": _many_changes_of_a_key,
    "leases": _no_leases,
    "fencing": _no_fencing,
    "probe": lambda: _every_writer("probe", lambda context, changes: {}),
    "reference": _no_reference,
    "fresh-source": lambda: mock.patch.object(read_back, "source_changes", lambda *_: {}),
    "preconditions": lambda: _every_writer("check", lambda context, changes: {}),
    "settle-time": lambda: mock.patch.object(Leases, "uncertain", _put_back_at_once),
    "read-back": lambda: mock.patch.object(read_back, "commit", _without_staging),
}
NAMES = tuple(_MUTATIONS)
