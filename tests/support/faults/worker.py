"""A worker in a process of its own, which may be killed at a step of the protocol, and may lack one of its steps."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from sqlalchemy.exc import SQLAlchemyError

from faults.kinds import CALLED, SENDING
from faults.mutations import mutated
from magodoo import staging
from magodoo.connectors.http import HttpSession
from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.context import Context
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Side
from magodoo.errors import MagodooError
from magodoo.ledger import checkpoints, leases
from magodoo.ledger.behaviour import Writer
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.decisions import Verdicts
from magodoo.ledger.executor import Run
from magodoo.pipeline import extract, load, order_completion, reconcile
from magodoo.preflight import results as preflights
from magodoo.settings import Instance, Settings
from magodoo.staging.work_queue import WorkQueue

PAGE = 3  # rows of a page of Magento's, so that an extraction has several
FORBIDDEN = 4  # the exit code of a run that has no leave to write, and proves nothing
FAILED = 3  # the exit code of a run that ended with an error that Airflow would show and try again


@dataclass(frozen=True)
class Job:
    """Where the worker works, as what, and at which checkpoint (by name and how many times it was passed) it is killed.

    It writes `orders` and no others. With `chain` it is a whole run: both sides are extracted, these orders planned, released
    and loaded; else a run of the load. At `pause_at`, while it carries out `pause_kind`, it stands still until it is told to go on.
    At SENDING that is between the check of its own clock and the first byte. `alive_seconds`, if given, replaces the 60 of a lease without a begun write.
    """

    staging: str
    magento: str
    token: str
    odoo: str
    odoo_key: str
    database: str
    instance: Mapping[str, Any]
    die_at: str = ""
    die_after: int = 1
    mutation: str = ""
    timeout: float = 10.0
    odoo_timeout: float = 10.0
    name: str = field(default="worker")
    orders: tuple[str, ...] = ()
    chain: bool = False
    pause_at: str = ""
    alive_seconds: int = 0
    pause_kind: ChangeKind | None = None


def context_of(job: Job) -> Context:
    """Clients and engine of this process."""
    instance = Instance.model_validate(job.instance)
    magento = MagentoConnection(
        job.magento,
        BearerToken(job.token),
        read_timeout=job.timeout,
        write_timeout=job.timeout,
        attempts=2,
        page_size=PAGE,
    )
    odoo = OdooConnection(
        job.odoo,
        job.database,
        job.odoo_key,
        1,
        read_timeout=max(2.0, job.odoo_timeout),
        write_timeout=job.odoo_timeout,
        attempts=2,
    )
    return Context(
        Settings(instances={instance.id: instance}),
        instance,
        staging.connect(job.staging),
        MagentoClient(magento, sleep=lambda seconds: None),
        OdooClient.connect(
            odoo, number_fields=instance.odoo.reference_fields, delivery_key=instance.odoo.delivery_key_field
        ),
        job.name,
    )


def chain(context: Context, orders: Sequence[str], known_only: bool = False) -> None:
    """Read these orders anew, plan, and release as the gate would; `known_only` plans what staging knows, and reads nothing.

    Reconcile itself completes only what the last extraction cannot have seen: what a clerk did since then must be read here.
    """
    for side in () if known_only else (Side.MAGENTO, Side.ODOO):
        order_completion.read(context, side, orders)
    with context.engine.begin() as connection:
        queue = WorkQueue(connection, context.instance.id)
        queue.bump(sorted(queue.versions(orders)) if known_only else list(orders))
    reconcile.run(context)
    release(context)


def release(context: Context) -> None:
    """The gate finds nothing wrong with whatever is planned."""
    instance = context.instance.id
    with context.engine.begin() as connection:
        verdicts = Verdicts(connection, instance)
        verdicts.release([(row.id, row.request_hash) for row in verdicts.unchecked()])


def work(job: Job) -> None:
    """One run; what goes wrong ends this process and nothing else."""
    logging.disable()
    if job.die_at:
        checkpoints.visit(_at(job.die_at, job.die_after, signal.SIGKILL))
    elif job.pause_at:
        checkpoints.visit(_at(job.pause_at, 1, signal.SIGSTOP, job.pause_kind))
    alive = mock.patch.object(leases, "ALIVE_SECONDS", job.alive_seconds or leases.ALIVE_SECONDS)
    with mutated(job.mutation), _calls_counted(), _kinds_counted(), _sending_counted(), alive:
        try:
            context = context_of(job)
            _has_leave(context)
            if job.chain:
                for side in Side:
                    extract.run(context, side)
                reconcile.run(context, job.orders)
                release(context)
            load.run(context, order_keys=job.orders)
        except (MagodooError, SQLAlchemyError):
            os._exit(FAILED)
    os._exit(0)


def _has_leave(context: Context) -> None:
    with context.engine.connect() as connection:
        if preflights.why_not(connection, context.instance):
            os._exit(FORBIDDEN)


@contextmanager
def _calls_counted() -> Iterator[None]:
    """Each call into Odoo that may change something is a step at which the worker may die."""
    call = Rpc.write_call

    def told(self: Rpc, *arguments: Any, **options: Any) -> Any:
        answer = call(self, *arguments, **options)
        checkpoints.checkpoint(CALLED)
        return answer

    with mock.patch.object(Rpc, "write_call", told):
        yield


@contextmanager
def _sending_counted() -> Iterator[None]:
    """The moment when a writing call is connected and its first byte is next is a step at which the worker may be stopped."""
    send = HttpSession._send

    def told(self: HttpSession, request: Any, *, write: bool, before_sending: Callable[[], None]) -> Any:
        def here() -> None:
            if write:
                checkpoints.checkpoint(SENDING)
            before_sending()

        return send(self, request, write=write, before_sending=here)

    with mock.patch.object(HttpSession, "_send", told):
        yield


_carried_out: list[ChangeKind] = []
"""The kinds of change that this process has come to, the present one last."""


@contextmanager
def _kinds_counted() -> Iterator[None]:
    """Which kind of change a checkpoint is passed with."""
    batch = Run._batch

    def told(self: Run, writer: Writer, changes: list[LeasedChange]) -> None:
        _carried_out.append(writer.kind)
        batch(self, writer, changes)

    with mock.patch.object(Run, "_batch", told):
        yield


def _at(step: str, times: int, sent: signal.Signals, kind: ChangeKind | None = None) -> Callable[[str], None]:
    """A visitor that sends this process a signal when it passes the step (with that kind of change) for the nth time."""
    passed = 0

    def visitor(name: str) -> None:
        nonlocal passed
        here = name == step and kind in (None, *_carried_out[-1:])
        passed += here
        if here and passed == times:
            os.kill(os.getpid(), sent)

    return visitor
