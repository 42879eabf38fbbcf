"""Documents as real shops send them: tracks as clerks type them, fields without use, states of extensions, deleted store views."""

from __future__ import annotations

from typing import Any

from shop_and_books import ShopAndBooks
from sqlalchemy import text
from stories import Story, run_chain, story

from magodoo.pipeline import refresh
from magodoo.reconcile.explain import explain
from magodoo_sandbox.magento import Line


def tracks(pair: ShopAndBooks, order: int) -> list[str]:
    return [track["track_number"] for row in pair.shipments(order) for track in row["tracks"]]


def track(number: str) -> dict[str, str]:
    return {"track_number": number, "title": "UPS", "carrier_code": "ups"}


def in_full(pair: ShopAndBooks, payment: str = "banktransfer", **more: Any) -> int:
    order = pair.order({"SKU-001": 1}, payment)
    pair.shop.invoice(order)
    pair.shop.ship(order, **more)
    return order


# Tracks


@story()
def test_a_tracking_number_with_commas_blanks_and_lower_case_arrives_in_odoo_as_typed(pair: ShopAndBooks) -> Story:
    order = in_full(pair, tracks=[track("jd 01, jd 02"), track("RR 123,456 de")])
    yield run_chain()
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "jd 01, jd 02,RR 123,456 de"
    assert pair.findings(order) == set()
    pair.shop.add_track(pair.shipments(order)[0]["entity_id"], "Late, 3")
    pair.touch(order)
    yield run_chain()
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "jd 01, jd 02,RR 123,456 de,Late, 3"
    assert pair.findings(order) == set()
    assert tracks(pair, order) == ["jd 01, jd 02", "RR 123,456 de", "Late, 3"]


