"""Compare what the pipeline found with what was planted, and read what it did, from the staging database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, text

from magodoo.money import from_units
from magodoo_sandbox.seed.manifest import Manifest, Planted, amount


@dataclass(frozen=True)
class Comparison:
    """Planted and found findings, as sets of type, kind, document and amounts."""

    planted: frozenset[Planted]
    found: frozenset[Planted]

    @property
    def equal(self) -> bool:
        return self.planted == self.found

    @property
    def missed(self) -> list[Planted]:
        return sorted(self.planted - self.found)

    @property
    def unexpected(self) -> list[Planted]:
        return sorted(self.found - self.planted)


def compare(manifest: Manifest, staging: Engine) -> Comparison:
    """Compare every finding of all reconcile runs so far with the manifest."""
    query = text(
        """
        select type, kind, coalesce(case when magento_id is not null then nullif(magento_number, '') end,
                                    nullif(odoo_number, ''), magento_id, odoo_id, order_number, '') as document,
               magento_amount, odoo_amount
        from finding
        """
    )
    with staging.connect() as connection:
        found = frozenset(
            Planted(row.type, row.kind, row.document, _amount(row.magento_amount), _amount(row.odoo_amount))
            for row in connection.execute(query)
        )
    return Comparison(frozenset([*manifest.planted, *manifest.later]), found)


def count_by_type(entries: frozenset[Planted]) -> dict[str, int]:
    """Type of finding to number."""
    return dict(sorted(Counter(entry.type for entry in entries).items()))


def documents(staging: Engine) -> dict[str, dict[str, int]]:
    """Side to kind to number of documents read."""
    counts: dict[str, dict[str, int]] = {}
    for side, kind, number in _rows(staging, "select side, kind, count(*) from document group by 1, 2 order by 1, 2"):
        counts.setdefault(side, {})[kind] = number
    return counts


def changes(staging: Engine, since: datetime | None = None) -> Counter[tuple[str, str]]:
    """(kind, state) to number of the changes that ended or were attempted, all of them or since a time."""
    query = """
        select kind, state, count(*) from change
        where state in ('done', 'failed', 'refused', 'uncertain')
          and (cast(:since as timestamptz) is null or greatest(finished_at, written_at) >= :since)
        group by 1, 2
    """
    return Counter({(kind, state): number for kind, state, number in _rows(staging, query, since=since)})


def remaining(staging: Engine) -> list[tuple[str, str, int]]:
    """(type, why nothing is written, number) of the findings that are open."""
    query = """
        select type, coalesce(no_change_reason, ''), count(*) from finding
        where resolved_at is null group by 1, 2 order by 1, 3 desc
    """
    return [(type_, reason, number) for type_, reason, number in _rows(staging, query)]


def clock(staging: Engine) -> datetime:
    """Return the staging database's clock, which sets the timestamps of changes."""
    moment: datetime = _rows(staging, "select clock_timestamp()")[0][0]
    return moment


def _rows(staging: Engine, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with staging.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def _amount(units: int | None) -> str:
    return amount(None if units is None else from_units(units))
