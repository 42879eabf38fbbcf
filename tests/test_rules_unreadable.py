"""A record that exists and may not be read: its own order waits and says so, nothing is made a second time, the others go on."""

from __future__ import annotations

from datetime import UTC, datetime

from shop_and_books import ShopAndBooks
from transfers import merge
from unreadable import hidden, imported, quarantined

from magodoo.pipeline import extract, load, refresh, statement
from magodoo.statement import summary
from magodoo.statement.periods import Month


def reasons(pair: ShopAndBooks, order: int) -> str:
    return " / ".join(str(row["no_change_reason"]) for row in pair.reported(order))


def test_an_unreadable_customer_blocks_only_the_order_of_that_customer(pair: ShopAndBooks) -> None:
    one = imported(pair)
    (sale,) = pair.sales(one)
    with hidden(pair, "res.partner", sale["partner_id"][0]):
        other = pair.order({"SKU-001": 1}, "cashondelivery")
        pair.shop.invoice(one)
        pair.touch(one)
        pair.chain()
        assert [row["state"] for row in pair.sales(other)] == ["sale"], "somebody else's order is imported"
        assert ("order", str(sale["id"])) in quarantined(pair)
        assert pair.moves(one) == [], "nothing is made for an order that cannot be read"
        assert f"Odoo's order {sale['id']} cannot be read" in reasons(pair, one)
        assert f"res.partner {sale['partner_id'][0]} may not be read" in reasons(pair, one)
    pair.chain()
    assert quarantined(pair) == set(), "no time stamp moved, and it is read again all the same"
    assert [row["state"] for row in pair.moves(one)] == ["posted"]


def test_a_partly_unreadable_manual_order_is_not_duplicated(pair: ShopAndBooks) -> None:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    entered = pair.enter_order(order)
    lines = pair.rows("sale.order.line", [["order_id", "=", entered]], "product_id")
    with hidden(pair, "sale.order.line", lines[-1]["id"]):
        pair.chain()
        assert [row["id"] for row in pair.sales(order)] == [entered], "the clerk's stays alone"
        assert "cannot be read" in reasons(pair, order)
    pair.chain()
    assert [row["id"] for row in pair.sales(order)] == [entered]
    assert "cannot be read" not in reasons(pair, order)


def test_a_document_unreadable_between_plan_and_write_is_not_duplicated(pair: ShopAndBooks) -> None:
    order, other = (pair.order({"SKU-001": 1}, "cashondelivery") for _ in range(2))
    pair.look()
    pair.release()
    entered = pair.enter_order(order)
    (sale,) = pair.sales(order)
    with hidden(pair, "res.partner", sale["partner_id"][0]):
        load.run(pair.context())
        assert [row["id"] for row in pair.sales(order)] == [entered]
        assert len(pair.sales(other)) == 1, "the others are written"
        (unfinished,) = pair.unfinished(order)
        assert unfinished[:2] == ("odoo_order_import", "planned")
        assert "may not be read" in unfinished[2]
    pair.chain()
    assert [row["id"] for row in pair.sales(order)] == [entered]


def test_a_hidden_order_of_ours_is_neither_deleted_nor_duplicated(pair: ShopAndBooks) -> None:
    order = imported(pair)
    (sale,) = pair.sales(order)
    with hidden(pair, "sale.order", sale["id"]):
        refresh.run(pair.context())
        pair.shop.invoice(order)
        pair.touch(order)
        pair.chain()
        assert ("order", str(sale["id"])) in quarantined(pair)
        assert ("deleted", "order", "") not in pair.findings(order)
        assert "cannot be read" in reasons(pair, order)
    pair.chain()
    assert [row["id"] for row in pair.sales(order)] == [sale["id"]]
    assert [row["state"] for row in pair.moves(order)] == ["posted"], "once it can be read the invoice is made"


def test_a_hidden_delivery_or_invoice_blocks_its_order(pair: ShopAndBooks) -> None:
    order = imported(pair)
    pair.deliver(order, {"SKU-001": 1})
    done = next(row for row in pair.pickings(order) if row["state"] == "done")
    with hidden(pair, "stock.picking", done["id"]):
        pair.chain()
        assert pair.shipments(order) == []
        assert any(kind in ("order", "shipment") for kind, _ in quarantined(pair))
    pair.chain()
    assert [row["total_qty"] for row in pair.shipments(order)] == [1]