@story()
def test_tracking_numbers_typed_in_odoo_arrive_in_magento_as_typed(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    yield run_chain()
    pair.deliver(order, tracking=["jd 01", "RR 123 de"])
    yield run_chain()
    assert tracks(pair, order) == ["jd 01,RR 123 de"]
    assert pair.findings(order) == set()
    (done,) = pair.pickings(order)
    pair.call("stock.picking", "write", [done["id"]], vals={"carrier_tracking_ref": "jd 01, RR 123 de, Box 3"})
    yield run_chain()
    assert tracks(pair, order) == ["jd 01,RR 123 de", "Box 3"]
    assert pair.findings(order) == set()
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "jd 01, RR 123 de, Box 3"


@story()
def test_a_tracking_number_on_an_open_delivery_is_kept(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    pair.call("stock.picking", "write", [picking["id"]], vals={"carrier_tracking_ref": "typed before"})
    pair.shop.invoice(order)
    pair.shop.ship(order, tracks=[track("1Z9")])
    yield run_chain()
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "typed before,1Z9"
    yield run_chain()
    assert sorted(tracks(pair, order)) == ["1Z9", "typed before"]
    assert pair.findings(order) == set()


# A document whose order could not be read


def arrived(pair: ShopAndBooks, order: int) -> tuple[list[str], list[str]]:
    """States of the order's invoices and deliveries in Odoo."""
    return [move["state"] for move in pair.moves(order)], [row["state"] for row in pair.pickings(order)]


def said(pair: ShopAndBooks, order: int) -> str:
    return " ".join(f"{row['message']} {row['no_change_reason']} {row['next_step']}" for row in pair.reported(order))


@story()
def test_documents_wait_for_an_order_that_cannot_be_read_and_follow_it(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    (item,) = pair.shop.order(order)["items"]
    number, sku, item["sku"] = pair.shop.order(order)["increment_id"], item["sku"], None
    yield run_chain()
    assert pair.sales(order) == []
    assert pair.findings(order) == {
        ("quarantined", "order", ""), ("missing_in_odoo", "invoice", ""), ("missing_in_odoo", "shipment", ""),
    }  # fmt: skip
    (unread,) = pair.reported(order, type="quarantined")
    assert (unread["magento_number"], unread["order_number"], unread["magento_id"]) == (number, number, str(order))
    assert "Items[0]: sku is missing" in unread["message"]
    for finding in pair.reported(order, type="missing_in_odoo"):
        assert finding["no_change_reason"] == f"Its order {number} cannot be read: items[0]: sku is missing"
        assert "must not be booked by hand" in finding["next_step"]
    assert "exists nowhere" not in said(pair, order)
    yield run_chain()
    item["sku"] = sku
    pair.touch(order)
    yield run_chain()
    assert arrived(pair, order) == (["posted"], ["done"])
    assert pair.findings(order) == set()


@story()
def test_a_manual_document_of_an_unreadable_order_waits_for_it(pair: ShopAndBooks) -> Story:
    in_full(pair)  # by it the shape of the shop's numbers is known
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    sale = pair.enter_order(order, linked=False)
    row = pair.shop.order(order)
    currency, row["order_currency_code"] = row["order_currency_code"], "dollars"
    yield run_chain()
    with pair.engine.connect() as connection:
        keys = connection.scalars(
            text("select order_key from document where kind = 'order' and source_id = :id and side = 'odoo'"),
            {"id": str(sale)},
        ).all()
        strays = connection.scalars(
            text("select count(*) from finding where type = 'without_order' and odoo_id = :id"), {"id": str(sale)}
        ).one()
    assert keys == [f"odoo-{sale}"], "it names an order that could not be read"
    assert strays == 0
    row["order_currency_code"] = currency
    pair.touch(order)
    yield run_chain()
    assert len(pair.sales(order)) == 1, "it is matched and not made again"
    assert pair.findings(order) == set()


@story()
def test_nothing_is_written_on_an_order_that_cannot_be_read_any_more(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    yield run_chain()
    row = pair.shop.order(order)
    pair.shop.invoice(order)
    total, row["grand_total"] = row["grand_total"], "twelve"
    pair.touch(order)
    pair.deliver(order)
    yield run_chain()
    assert (arrived(pair, order)[0], pair.shipments(order)) == ([], [])
    assert {(finding["type"], finding["kind"]) for finding in pair.reported(order)} == {
        ("quarantined", "order"), ("missing_in_odoo", "invoice"), ("missing_in_magento", "shipment"),
    }  # fmt: skip
    assert said(pair, order).count("The order as it is now cannot be read: grand_total: not an amount") == 2
    row["grand_total"] = total
    pair.touch(order)
    yield run_chain()
    assert (arrived(pair, order), len(pair.shipments(order))) == ((["posted"], ["done"]), 1)
    assert pair.findings(order) == set()


def test_a_deleted_unreadable_order_blocks_no_document(pair: ShopAndBooks) -> None:
    order = in_full(pair)
    pair.shop.order(order)["items"][0]["sku"] = None
    pair.chain()
    assert ("quarantined", "order", "") in pair.findings(order)
    pair.shop.tables.delete("orders", order)
    refresh.run(pair.context())
    pair.chain()
    assert {found for found, _, _ in pair.findings(order)} == {"without_order"}, "now it is true"


# Fields that nothing reads, and those that a document can do without


@story()
def test_an_id_of_0_in_an_unread_field_loses_no_document(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    for row in (*pair.invoices(order), *pair.shipments(order)):
        row |= {"shipping_address_id": 0, "billing_address_id": None, "customer_id": 0}
        row["comments"] = [{"entity_id": 0, "parent_id": None, "comment": None, "is_visible_on_front": 0}]
    pair.shop.order(order)["ext_order_id"] = "9" * 400
    yield run_chain()
    assert arrived(pair, order) == (["posted"], ["done"])
    assert pair.findings(order) == set()


@story()
def test_goods_are_delivered_though_their_track_has_no_number(pair: ShopAndBooks) -> Story:
    order = in_full(pair, tracks=[track("1Z5"), track("later")])
    pair.shipments(order)[0]["tracks"][1]["track_number"] = None
    yield run_chain()
    assert arrived(pair, order) == (["posted"], ["done"])
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "1Z5"
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["severity"], finding["kind"]) == ("read_in_part", "info", "shipment")
    assert "Tracks[1].track_number is missing: no tracking number is carried over" in finding["message"]


@story()
def test_a_link_of_327_characters_is_a_tracking_number(pair: ShopAndBooks) -> Story:
    link = f"https://example.com/track?{'n=1&' * 75}e"
    order = in_full(pair, tracks=[track(link)])
    yield run_chain()
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == link
    assert pair.findings(order) == set()


@story()
def test_an_order_without_a_payment_row_is_written_and_says_that_no_payment_is_registered(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    pair.shop.order(order)["payment"] = {}
    yield run_chain()
    assert arrived(pair, order) == (["posted"], ["done"])
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["kind"]) == ("read_in_part", "order")
    assert "Payment.method is missing: no payment is registered" in finding["message"]


@story()
def test_a_missing_product_type_is_taken_from_the_product(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1, "E-BOOK": 1})
    pair.shop.invoice(order)
    pair.shop.ship(order)
    for item in pair.shop.order(order)["items"]:
        item |= {"product_type": None, "is_virtual": None}
    yield run_chain()
    assert arrived(pair, order) == (["posted"], ["done"])
    assert pair.moved(pair.pickings(order)[0]) == {"SKU-001": 1}
    assert pair.findings(order) == set()


@story()
def test_a_bundle_of_unknown_type_is_unmapped(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-FIX", 1)])
    pair.shop.invoice(order)
    parent = next(item for item in pair.shop.order(order)["items"] if not item.get("parent_item_id"))
    parent |= {"product_type": None, "product_option": None}
    yield run_chain()
    assert pair.sales(order) == []
    (finding,) = pair.reported(order, type="unmapped")
    assert finding["part"] == f"product_type:{parent['sku']}"


# Order states


@story()
def test_an_order_of_an_extension_s_state_waits_and_is_written_once_it_goes_on(pair: ShopAndBooks) -> Story:
    own, none = in_full(pair, "card"), in_full(pair, "card")
    pair.shop.order(own)["state"] = "partially_shipped"
    pair.shop.order(none)["state"] = None
    yield run_chain()
    for order, named in ((own, "`partially_shipped`, which is an extension's own,"), (none, "no state in Magento")):
        assert pair.sales(order) == []
        assert {found for found, _, _ in pair.findings(order)} == {"missing_in_odoo"}
        assert all(named in finding["no_change_reason"] for finding in pair.reported(order))
        assert "Release" not in said(pair, order)
    for order in (own, none):
        pair.shop.order(order)["state"] = "complete"
        pair.touch(order)
    yield run_chain()
    for order in (own, none):
        assert arrived(pair, order) == (["posted"], ["done"])
        assert pair.findings(order) == set()


# Store views that were deleted


def without_store(pair: ShopAndBooks, order: int, *, documents: bool = True) -> None:
    """The store view was deleted: Magento's foreign keys leave null behind."""
    rows = [*pair.invoices(order), *pair.shipments(order)] if documents else []
    for row in (pair.shop.order(order), *rows):
        row |= {"store_id": None, "store_name": "Main Website\nMain Website Store\nGerman"}


@story(stores=[1])
def test_documents_of_a_deleted_store_view_are_read_and_reported_with_what_to_set(pair: ShopAndBooks) -> Story:
    order, other = in_full(pair), in_full(pair)
    without_store(pair, order)
    yield run_chain()
    assert pair.sales(order) == []
    assert {(found, kind) for found, kind, _ in pair.findings(order)} == {
        ("missing_in_odoo", "order"), ("missing_in_odoo", "invoice"), ("missing_in_odoo", "shipment"),
    }  # fmt: skip
    assert said(pair, order).count("(Main Website, Main Website Store, German) was deleted in Magento") == 3
    assert said(pair, order).count("Set `deleted_stores` to `ours`") == 3
    assert arrived(pair, other) == (["posted"], ["done"]), "the others go on"


@story(stores=[1], deleted_stores="ours")
def test_documents_of_a_deleted_store_view_are_written_if_they_are_ours(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    without_store(pair, order)
    yield run_chain()
    assert arrived(pair, order) == (["posted"], ["done"])
    assert pair.findings(order) == set()


@story(stores=[1])
def test_an_order_whose_store_view_is_deleted_after_it_was_written_goes_on(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    yield run_chain()
    pair.shop.invoice(order)
    pair.shop.ship(order)
    without_store(pair, order)
    pair.touch(order)
    yield run_chain()
    assert arrived(pair, order) == (["posted"], ["done"])
    assert pair.findings(order) == set()


@story(stores=[1])
def test_a_document_without_a_store_belongs_to_the_store_of_its_order(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    for row in (*pair.invoices(order), *pair.shipments(order)):
        row["store_id"] = None
    pair.shop.order(order)["store_id"] = 3
    yield run_chain()
    assert pair.findings(order) == set(), "it is of another instance, and of no order that exists nowhere"


def test_explain_shows_why_an_order_is_unreadable(pair: ShopAndBooks) -> None:
    order = in_full(pair)
    pair.shop.order(order)["items"][0]["sku"] = None
    pair.chain()
    with pair.engine.connect() as connection:
        told = explain(connection, "us", pair.shop.order(order)["increment_id"])
    assert "Items[0]: sku is missing" in told
    assert "Its order" in told


@story()
def test_money_of_an_order_without_a_payment_row_is_not_registered_and_no_invoice_is_pushed_on_it(
    pair: ShopAndBooks,
) -> Story:
    captured, pushed = in_full(pair, "card"), pair.order({"SKU-001": 1}, "cashondelivery")
    pair.shop.order(captured)["payment"] = {}
    yield run_chain()
    (invoice,) = pair.moves(captured)
    assert (invoice["state"], invoice["payment_state"]) == ("posted", "not_paid")
    pair.shop.order(pushed)["payment"] = {}
    pair.pay(pushed, pair.bill(pushed))
    yield run_chain()
    assert pair.invoices(pushed) == []
    assert "the order has no payment in Magento" in f"{pair.unfinished(pushed)} {said(pair, pushed)}"
