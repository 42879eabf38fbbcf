"""A preflight that found nothing wrong: without one, nothing is written. For tests that are about something else."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine

from magodoo.preflight import results
from magodoo.preflight.results import applied_kinds
from magodoo.settings import Instance


def permit(engine: Engine, instance: Instance) -> None:
    """Note, unless it is noted already, that the instance was examined with these settings and may write."""
    with engine.begin() as connection:
        if results.why_not(connection, instance):
            results.record(connection, instance, applied_kinds(instance), (), datetime.now(UTC))
