"""Create what an Odoo lacks, as a person agreed to it: each record once, with an external id, nothing else changed.

Odoo's import writes a record and its external id in one transaction and leaves alone what has the id already, so a repeated run makes
nothing twice. Nothing is sent again after an answer that was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from magodoo.connectors.odoo.client import OdooClient
from magodoo.errors import MagodooError
from magodoo.provisioning.lacking import Record


@dataclass(frozen=True)
class Made:
    """The result of one record: its database id, or why it was not made."""

    record: Record
    id: int = 0
    problem: str = ""


def make(client: OdooClient, records: Sequence[Record]) -> Iterator[Made]:
    """Create the records in their order and yield what became of each. A refused one is named; those that need it are not tried."""
    failed: set[str] = set()
    for record in records:
        if record.outstanding in failed and record.outstanding:
            failed.add(record.external_id)
            yield Made(record, problem="not tried, because its account was not made")
            continue
        try:
            id = _create(client, record)
            if record.outstanding:
                _let_payments_wait(client, id, record.outstanding)
        except MagodooError as problem:
            failed.add(record.external_id)
            yield Made(record, problem=str(problem))
        else:
            yield Made(record, id)


def _create(client: OdooClient, record: Record) -> int:
    name = record.external_id
    columns, cells = ["id"], [name]
    for column, value in record.values.items():
        if column == "model_id":
            (found,) = client.rpc.call("ir.model", "search", domain=[["model", "=", value]])
            column, value = "model_id/.id", str(found)
        elif column == "company_id":
            column = "company_id/.id"
        columns.append(column)
        cells.append(value)
    loaded = client.bulk_load.create(record.model, columns, [cells])
    if name in loaded.refused:
        raise loaded.refused[name]
    return loaded.ids[name]


def _let_payments_wait(client: OdooClient, journal: int, account: str) -> None:
    """Give the payment methods of a journal that was made here, and have no account yet, their outstanding account."""
    account_id = client.external_ids.find([account])[account]
    fields = ["payment_account_id"]
    rows = client.rpc.search_read("account.payment.method.line", [["journal_id", "=", journal]], fields)
    without = [row["id"] for row in rows if not row["payment_account_id"]]
    if without:
        client.rpc.write_call(
            "account.payment.method.line", "write", ids=without, vals={"payment_account_id": account_id}
        )
