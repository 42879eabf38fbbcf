"""Store the master data of Odoo that mappings need. Owner of table master.

Keys are SKUs of products; names of taxes, currencies, pricelists, carriers and units; codes of journals, warehouses and
states of countries; ISO codes of countries. `ir.config_parameter` / `database.uuid` holds `{"value": ...}`,
`res.company` / `lock_dates` the dates that are set, and `res.company` / `e_invoicing` under `found` what makes its
documents electronic. `magodoo.instance` / `written_to` holds the systems that were last written to, by side. `data` is the row as Odoo returned it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from magodoo.pg_copy import json_text

PRODUCTS = "product.product"
FRESH = timedelta(days=1)

Row = Mapping[str, Any]


class MasterData:
    """Write and read the master data of one instance, in one transaction, `now`."""

    def __init__(self, connection: Connection, instance: str, now: datetime) -> None:
        self.connection, self.instance, self.now = connection, instance, now

    def replace(self, model: str, key_field: str, rows: Sequence[Row]) -> int:
        """Make the records of a model exactly these, without those that have no key, and return how many were written."""
        self.connection.execute(
            text("delete from master where instance = :instance and model = :model"),
            {"instance": self.instance, "model": model},
        )
        return self._insert(model, key_field, rows)

    def replace_products(self, skus: Sequence[str], rows: Sequence[Row]) -> int:
        """Store the products that Odoo returned for these SKUs and return how many it has.

        A SKU that Odoo does not have is stored with odoo_id 0, inactive.
        """
        self.connection.execute(
            text("delete from master where instance = :instance and model = :model and key = any(:skus)"),
            {"instance": self.instance, "model": PRODUCTS, "skus": list(skus)},
        )
        found = {str(row["default_code"]) for row in rows if row.get("default_code")}
        absent = [{"id": 0, "default_code": sku, "active": False} for sku in skus if sku not in found]
        wanted = [row for row in rows if str(row.get("default_code")) in set(skus)]
        self._insert(PRODUCTS, "default_code", [*wanted, *absent])
        return len(wanted)

    def put_fact(self, model: str, key: str, data: Row) -> None:
        """Store one fact that has no record of its own, such as the database's uuid or the lock dates."""
        self.connection.execute(
            text("delete from master where instance = :instance and model = :model and key = :key"),
            {"instance": self.instance, "model": model, "key": key},
        )
        self._insert(model, "key", [{"id": 1, "key": key}], data)

    def fact(self, model: str, key: str) -> Any:
        """Return what `put_fact` stored; empty when nothing was."""
        return (
            self.connection.execute(
                text("select data from master where instance = :instance and model = :model and key = :key"),
                {"instance": self.instance, "model": model, "key": key},
            ).scalar_one_or_none()
            or {}
        )

    def learn(self, model: str, keys: Sequence[str]) -> None:
        """Store keys to which no record of Odoo belongs, beside those that are known."""
        if keys:
            self.connection.execute(
                text("""insert into master (instance, model, key, odoo_id, seen_at)
                    select :instance, :model, unnest(cast(:keys as text[])), 0, :now on conflict do nothing"""),
                {"instance": self.instance, "model": model, "keys": list(keys), "now": self.now},
            )

    def missing_skus(self, always: Sequence[str], order_keys: Sequence[str] | None = None) -> list[str]:
        """Return SKUs of Magento order lines, and `always`, that were not requested from Odoo within a day.

        With `order_keys` only the lines of these orders are searched, and SKUs that Odoo did not have are returned as well.
        """
        these, known = ("", "") if order_keys is None else ("and l.source_id = any(:keys)", "and m.active")
        return list(
            self.connection.execute(
                text(f"""
                with wanted as (
                    select distinct l.sku from line l where l.instance = :instance and l.side = 'magento' and l.kind = 'order'
                        and l.role = 'item' and l.is_money and l.sku <> '' {these}
                    union select unnest(cast(:always as text[])))
                select w.sku from wanted w where not exists (
                    select 1 from master m where m.instance = :instance and m.model = :model and m.key = w.sku {known}
                        and m.seen_at > :since)
                order by w.sku"""),
                {
                    "instance": self.instance,
                    "model": PRODUCTS,
                    "always": list(always),
                    "since": self.now - FRESH,
                    "keys": list(order_keys or ()),
                },
            ).scalars()
        )

    def is_stale(self, model: str, age: timedelta) -> bool:
        """Return whether no record of a model was read within `age`."""
        return not self.connection.execute(
            text("""select exists (select 1 from master where instance = :instance and model = :model
                and seen_at > :since)"""),
            {"instance": self.instance, "model": model, "since": self.now - age},
        ).scalar_one()

    def _insert(
        self,
        model: str,
        key_field: str,
        rows: Sequence[Row],
        data: Row | None = None,
    ) -> int:
        kept = [row for row in rows if row.get(key_field)]
        if kept:
            self.connection.execute(
                text("""
                insert into master (instance, model, key, odoo_id, active, data, seen_at)
                    values (:instance, :model, :key, :id, :active, cast(:data as jsonb), :now) on conflict do nothing"""),
                [
                    {
                        "instance": self.instance,
                        "model": model,
                        "now": self.now,
                        "key": str(row[key_field]).replace("\0", ""),
                        "id": row["id"],
                        "active": row.get("active") is not False,
                        "data": json_text(row if data is None else data),
                    }
                    for row in kept
                ],
            )
        return len(kept)
