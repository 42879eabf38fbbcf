"""The engine of the staging database."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from magodoo.money import dump_json, parse_json
from magodoo.sessions import SCHEMA, seen_by_all

MIGRATIONS = Path(__file__).parent / "migrations"

__all__ = ["MIGRATIONS", "SCHEMA", "connect"]


def connect(url: str, **options: object) -> Engine:
    """An engine whose connections see schema `magodoo`, speak UTC and read every JSON fraction as Decimal.

    Takes `postgres://`, `postgresql://` and `postgresql+psycopg2://`, directly or through PgBouncer; nothing is contacted yet.
    """
    return create_engine(
        seen_by_all(make_url(re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg2://", url))),
        pool_pre_ping=True,
        json_serializer=dump_json,
        json_deserializer=parse_json,
        **options,
    )