def test_a_hidden_merged_transfer_blocks_only_its_own_orders(
    pair: ShopAndBooks,
) -> None:
    """The second order's own list of transfers is empty, as is that of an order which has none yet."""
    one, two = imported(pair), imported(pair)
    line = {"product_id": pair.books.names.products["SKU-001"], "product_uom_qty": 1}
    values = {"partner_id": pair.sales(one)[0]["partner_id"][0], "order_line": [[0, 0, line]]}
    (draft,) = pair.call("sale.order", "create", vals_list=[values])
    transfer = merge(pair, one, two)
    sales = {str(sale["id"]) for order in (one, two) for sale in pair.sales(order)}
    with hidden(pair, "stock.picking", transfer["id"]):
        for order in (one, two):
            pair.shop.invoice(order)
            pair.touch(order)
        pair.chain()
        assert {id for kind, id in quarantined(pair) if kind == "order"} == sales
        assert str(draft) not in sales
        assert pair.moves(one) == pair.moves(two) == []
    pair.chain()
    assert quarantined(pair) == set()
    assert [len(pair.moves(order)) for order in (one, two)] == [1, 1]


def test_an_order_whose_goods_lie_in_a_merged_transfer_is_read_without_the_other(pair: ShopAndBooks) -> None:
    one, two = imported(pair), imported(pair)
    merge(pair, one, two)
    pair.chain()
    pair.shop.invoice(two)
    pair.touch(two)
    pair.chain()
    assert quarantined(pair) == set()
    assert [row["state"] for row in pair.moves(two)] == ["posted"]


def test_a_delivery_of_which_a_move_is_hidden_is_not_a_smaller_shipment(pair: ShopAndBooks) -> None:
    order = pair.order({"SKU-001": 2, "SKU-002": 1}, "cashondelivery")
    pair.chain()
    pair.deliver(order)
    (done,) = (row for row in pair.pickings(order) if row["state"] == "done")
    with hidden(pair, "stock.move", done["move_ids"][0]):
        pair.chain()
        assert pair.shipments(order) == [], "a part of it would be told as the whole"
        assert ("shipment", str(done["id"])) in quarantined(pair)
    pair.chain()
    (shipment,) = pair.shipments(order)
    assert shipment["total_qty"] == 3


def test_a_record_that_is_deleted_leaves_the_quarantine(pair: ShopAndBooks) -> None:
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    entered = pair.enter_order(order)
    (line, *_) = pair.rows("sale.order.line", [["order_id", "=", entered]], "product_id")
    with hidden(pair, "sale.order.line", line["id"]):
        extract.run(pair.context(), "magento")
        extract.run(pair.context(), "odoo")
        assert ("order", str(entered)) in quarantined(pair)
    pair.call("sale.order", "action_cancel", [entered])
    pair.call("sale.order", "unlink", [entered])
    pair.chain()
    assert quarantined(pair) == set()
    assert len(pair.sales(order)) == 1, "and ours is made"


def test_a_statement_is_incomplete_while_a_record_cannot_be_read(pair: ShopAndBooks) -> None:
    order = imported(pair)
    (sale,) = pair.sales(order)
    month = Month.of(datetime.now(UTC), pair.instance.zone)
    with hidden(pair, "res.partner", sale["partner_id"][0]):
        pair.chain()
        made = statement.make(pair.context(), month)
        count = len(quarantined(pair))
        assert (summary.verdict(made.body), made.unexplained) == (f"incomplete: {count} unreadable", True)
        assert f"Incomplete: {count} unreadable." in summary.sentence(made.body)
        found = [(row["side"], row["kind"], row["source_id"]) for row in made.body["annexes"]["unreadable"]]
        assert ("odoo", "order", str(sale["id"])) in found
    pair.chain()
    assert "incomplete" not in summary.verdict(statement.make(pair.context(), month).body)


def test_a_customer_moved_to_another_company_blocks_only_the_order_of_that_customer(pair: ShopAndBooks) -> None:
    one = imported(pair)
    (sale,) = pair.sales(one)
    company = pair.rows("res.company", [["id", "!=", 1]], "name")[0]["id"]
    pair.call("res.partner", "write", [sale["partner_id"][0]], vals={"company_id": company})
    other = pair.order({"SKU-001": 1}, "cashondelivery")
    again = pair.order({"SKU-001": 1}, "cashondelivery", email=str(pair.shop.order(one)["customer_email"]))
    pair.chain()
    assert [row["state"] for row in pair.sales(other)] == ["sale"], "somebody else's order is imported"
    assert ("order", str(sale["id"])) in quarantined(pair)
    assert len(pair.sales(again)) <= 1


def test_a_written_order_that_is_hidden_is_confirmed_once_it_can_be_read(pair: ShopAndBooks) -> None:
    one = imported(pair)
    product = pair.rows("sale.order.line", [["order_id", "=", pair.sales(one)[0]["id"]]], "product_id")[0]["product_id"]
    with hidden(pair, "product.product", product[0]):
        order = pair.order({"SKU-001": 1}, "cashondelivery")
        pair.chain()
        assert [row["state"] for row in pair.sales(order)] in ([], ["draft"])
        (missing,) = pair.reported(order, type="missing_in_odoo")
        assert "cannot be read" in missing["no_change_reason"]
        assert "must not be booked by hand" in missing["next_step"], "it would be there twice"
    pair.chain()
    assert [row["state"] for row in pair.sales(order)] == ["sale"]
    assert pair.unfinished(order) == []
