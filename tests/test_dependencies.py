"""Each edge of the table in the ledger: what an earlier change that is open, or ended undone, means for a later one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ledger_changes import a_change, an_instance, recorded
from sqlalchemy import Connection, text

from magodoo import staging
from magodoo.domain.kinds import EDGES, ChangeKind, Edge, Effect, Scope, requires, waits_for
from magodoo.domain.vocabulary import Side
from magodoo.ledger import decisions
from magodoo.ledger.changes import Changes, LeasedChange
from magodoo.ledger.leases import Leases
from magodoo.timestamps import utc_now

K = ChangeKind
WHY = "Odoo says no"
REQUIRED = [edge for edge in EDGES if edge.effect is Effect.REQUIRES_DONE]
OF_THE_DOCUMENT = [edge for edge in EDGES if edge.scope is Scope.SOURCE_DOCUMENT]


@pytest.fixture
def connection(staging_url: str) -> Iterator[Connection]:
    engine = staging.connect(staging_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def approved(connection: Connection, edge: Edge, later_source: str = "11") -> None:
    """Both changes of an edge are released; a person has approved the later one."""
    recorded(connection, a_change(edge.earlier, source="11"), a_change(edge.later, source=later_source))
    later = {"kind": edge.later.value, "source": later_source}
    connection.execute(text("update change set approval = 'waiting' where kind = :kind and source_id = :source"), later)
    waiting = connection.scalars(text("select id from change where kind = :kind and source_id = :source"), later).all()
    assert decisions.approve(connection, waiting, "Ann", "", utc_now()) == 1
    connection.commit()


def leased(connection: Connection, *kinds: ChangeKind) -> list[LeasedChange]:
    """Lease what a worker of these kinds, which share a target, may carry out now."""
    return Leases(connection, an_instance()).claim(kinds[0].target, 10, "worker", 60, kinds=kinds, now=utc_now())


def state(connection: Connection, kind: ChangeKind) -> tuple[str, str]:
    row = connection.execute(text("select state, approval from change where kind = :kind"), {"kind": kind.value}).one()
    return row.state, row.approval


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_a_later_change_is_held_back_while_the_earlier_one_is_open(connection: Connection, edge: Edge) -> None:
    approved(connection, edge)
    connection.execute(text("update change set verdict = 'held' where kind = :kind"), {"kind": edge.earlier.value})
    assert leased(connection, edge.earlier, edge.later) == []
    assert state(connection, edge.later) == ("approved", "approved")


@pytest.mark.parametrize("end", [Leases.refuse, Leases.fail, Leases.drop], ids=["refused", "failed", "dropped"])
@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_a_withdrawn_change_supersedes_only_what_requires_it(connection: Connection, edge: Edge, end: object) -> None:
    approved(connection, edge)
    (earlier,) = leased(connection, edge.earlier)
    end(Leases(connection, an_instance()), earlier, WHY, utc_now())  # type: ignore[operator]
    kept = edge.effect is Effect.WAITS_WHILE_OPEN
    wanted = "approved" if kept else "superseded"
    assert state(connection, edge.later) == (wanted, "approved"), "what is kept keeps its approval"


@pytest.mark.parametrize("edge", REQUIRED, ids=str)
def test_a_rejected_change_supersedes_what_requires_it(connection: Connection, edge: Edge) -> None:
    approved(connection, edge)
    ids = connection.scalars(text("select id from change where kind = :kind"), {"kind": edge.earlier.value}).all()
    assert decisions.reject(connection, ids, "Ann", "not this one", utc_now()) == 1
    assert state(connection, edge.later)[0] == "superseded"


@pytest.mark.parametrize("edge", OF_THE_DOCUMENT, ids=str)
def test_another_document_of_the_order_waits_for_nothing_and_loses_nothing(connection: Connection, edge: Edge) -> None:
    """A posted invoice's payment does not wait for another invoice of the order, and a refusal of that one is not its business."""
    approved(connection, edge, later_source="12")
    changes = {change.kind: change for change in leased(connection, edge.earlier, edge.later)}
    assert changes.keys() == {edge.earlier, edge.later}
    Leases(connection, an_instance()).put_back(changes[edge.later], None)
    Leases(connection, an_instance()).refuse(changes[edge.earlier], WHY, utc_now())
    assert state(connection, edge.later) == ("approved", "approved")


def test_a_refused_payment_leaves_an_approved_credit_note_its_approval(connection: Connection) -> None:
    """Found by comparing the two tables of before: it was superseded, and came back without its approval."""
    edge = next(edge for edge in EDGES if (edge.later, edge.earlier) == (K.ODOO_CREDIT_NOTE, K.ODOO_PAYMENT))
    approved(connection, edge)
    (payment,) = leased(connection, K.ODOO_PAYMENT)
    Leases(connection, an_instance()).refuse(payment, "the journal is gone", utc_now())
    Leases(connection, an_instance()).release({payment.order_key: payment.token})
    connection.commit()
    again = a_change(K.ODOO_CREDIT_NOTE, source="11")
    assert Changes(connection, "us").record([again], "next run", ["1"], now=utc_now()).kept == 1
    assert state(connection, K.ODOO_CREDIT_NOTE) == ("approved", "approved")
    assert len(leased(connection, K.ODOO_CREDIT_NOTE)) == 1


def test_requirements_are_superseded_transitively(connection: Connection) -> None:
    """An invoice takes its order's credit notes, and each of those the money and the goods that go back for it."""
    kinds = (K.ODOO_CREDIT_NOTE, K.ODOO_REFUND_PAYMENT, K.ODOO_STOCK_RETURN)
    recorded(connection, a_change(K.ODOO_INVOICE), *(a_change(kind, source="21") for kind in kinds))
    (invoice,) = leased(connection, K.ODOO_INVOICE)
    Leases(connection, an_instance()).refuse(invoice, WHY, utc_now())
    assert [state(connection, kind)[0] for kind in kinds] == ["superseded"] * 3


def test_every_edge_runs_forward_and_names_two_kinds_of_one_target() -> None:
    for edge in EDGES:
        assert edge.earlier.step < edge.later.step, edge
        assert edge.earlier.target is edge.later.target, edge


@pytest.mark.parametrize("later", ChangeKind)
@pytest.mark.parametrize("earlier", ChangeKind)
def test_a_change_that_requires_another_also_waits_for_it(later: ChangeKind, earlier: ChangeKind) -> None:
    for source in ("11", "12"):
        if requires((later, source), (earlier, "11")):
            assert waits_for((later, source), (earlier, "11"))


def test_the_table_of_dependencies_is_the_decided_one() -> None:
    """A new edge is a decision: what waits, what requires, and whether for the order or for the document."""
    imported = {f"{kind} requires odoo_order_import of the order" for kind in ChangeKind if kind.target is Side.ODOO}
    imported.remove("odoo_order_import requires odoo_order_import of the order")
    assert {str(edge) for edge in EDGES} == imported | {
        "odoo_payment requires odoo_invoice of the source document",
        "odoo_tracking requires odoo_delivery of the source document",
        "odoo_credit_note requires odoo_invoice of the order",
        "odoo_credit_note waits for odoo_payment of the order",
        "odoo_refund_payment requires odoo_credit_note of the source document",
        "odoo_stock_return requires odoo_delivery of the order",
        "odoo_stock_return requires odoo_credit_note of the source document",
        "magento_tracking requires magento_shipment of the source document",
        "magento_credit_memo requires magento_invoice of the order",
    }
