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

from faults.kinds import CALLED
from faults.mutations import mutated
from magodoo import staging
from magodoo.errors import MagodooError
from magodoo.load import checkpoints, ledger
from magodoo.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.odoo.caller import OdooCaller
from magodoo.odoo.client import OdooClient
from magodoo.odoo.connection import OdooConnection
from magodoo.pipeline import load, reconcile
from magodoo.pipeline.context import Context
from magodoo.settings import Instance, Settings
from magodoo.staging import work as work_list

FAILED = 3  # the exit code of a run that ended with an error that Airflow would show and try again


@dataclass(frozen=True)
class Job:
    """Where the worker works, as what, and at which checkpoint (by name and how many times it was passed) it is killed.

    With `orders` it is a whole run of the chain: these are read anew, planned, released and loaded; else a run of the load.
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


def context_of(job: Job) -> Context:
    """Clients and engine of this process."""
    instance = Instance.model_validate(job.instance)
    magento = MagentoConnection(
        job.magento, BearerToken(job.token), read_timeout=job.timeout, write_timeout=job.timeout, attempts=2
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
        OdooClient(odoo),
        job.name,
    )


def chain(context: Context, orders: Sequence[str]) -> None:
    """Read these orders anew, plan, and release as the gate would."""
    instance = context.instance.id
    with context.engine.begin() as connection:
        work_list.bump(connection, instance, list(orders))
    reconcile.run(context)
    with context.engine.begin() as connection:
        ledger.release(connection, [(row.id, row.request_hash) for row in ledger.unchecked(connection, instance)])


def work(job: Job) -> None:
    """One run; what goes wrong ends this process and nothing else."""
    logging.disable()
    if job.die_at:
        checkpoints.visit(_killer(job))
    with mutated(job.mutation), _calls_told():
        try:
            context = context_of(job)
            if job.orders:
                chain(context, job.orders)
            load.run(context)
        except (MagodooError, SQLAlchemyError):
            os._exit(FAILED)
    os._exit(0)


@contextmanager
def _calls_told() -> Iterator[None]:
    """Each call into Odoo that may change something is a step at which the worker may die."""
    call = OdooCaller.write_call

    def told(self: OdooCaller, *arguments: Any, **options: Any) -> Any:
        answer = call(self, *arguments, **options)
        checkpoints.checkpoint(CALLED)
        return answer

    with mock.patch.object(OdooCaller, "write_call", told):
        yield


def _killer(job: Job) -> Callable[[str], None]:
    passed = 0

    def visitor(name: str) -> None:
        nonlocal passed
        passed += name == job.die_at
        if name == job.die_at and passed == job.die_after:
            os.kill(os.getpid(), signal.SIGKILL)

    return visitor
