"""What earlier versions left open: both systems and the staging database as they were on each day of the request story.

A file of `recordings/upgrades` holds a line for each day, made by that version itself: it had reconciled and judged, and had written
nothing of the day yet. `schema` is its revision, `staging` its tables, `magento` and `odoo` are the dumps of the sandboxes. Left out are
the rows that say what runs did, the sales lists, and the requests of what was done.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from request_forms import DAY, FixedDays, a_pair
from sqlalchemy import Connection, text

from magodoo.staging.db import SCHEMA
from magodoo_sandbox.magento import MagentoShop

RECORDINGS = Path(__file__).parents[1] / "recordings" / "upgrades"
COLUMNS = """
    select column_name from information_schema.columns
    where table_schema = :schema and table_name = :table and is_generated = 'NEVER'"""
SEQUENCES = (
    ("content_version", "select max(version) from document"),
    ("lease_token", "select max(lease_token) from change"),
    ("change_id_seq", "select max(id) from change"),
    ("finding_id_seq", "select max(id) from finding"),
    ("pair_id_seq", "select max(id) from pair"),
)
Left = dict[str, Any]


def days(version: str) -> list[Left]:
    """The days that a version left, in their order."""
    lines = lzma.decompress((RECORDINGS / f"{version}.json.xz").read_bytes()).splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines]


def fill(connection: Connection, left: Left) -> None:
    """Store the tables of a day, in the schema of their version."""
    for table, rows in left["staging"].items():
        own = {"schema": SCHEMA, "table": table, "rows": json.dumps(rows, default=float)}
        names = ", ".join(connection.scalars(text(COLUMNS), own))
        source = f"json_populate_recordset(cast(null as {SCHEMA}.{table}), cast(:rows as json))"
        connection.execute(
            text(f"insert into {table} ({names}) overriding system value select {names} from {source}"), own
        )
    for sequence, highest in SEQUENCES:
        connection.execute(text(f"select setval('{sequence}', greatest(1, ({highest})))"))


@contextmanager
def as_left(staging_url: str, docs: Path, left: Left, day: int) -> Iterator[FixedDays]:
    """The pair on that day; its staging database is `staging_url`, which the caller fills."""
    with a_pair(staging_url, docs) as pair:
        shop = MagentoShop.load(left["magento"])
        pair.shop.tables, pair.shop.tax, pair.shop.limits = shop.tables, shop.tax, shop.limits
        pair.odoo.db.load(left["odoo"])
        if left["schema"] == "0012":  # which knew no such setting
            pair.instance = pair.instance.model_copy(update={"extra_totals": {}})
        pair.today += day * DAY
        pair.at(0)
        yield pair
