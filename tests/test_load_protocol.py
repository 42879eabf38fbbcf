"""The protocol: lost answers, dead workers, documents of others, documents that moved on; nothing is written twice or by halves."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
import structlog
from faults.mutations import mutated
from interruptions import later, tamper
from lab_orders import an_order
from load_lab import Died, Lab
from sqlalchemy import text

from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import Unauthorized
from magodoo.ledger import checkpoints, executor
from magodoo.ledger.leases import Leases
from magodoo.ledger.redaction import MASK
from magodoo.settings.model import Mode, Modes
from magodoo.timestamps import utc_now
from magodoo_sandbox.magento import Address


def moves_of_documents(made: Lab) -> list[str]:
    return [move["payment_state"] for move in made.moves()]


WRITES = (
    "sale.order/load", "sale.order/action_confirm", "account.move/load", "account.move/action_post", "account.payment/load",
    "account.payment/action_post", "account.move.line/reconcile",
)  # fmt: skip
LOST = [
    *((path, "cut_after") for path in WRITES),
    ("account.move/load", "cut_before"),
    ("account.move/action_post", "cut_before"),
]


@pytest.mark.parametrize(("path", "kind"), LOST)
def test_a_lost_answer_leaves_one_of_each_whether_the_call_was_done_or_not(made: Lab, path: str, kind: str) -> None:
    made.with_policy(
        settle_seconds=300, lease_seconds=600
    )  # however slow the machine is, the second run comes before its end
    an_order(made)
    made.odoo.faults.add(kind, path=path, times=1)
    first = made.load()
    assert first["uncertain"] == 1
    assert "leased" not in made.states(), "what comes after it is handed back at once"
    assert made.load()["applied"] == 0, "the order is closed until the settle time is over"
    for _ in range(4):
        later(made)
        made.load()
    assert set(made.states()) == {"done"}
    assert len(made.records("sale.order", "id")) == len(made.moves()) == len(made.records("account.payment", "id")) == 1
    assert moves_of_documents(made) == ["paid"]


@pytest.mark.parametrize("point", checkpoints.NAMES)
def test_a_worker_that_dies_anywhere_is_followed_by_one_that_finishes(made: Lab, point: str) -> None:
    an_order(made)

    def die(name: str) -> None:
        if name == point:
            raise Died(name)

    checkpoints.visit(die)
    with pytest.raises(Died), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Leases, "release", lambda *_: None)
        made.load()
    checkpoints.visit(None)
    for _ in range(5):
        later(made)
        made.load()
    assert set(made.states()) == {"done"}
    assert len(made.records("sale.order", "id")) == len(made.moves()) == len(made.records("account.payment", "id")) == 1


def test_a_server_that_is_away_leaves_the_change_planned(made: Lab) -> None:
    an_order(made)
    made.odoo.faults.add("status", status=503, path="sale.order", probability=1.0)
    made.load()
    assert set(made.states()) == {"planned"}
    made.odoo.faults.clear()
    later(made)
    assert made.load()["applied"] == 3


def test_a_key_that_is_refused_fails_the_run_and_no_change(made: Lab) -> None:
    an_order(made)
    made.context.odoo_client = OdooClient.connect(OdooConnection(made.odoo.url, made.db.name, "wrong", 1))
    with pytest.raises(Unauthorized):
        made.load()
    assert set(made.states()) == {"planned"}


def test_a_draft_that_is_not_equal_to_its_source_is_not_posted(made: Lab) -> None:
    an_order(made)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    with made.engine.connect() as connection:
        (change,) = connection.scalars(text("select id from change where kind = 'odoo_invoice'"))
    tamper(made, change, expect={"untaxed": 609_700, "tax": 46_200, "total": 655_901, "currency": "USD"})
    made.load()
    assert made.state(change)[0] == "refused"
    assert "65.59" in made.state(change)[1]
    assert [move["state"] for move in made.moves()] == ["draft"]


def test_one_bad_document_does_not_stop_the_others_of_its_batch(made: Lab) -> None:
    orders = [made.order(email=f"c{number}@example.com") for number in range(3)]
    made.read()
    changes = made.plan(*[plan for order in orders for plan in made.whole_order(order)])
    with made.engine.connect() as connection:
        body = connection.execute(
            text("select request from change_body where change_id = :id"), {"id": changes[1]}
        ).scalar_one()
    position = body["load"]["fields"].index("order_line/product_id/.id")
    body["load"]["rows"][0][position] = "999999"
    tamper(made, changes[1], load=body["load"])
    made.load()
    assert [made.state(change)[0] for change in changes] == ["done", "refused", "done"]


def test_a_document_that_changed_since_the_plan_is_replanned_not_written(made: Lab) -> None:
    order, invoice = an_order(made)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    made.shop.tables.invoices[invoice]["state"] = 3
    assert made.load()["changed"] >= 1
    assert made.moves() == []
    with made.engine.connect() as connection:
        due = connection.scalar(
            text("select staged_version > reconciled_version from order_work where order_key = :o"), {"o": str(order)}
        )
    assert due is True


def test_a_dead_workers_change_is_not_written_once_its_source_has_changed(made: Lab) -> None:
    _, invoice = an_order(made)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])

    def die(name: str) -> None:
        raise Died(name)

    checkpoints.visit(die)
    with pytest.raises(Died), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Leases, "release", lambda *_: None)
        made.load()
    checkpoints.visit(None)
    made.shop.tables.invoices[invoice]["state"] = 3
    made.read()
    later(made)
    made.load()
    assert made.moves() == []
    assert made.states()[1] == "superseded"


def by_hand(made: Lab, total: str, ref: str = "", email: str = "guest@example.com", post: bool = True) -> int:
    """An invoice that a person types, without an order; a draft has no date yet."""
    (partner,) = made.db.call("res.partner", "create", vals_list=[{"name": "Guest Doe", "email": email}])
    line = {"name": "typed", "quantity": 1, "price_unit": total, "tax_ids": [[6, 0, []]]}
    values = {"move_type": "out_invoice", "partner_id": partner, "ref": ref, "invoice_line_ids": [[0, 0, line]]}
    today = made.shop.clock.stamp()[:10] if post else False
    (move,) = made.db.call("account.move", "create", vals_list=[{**values, "invoice_date": today}])
    if post:
        made.db.call("account.move", "action_post", ids=[move])
    return int(move)


@pytest.mark.parametrize(
    ("ref", "post"), [("", True), ("", False), ("000000001", True), ("for 000000001, by phone", True)]
)
def test_an_unlinked_document_of_the_same_customer_and_total_is_a_possible_duplicate(
    made: Lab, ref: str, post: bool
) -> None:
    _, invoice = an_order(made)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    by_hand(made, made.shop.tables.invoices[invoice]["grand_total"], ref, post=post)
    made.load()
    assert "refused" in made.states()
    assert len(made.moves()) == 1


@pytest.mark.parametrize(
    ("typed", "alike"), [("ANN_%\\@EXAMPLE.com", True), ("ann_%\\@example.com", True), ("annx%\\@example.com", False)]
)
def test_a_customer_is_found_by_e_mail_in_any_case_and_without_wildcards(made: Lab, typed: str, alike: bool) -> None:
    _, invoice = an_order(made, email="Ann_%\\@example.com")
    by_hand(made, made.shop.tables.invoices[invoice]["grand_total"], email=typed)
    made.load()
    assert ("refused" in made.states()) == alike
    assert len(made.moves()) == 2 - alike


def test_an_equal_manual_invoice_that_names_another_order_is_no_duplicate(made: Lab) -> None:
    _, invoice = an_order(made)
    never_read = made.shop.order(made.order())["increment_id"]
    by_hand(made, made.shop.tables.invoices[invoice]["grand_total"], never_read)
    made.load()
    assert (len(made.moves()), "refused" in made.states()) == (2, False)


def test_a_document_created_by_somebody_else_meanwhile_is_adopted(made: Lab) -> None:
    _, invoice = an_order(made)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    (sale,) = made.records("sale.order", "id")
    values = {
        "sale_order_ids": [[6, 0, [sale["id"]]]],
        "advance_payment_method": "delivered",
        "consolidated_billing": False,
    }
    (wizard,) = made.db.call("sale.advance.payment.inv", "create", vals_list=[values])
    move = int(made.db.call("sale.advance.payment.inv", "create_invoices", ids=[wizard])["res_id"])
    made.db.call("account.move", "action_post", ids=[move])
    made.load(kinds=[ChangeKind.ODOO_INVOICE])
    assert [row["id"] for row in made.moves()] == [move]
    with made.engine.connect() as connection:
        pair = connection.execute(text("select magento_id, odoo_id, rule from pair where kind = 'invoice'")).one()
    assert tuple(pair) == (str(invoice), str(move), "ledger")


def test_nothing_is_written_into_a_closed_period(made: Lab) -> None:
    an_order(made)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    made.db.call("res.company", "write", ids=[1], vals={"sale_lock_date": "2199-01-01"})
    made.load()
    with made.engine.connect() as connection:
        reason = connection.scalar(text("select reason from change where kind = 'odoo_invoice'"))
    assert "closed" in reason
    assert made.moves() == []


def test_observe_writes_nothing_and_dry_run_shows_the_calls(made: Lab, caplog: pytest.LogCaptureFixture) -> None:
    made.with_policy(mode=Modes(default=Mode.OBSERVE))
    an_order(made)
    caplog.set_level("INFO", "magodoo")
    shown = made.load(dry_run=True)
    assert (shown["would_write"], shown["observe"]) == (3, 3)
    assert made.load(dry_run=True, targets=[Side.MAGENTO])["would_write"] == 0
    assert "action_confirm" in caplog.text
    assert made.load()["applied"] == 0
    assert made.records("sale.order", "id") == []


def test_a_dry_run_logs_no_personal_data_and_the_change_keeps_the_whole_request(
    made: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    ann = Address(
        firstname="Annegret", lastname="Quastenflosser", email="annegret@quastenflosser.example",
        telephone="+49 40 5550177", street=("Fischmarkt 77",), city="Seebadhausen", postcode="20359",
    )  # fmt: skip
    an_order(made, billing=ann)
    caplog.set_level("DEBUG", "magodoo")
    assert made.load(dry_run=True)["would_write"] == 3

    traces = ("annegret", "quastenflosser", "5550177", "fischmarkt", "seebadhausen", "20359")
    with made.engine.connect() as connection:
        kept = connection.scalar(text("select string_agg(calls::text, ' ') from change_body")).lower()
    assert [trace for trace in traces if trace not in kept] == []
    assert [trace for trace in traces if trace in caplog.text.lower()] == []
    assert MASK in caplog.text and "country_id" in caplog.text


def test_a_line_about_a_document_carries_its_kind_and_number(made: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        executor.log,
        "log",
        lambda level, form, *args: said.append((form % args, structlog.contextvars.get_contextvars())),
    )
    an_order(made)
    made.load()
    with made.engine.connect() as connection:
        planned = connection.execute(text("select document_kind, source_number, order_number from change")).all()
    assert {(labels["document"], labels["order"]) for _, labels in said} == {
        (f"{row.document_kind} {row.source_number}", row.order_number) for row in planned
    }
    assert len(said) == len(planned) == 3
    assert all(labels["document"] in line for line, labels in said)
    assert structlog.contextvars.get_contextvars() == {}


def test_two_workers_at_once_write_one_of_each(made: Lab) -> None:
    an_order(made)
    first, second = made.a_context("one"), made.a_context("two")
    with made.engine.begin() as connection:
        mine = Leases(connection, made.instance).claim(Side.ODOO, 10, "one", 60, now=utc_now())
    with made.engine.begin() as connection:
        theirs = Leases(connection, made.instance).claim(Side.ODOO, 10, "two", 60, now=utc_now())
    assert (len(mine), theirs) == (3, [])
    assert first is not second


def test_a_worker_that_lost_its_lease_before_the_write_writes_nothing(made: Lab) -> None:
    an_order(made)

    def expire(name: str) -> None:
        if name == "probed":
            later(made)

    checkpoints.visit(expire)
    assert made.load()["lost"] >= 1
    assert made.records("sale.order", "id") == []


def test_a_worker_that_loses_the_lease_of_an_uncertain_change_continues_with_the_others(made: Lab) -> None:
    """A kind that may have been written is switched off: the worker finds nothing of it, and no longer has the order."""
    an_order(made)
    made.with_policy(mode=Modes(default=Mode.OBSERVE))
    with made.engine.begin() as connection:
        connection.execute(text("update change set state = 'uncertain', not_before = now() where step = 0"))

    def take_away(name: str) -> None:
        if name == "probed":
            with made.engine.begin() as connection:
                connection.execute(text("update change set lease_token = lease_token + 1 where state = 'leased'"))

    checkpoints.visit(take_away)
    counts = made.load()
    assert (counts["lost"], counts.get("put_back")) == (1, None)


def test_a_written_document_is_staged_before_the_next_reconcile(made: Lab) -> None:
    an_order(made)
    made.load()
    with made.engine.connect() as connection:
        rows = connection.execute(
            text("select kind, state, order_key from document where side = 'odoo' order by kind")
        ).all()
        pairs = connection.execute(text("select kind, rule from pair order by kind")).all()
    assert [tuple(row) for row in rows] == [("invoice", "posted", "1"), ("order", "sale", "1")]
    assert [tuple(row) for row in pairs] == [("invoice", "ledger"), ("order", "ledger")]


@pytest.mark.parametrize(
    ("route", "kind"),
    [("ship", "cut_after"), ("ship", "cut_before"), ("invoice", "cut_after"), ("invoice", "status_after")],
)
def test_a_lost_answer_of_magento_leaves_one_document(made: Lab, route: str, kind: str) -> None:
    order = made.order({"A": 2})
    made.read()
    plan = made.shipped_one(order)
    item = plan.intent.items
    (sale,) = made.records("sale.order", "id order_line")
    line = {
        "product_id": 1,
        "name": "one",
        "quantity": 1,
        "price_unit": "19.99",
        "sale_line_ids": [[6, 0, sale["order_line"][:1]]],
    }
    if route == "invoice":
        (tax,) = made.records("account.tax", "id", [["name", "=", "US 8.25%"], ["company_id", "=", 1]])
        (product,) = made.records("product.product", "id", [["default_code", "=", "A"]])
        (ship,) = made.records("product.product", "id", [["default_code", "=", "SHIPPING"]])
        (partner,) = made.records("sale.order", "partner_id")
        lines = [
            {**line, "product_id": product["id"], "tax_ids": [[6, 0, [tax["id"]]]]},
            {"product_id": ship["id"], "name": "s", "quantity": 1, "price_unit": "5", "tax_ids": [[6, 0, []]]},
        ]
        values = {
            "move_type": "out_invoice",
            "partner_id": partner["partner_id"][0],
            "invoice_line_ids": [[0, 0, each] for each in lines],
        }
        (move,) = made.db.call("account.move", "create", vals_list=[values])
        made.db.call("account.move", "action_post", ids=[move])
        made.read()
        plan = made.planned(ChangeKind.MAGENTO_INVOICE, move, Kind.INVOICE, order, items=item, shipping=50_000)
    made.plan(plan)
    options = {"status": 502} if kind == "status_after" else {}
    made.magento.faults.add(kind, path=rf"/order/{order}/{route}", times=1, **options)
    assert made.load()["uncertain"] == 1
    for _ in range(2):
        later(made)
        made.load()
    table = made.shop.tables.shipments if route == "ship" else made.shop.tables.invoices
    assert len(list(table.of_order(order))) == 1
    assert set(made.states()) == {"done"}
    assert Decimal(made.shop.order(order)["items"][0]["qty_shipped" if route == "ship" else "qty_invoiced"]) == 1


@pytest.mark.parametrize(("step", "wanted"), [("", 1), ("settle-time", 2)])
def test_an_effect_that_comes_after_the_client_gave_up_is_waited_for(made: Lab, step: str, wanted: int) -> None:
    """Without the waiting time it would be there twice: that is what the time is for."""
    order = made.order({"A": 4})
    made.read()
    made.plan(made.shipped_one(order))
    made.magento.faults.add("latency", path=rf"/order/{order}/ship$", times=1, seconds=1.5)
    hasty = MagentoConnection(made.magento.url, BearerToken(made.magento.token), write_timeout=0.3)
    made.context.magento_client = MagentoClient(hasty, sleep=lambda seconds: None)
    with mutated(step):
        made.load()
        made.load()
    time.sleep(1.5)
    later(made)
    made.load()
    assert len(list(made.shop.tables.shipments.of_order(order))) == wanted
