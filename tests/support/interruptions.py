"""What happens to a worker at a point of its way: it dies, its leases run out, somebody changes its request."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from load_lab import Died, Lab
from sqlalchemy import text

from magodoo.ledger import checkpoints


def at(point: str, time: int, act: Callable[[], None]) -> None:
    """Do something when the worker passes the point for the nth time."""
    passed = 0

    def visitor(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed == time:
            act()

    checkpoints.visit(visitor)


def die() -> None:
    raise Died


def later(made: Lab, seconds: int = 3600) -> None:
    """Time passes for leases and waiting times."""
    with made.engine.begin() as connection:
        moved = {"by": timedelta(seconds=seconds)}
        connection.execute(
            text("update change set lease_until = lease_until - :by, not_before = not_before - :by"), moved
        )
        connection.execute(text("update order_lease set until = until - cast(:by as interval)"), moved)


def tamper(made: Lab, change: int, **parts: Any) -> None:
    with made.engine.begin() as connection:
        (request,) = connection.execute(
            text("select request::text from change_body where change_id = :id"), {"id": change}
        ).one()
        values = {"id": change, "request": json.dumps({**json.loads(request), **parts})}
        connection.execute(
            text("update change_body set request = cast(:request as jsonb) where change_id = :id"), values
        )
