"""A load worker in a process of its own, which may be killed at a step of the protocol, and may lack one of its steps."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from faults.mutations import mutated
from magodoo import staging
from magodoo.errors import MagodooError
from magodoo.load import checkpoints
from magodoo.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.odoo.client import OdooClient
from magodoo.odoo.connection import OdooConnection
from magodoo.pipeline import load
from magodoo.pipeline.context import Context
from magodoo.settings import Instance, Settings


@dataclass(frozen=True)
class Job:
    """Where the worker works, as what, and at which checkpoint (by name and how many times it was passed) it is killed."""

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


def work(job: Job) -> None:
    """One load run; what goes wrong ends this process and nothing else."""
    logging.disable()
    if job.die_at:
        checkpoints.visit(_killer(job))
    with mutated(job.mutation):
        try:
            load.run(context_of(job))
        except (MagodooError, SQLAlchemyError):
            os._exit(1)
    os._exit(0)


def _killer(job: Job) -> Callable[[str], None]:
    passed = 0

    def visitor(name: str) -> None:
        nonlocal passed
        passed += name == job.die_at
        if name == job.die_at and passed == job.die_after:
            os.kill(os.getpid(), signal.SIGKILL)

    return visitor
