"""Requests from documents of a live shop: every amount equals its source to the cent, and nothing is guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_changes import intent_of
from request_sources import NOW, an_instance, sources

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.extract.addresses import shipping_address
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.flows.line_amounts import apportion
from magodoo.flows.load_tables import Table
from magodoo.flows.magento_credit_memo import CreditMemoIntent
from magodoo.flows.magento_shipment import MagentoShipmentIntent
from magodoo.flows.odoo_delivery import DeliveryIntent, DeliveryTrackingIntent
from magodoo.flows.order_contents import nothing_left, remaining
from magodoo.flows.order_plan import Item
from magodoo.flows.planner import Prepared, prepare_from
from magodoo.flows.sources import Record, Sources
from magodoo.flows.taxes import LineTax, beside_zero_goods, implausible, tax_of
from magodoo.ledger.planned import PlannedChange, RequestProblem
from magodoo.money import from_units, rounded, to_units
from magodoo.settings.tax_rules import TaxRule

KINDS = {
    Kind.ORDER: ChangeKind.ORDER_IMPORT,
    Kind.INVOICE: ChangeKind.ODOO_INVOICE,
    Kind.CREDIT_MEMO: ChangeKind.ODOO_CREDIT_NOTE,
}


@pytest.fixture(scope="module")
def shop() -> Sources:
    return sources()


def plan_of(document: CanonicalDocument, **intent: Any) -> PlannedChange:
    kind = Kind(document.kind)
    return PlannedChange(
        KINDS[kind], str(document.order_key), "n", kind, document.source_id, document.number, document.grand_total,
        document.currency, document.grand_total, intent_of(KINDS[kind], **intent),
    )  # fmt: skip


def prepared(shop: Sources) -> Iterator[tuple[CanonicalDocument, Prepared]]:
    for (side, kind, _), document in sorted(shop.documents.items()):
        known = shop.magento(Kind.ORDER, str(document.order_key)) is not None
        if kind == "order":
            document = remaining(document, 2)
        sound = (
            known and document.sound and document.grand_total > 0 and not (kind == "order" and nothing_left(document))
        )
        if side == "magento" and Kind(kind) in KINDS and sound:
            yield document, prepare_from(shop, [plan_of(document)])[0]


def in_odoo(table: Table) -> tuple[Decimal, Decimal]:
    """Untaxed and tax as Odoo computes them: forced where there is extra_tax_data, else from price, discount and quantity."""
    untaxed = tax = Decimal(0)
    for row in table.rows:
        cells = {
            name.rsplit("/", 2)[-2 if name.endswith(("/id", "/.id")) else -1]: cell
            for name, cell in zip(table.fields, row, strict=True)
        }
        quantity = Decimal(cells.get("quantity") or cells["product_uom_qty"])
        if cells["extra_tax_data"]:
            forced = json.loads(cells["extra_tax_data"], parse_float=Decimal)
            assert Decimal(forced["price_unit"]) == Decimal(cells["price_unit"])
            assert Decimal(forced["quantity"]) == quantity
            assert str(next(iter(forced["manual_tax_amounts"]))) == cells["tax_ids"]
            untaxed += Decimal(forced["manual_total_excluded_currency"])
            tax += Decimal(forced["manual_tax_amounts"][cells["tax_ids"]]["tax_amount_currency"])
        else:
            assert not (cells["tax_ids"] and quantity), "a line of 0 has no tax to force"
            untaxed += Decimal(cells["price_unit"]) * quantity * (100 - Decimal(cells["discount"])) / 100
    cent = Decimal("0.01")
    return untaxed.quantize(cent, ROUND_HALF_UP), tax.quantize(cent, ROUND_HALF_UP)


def test_every_recorded_document_can_be_written_equal_to_the_cent(shop: Sources) -> None:
    count = 0
    for document, item in prepared(shop):
        assert item.request is not None, (document.kind, document.source_id, item.problems)
        untaxed, tax = in_odoo(item.request.load)
        assert to_units(untaxed + tax) == rounded(document.grand_total), (document.kind, document.source_id)
        assert to_units(tax) == rounded(document.tax), (document.kind, document.source_id)
        count += 1
    assert count > 150


def test_a_request_keeps_its_hash_and_holds_no_fraction(shop: Sources) -> None:
    def exact(value: Any) -> bool:
        if isinstance(value, dict | list | tuple):
            return all(exact(each) for each in (value.values() if isinstance(value, dict) else value))
        return value is None or isinstance(value, str | int)

    for document, item in prepared(shop):
        assert exact(item.stored), (document.kind, document.source_id)
        assert item.request_hash == prepare_from(shop, [item.planned])[0].request_hash


def test_an_invoice_names_its_order_lines_before_the_order_exists(shop: Sources) -> None:
    invoice = next(document for document, _ in prepared(shop) if document.kind == "invoice")
    (item,) = prepare_from(shop, [plan_of(invoice)])
    assert item.request is not None
    table = item.request.load
    position = table.fields.index("invoice_line_ids/sale_line_ids/id")
    keys = [line.item_key for line in invoice.lines if line.role == "item" and line.is_money]
    assert [row[position] for row in table.rows][: len(keys)] == [f"magodoo.oi_us_{key}" for key in keys]


def test_an_order_of_somebody_else_is_named_by_odoos_ids(shop: Sources) -> None:
    own = sources()
    invoice = next(document for document, _ in prepared(own) if document.kind == "invoice")
    order = str(invoice.order_key)
    lines = [
        CanonicalLine(line_id=str(900 + n), own_item_id=str(900 + n), item_key=line.item_key, role=line.role)
        for n, line in enumerate(own.magento(Kind.ORDER, order).lines)  # type: ignore[union-attr]
    ]
    theirs = CanonicalDocument(
        "us", "odoo", "order", "77", "S00077", "sale", NOW, order_key=order, customer_key="5", lines=lines
    )
    own.documents[theirs.key] = theirs
    own.odoo_of["order", order] = "77"
    (item,) = prepare_from(own, [plan_of(invoice)])
    assert item.request is not None
    assert "invoice_line_ids/sale_line_ids/.id" in item.request.load.fields
    assert item.request.load.rows[0][2] == "5"
    assert item.request.partners == ()


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (lambda shop, sku: shop.master.records.pop(("product.product", sku)), "sku:"),
        (lambda shop, sku: shop.master.records["product.product", sku].append(Record(9, True, {})), "sku:"),
        (lambda shop, sku: shop.master.records.pop(("account.tax", "8.25 %")), "tax:8.25/US"),
        (lambda shop, sku: shop.master.records.pop(("res.country", "US")), "country:US"),
        (lambda shop, sku: shop.master.records.pop(("product.pricelist", "USD")), "currency:USD"),
    ],
)
def test_master_data_missing_in_odoo_is_a_problem_and_never_a_guess(damage: Any, part: str) -> None:
    own = sources()
    order = next(
        d for d, _ in prepared(own) if d.kind == "order" and d.currency == "USD" and d.country == "US" and d.tax
    )
    damage(own, next(line.sku for line in order.lines if line.role == "item" and line.is_money))
    (item,) = prepare_from(own, [plan_of(order)])
    assert item.request is None
    assert any(problem.part.startswith(part) for problem in item.problems)


def test_nothing_is_made_up_for_a_customer_whom_retention_or_erasure_took_away() -> None:
    own = sources()
    order, invoice = (next(d for d, _ in prepared(own) if d.kind == kind) for kind in ("order", "invoice"))
    for document in (order, invoice):
        source = own.magento(Kind.ORDER, str(document.order_key))
        assert source is not None
        source.payload = {}
        (item,) = prepare_from(own, [plan_of(document)])
        assert (item.request, [problem.part for problem in item.problems]) == (None, ["order"])


def test_a_track_number_is_written_as_it_was_planned() -> None:
    own = sources()
    shipment = next(d for d in own.documents.values() if d.kind == "shipment")
    plan = PlannedChange(
        ChangeKind.ODOO_TRACKING, str(shipment.order_key), "n", Kind.SHIPMENT, shipment.source_id, shipment.number, 0, "", 0,
        DeliveryTrackingIntent(5, ("jd 0001,b",)),
    )  # fmt: skip
    (item,) = prepare_from(own, [plan])
    assert item.request is not None and item.request.tracks == ("jd 0001,b",)


def test_untaxed_goods_need_a_rule_as_soon_as_the_settings_name_zero() -> None:
    rules = [*an_instance().taxes, TaxRule(rate=Decimal(0), odoo_tax="Export", country="CH")]
    own = sources(an_instance(taxes=rules))
    order = next(d for d, _ in prepared(own) if d.kind == "order" and d.tax)
    for line in order.lines:
        line.tax, line.tax_percent = 0, Decimal(0)
    order.grand_total, order.tax = order.grand_total - order.tax, 0
    (item,) = prepare_from(own, [plan_of(order)])
    assert [problem.part for problem in item.problems] == [f"tax:0/{order.country}"]


def test_of_one_rate_the_kind_the_vat_number_and_the_group_decide() -> None:
    rules = [
        TaxRule(rate=Decimal(0), country="FR", has_vat=True, kind="goods", odoo_tax="EU", fiscal_position="Intra"),
        TaxRule(rate=Decimal(0), country="FR", has_vat=True, kind="service", odoo_tax="EU service"),
        TaxRule(rate=Decimal(0), country="FR", kind="shipping", odoo_tax="EU freight"),
        TaxRule(rate=Decimal(0), customer_group=3, odoo_tax="Exempt"),
    ]
    own = sources(an_instance(taxes=rules))
    for number, rule in enumerate(rules, start=900):
        own.master.records["account.tax", rule.odoo_tax].append(Record(number, True, {"amount": 0}))
    order = next(document for document in own.documents.values() if document.kind == Kind.ORDER)
    goods, service = CanonicalLine("1", product_type="simple"), CanonicalLine("2", is_virtual=True)
    shipping = CanonicalLine("3", role="shipping")

    def chosen(line: CanonicalLine, country: str, vat: str = "", group: int = 0) -> tuple[int | None, str | None]:
        order.country, order.vat, order.customer_group = country, vat, group
        tax = tax_of(own, order, line, Decimal(0), 0)
        return tax.tax_id, tax.fiscal_position or (tax.problem and tax.problem.part)

    assert chosen(goods, "FR", "FR1") == (900, "Intra")
    assert chosen(service, "FR", "FR1") == (901, None)
    assert chosen(shipping, "FR") == (902, None)
    assert chosen(goods, "FR", group=3) == (903, None)
    assert chosen(goods, "FR") == (None, "tax:0/FR")
    assert chosen(goods, "CH", "CHE1") == (None, "tax:0/CH")


def rated(*rules: dict[str, Any], **changes: Any) -> Sources:
    """Sources of an instance with these tax rules; their Odoo taxes exist, numbered from 900 by the order of their names."""
    made = [{"rate": 0, "country": "GB", **rule} for rule in rules]
    own = sources(an_instance(taxes=made, **changes))
    for number, name in enumerate(sorted({str(rule["odoo_tax"]) for rule in made}), start=900):
        rate = next(rule["rate"] for rule in made if rule["odoo_tax"] == name)
        own.master.records["account.tax", name].append(Record(number, True, {"amount": rate}))
    return own


def a_british_order(own: Sources, **address: Any) -> CanonicalDocument:
    """An order to Great Britain at 0 %, with one line of goods worth 134.00, placed on 2026-03-01."""
    goods = CanonicalLine(
        "1", item_key="1", sku="MUG", product_type="simple", untaxed=1_340_000, base_untaxed=1_340_000
    )
    line = CanonicalLine("2", item_key="2", sku="SETUP", is_virtual=True, untaxed=90_000, base_untaxed=90_000)
    place = {"country_id": "GB", "city": "Belfast", "postcode": "bt1 5gs", **address}
    order = CanonicalDocument(
        "us", "magento", "order", "9000", "9000", "processing", NOW, order_key="9000", country="GB", currency="USD",
        company_currency="USD", document_date=date(2026, 3, 1), lines=[goods, line], payload={"billing_address": place},
    )  # fmt: skip
    own.documents[order.key] = order
    return order


def tax_named(own: Sources, order: CanonicalDocument, line: int = 0) -> str:
    """The name of the Odoo tax of a line without tax, or why it has none."""
    tax = tax_of(own, order, order.lines[line], Decimal(0), 0)
    names = {
        record.id: key
        for (model, key), found in own.master.records.items()
        if model == "account.tax"
        for record in found
    }
    return tax.problem.message if tax.problem else names.get(tax.tax_id or 0, "")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ({}, "NI"),
        ({"postcode": "BT92ZZ"}, "NI"),
        ({"postcode": "SW1A 1AA"}, "GB"),
        ({"postcode": "SW1A 1AA", "region": "Jersey", "region_code": "JE"}, "Jersey"),
        ({"postcode": "SW1A 1AA", "region": {"region": "jersey", "region_code": None}}, "Jersey"),
        ({"postcode": None}, "GB"),
    ],
)
def test_region_and_postcode_of_the_destination_choose_the_tax(address: dict[str, Any], name: str) -> None:
    own = rated({"odoo_tax": "NI", "postcodes": "BT*"}, {"odoo_tax": "Jersey", "region": "Jersey"}, {"odoo_tax": "GB"})
    assert tax_named(own, a_british_order(own, **address)) == name


def test_a_condition_that_nobody_can_decide_is_no_reason_to_take_the_next_rule() -> None:
    own = rated({"odoo_tax": "NI", "postcodes": "BT*"}, {"odoo_tax": "GB"})
    order = a_british_order(own)
    order.payload = {}
    assert "cannot be decided: the order's address is not kept any more" in tax_named(own, order)
    order.country = "FR"
    assert tax_named(own, order) == "no tax rule fits for 0 % in FR"


@pytest.mark.parametrize(
    ("checked", "name"),
    [
        ({"vat_is_valid": 1, "vat_request_date": "2026-02-28+01:00"}, "Reverse charge"),
        ({"vat_is_valid": "1", "vat_request_date": "2026-02-28"}, "Reverse charge"),
        ({"vat_is_valid": 1, "vat_request_date": None}, "Unchecked"),
        ({"vat_is_valid": 0, "vat_request_date": "2026-02-28"}, "Unchecked"),
        ({"vat_id": "FR2", "vat_is_valid": 1, "vat_request_date": "2026-02-28"}, "Unchecked"),
        ({}, "Unchecked"),
    ],
)
def test_a_vat_number_counts_as_checked_only_with_magento_s_finding_and_its_day(
    checked: dict[str, Any], name: str
) -> None:
    own = rated({"odoo_tax": "Reverse charge", "vat_checked": True}, {"odoo_tax": "Unchecked", "has_vat": True})
    order = a_british_order(own, **{"vat_id": "FR1", **checked})
    order.vat = "FR1"
    assert tax_named(own, order) == name


def test_the_day_of_the_order_chooses_between_rules_that_follow_each_other() -> None:
    own = rated({"odoo_tax": "New", "valid_from": "2026-03-01"}, {"odoo_tax": "Old"})
    order = a_british_order(own)
    assert tax_named(own, order) == "New"
    order.document_date = date(2026, 2, 28)
    assert tax_named(own, order) == "Old"
    order.document_date = None
    assert "Magento names no day" in tax_named(own, order)


def test_the_worth_of_the_goods_chooses_the_tax_of_a_consignment() -> None:
    own = rated({"odoo_tax": "Up", "consignment_up_to": "134.00"}, {"odoo_tax": "Above", "consignment_above": "134.00"})
    order = a_british_order(own)
    assert [tax_named(own, order, line) for line in (0, 1)] == ["Up", "Up"], "what is no goods is not counted"
    order.lines[0].base_untaxed += 100
    assert tax_named(own, order) == "Above"


def shipped(own: Sources, order: CanonicalDocument, source: str, *items: str, number: str = "1") -> None:
    """A shipment in Magento of these items from a source."""
    lines = [CanonicalLine(item, item_key=item, quantity=10_000) for item in items]
    made = CanonicalDocument(
        "us",
        "magento",
        "shipment",
        f"90{number}",
        f"90{number}",
        "",
        NOW,
        order_key="9000",
        source_code=source,
        lines=lines,
    )
    own.documents[made.key] = made


def test_the_source_and_country_shipped_from_choose_the_tax_of_each_line() -> None:
    countries = {"berlin": "DE", "lodz": "PL", "hub": "PL"}
    rules = ({"odoo_tax": "Hub", "from_source": "hub"}, {"odoo_tax": "PL", "from_country": "PL"}, {"odoo_tax": "DE"})
    own = rated(*rules, source_countries=countries)
    order = a_british_order(own)
    order.lines.append(CanonicalLine("shipping", role="shipping", untaxed=50_000))
    assert "where item MUG is shipped from is not known" in tax_named(own, order)
    shipped(own, order, "lodz", "1")
    shipped(own, order, "berlin", "2", number="2")
    assert [tax_named(own, order, line) for line in (0, 1)] == ["PL", "DE"]
    assert "the shipping is shipped from several sources, berlin and lodz" in tax_named(own, order, 2)
    shipped(own, order, "hub", "2", number="2")
    assert "item MUG" not in tax_named(own, order, 0)
    shipped(own, order, "nowhere", "1")
    assert "names no country of the source 'nowhere', which ships item MUG" in tax_named(own, order)


def test_before_the_first_shipment_the_warehouse_of_the_order_in_odoo_says_where_it_comes_from() -> None:
    rules = ({"odoo_tax": "PL", "from_country": "PL"}, {"odoo_tax": "DE"})
    own = rated(*rules, source_countries={"berlin": "DE", "lodz": "PL"})
    order = a_british_order(own)
    theirs = CanonicalDocument("us", "odoo", "order", "77", "S00077", "sale", NOW, order_key="9000", source_code="lodz")
    own.documents[theirs.key] = theirs
    own.odoo_of["order", "9000"] = "77"
    assert tax_named(own, order) == "PL"
    only = rated(*rules, source_countries={"berlin": "DE"})
    assert tax_named(only, a_british_order(only)) == "DE", "one source alone needs nobody to name it"


@pytest.mark.parametrize("role", ["shipping", "discount", "adjustment"])
def test_a_line_without_tax_beside_zero_percent_goods_takes_their_rule(role: str) -> None:
    export = {"odoo_tax": "Export", "kind": "goods", "fiscal_position": "Outside"}
    own = rated(export, {"odoo_tax": "Services", "kind": "service"})
    order = a_british_order(own)
    goods, service = order.lines
    line = CanonicalLine(role, role=role, untaxed=50_000)
    order.lines = [goods, line]

    def chosen() -> LineTax:
        return beside_zero_goods(own, order, line, order.lines)

    assert (chosen().tax_id, chosen().fiscal_position) == (900, "Outside")
    order.lines = [goods, service, line]
    assert chosen().problem == RequestProblem(
        "tax:0/GB",
        f"{NAMED[role]} carries no tax, and the goods without tax have different ones (MUG and SETUP):"
        " no rule says which is its own for 0 % in GB",
    )
    order.lines = [replace(goods, tax_percent=Decimal(20), tax=268_000), line]
    assert chosen() == LineTax(), "beside taxed goods it keeps none"
    order.lines = [replace(goods, untaxed=0), line]
    assert chosen() == LineTax(), "a free item is no sale at 0 %"


NAMED = {"shipping": "the shipping", "discount": "the discount on shipping", "adjustment": "the adjustment"}


def test_the_shipping_of_an_export_is_written_with_the_tax_of_its_goods() -> None:
    own = rated({"odoo_tax": "Export", "kind": "goods", "country": "US"})
    order = next(d for d, _ in prepared(sources()) if d.kind == "order" and d.tax and d.shipping and d.country == "US")
    order = own.documents[order.key]
    for line in order.lines:
        line.tax, line.tax_percent = 0, Decimal(0)
    order.grand_total, order.tax = order.grand_total - order.tax, 0
    (item,) = prepare_from(own, [plan_of(order)])
    assert item.request is not None, item.problems
    rows = item.request.load.rows
    column = next(name for name in item.request.load.fields if "tax_ids" in name or "tax_id/" in name)
    assert {row[item.request.load.fields.index(column)] for row in rows} == {"900"}
    assert in_odoo(item.request.load)[1] == 0


TEXAS = {"rate": "any", "amount": "as charged", "country": "US", "region": "TX", "odoo_tax": "Texas"}


def texan(percents: Sequence[str | None], **rule: Any) -> Sources:
    """The recorded documents with orders to Texas whose taxed rows have these rates in turn, and a rule for tax as charged there."""
    own = sources(
        an_instance(taxes=[{**TEXAS, **rule}, {"rate": 0, "country": "US", "kind": "goods", "odoo_tax": "Exempt"}])
    )
    for number, (name, rate) in enumerate((("Texas", Decimal("6.25")), ("Exempt", Decimal(0))), start=900):
        own.master.records["account.tax", name].append(Record(number, True, {"amount": rate}))
    for document in own.documents.values():
        taxed = [line for line in document.lines if line.tax and line.tax_percent is not None]
        for line, percent in zip(taxed, cycle(percents), strict=False):
            line.tax_percent = None if percent is None else line.tax_percent
    return own


def to_texas(own: Sources) -> Iterator[tuple[CanonicalDocument, Prepared]]:
    for document, item in prepared(own):
        order = own.magento(Kind.ORDER, str(document.order_key))
        if order is not None and document.tax and shipping_address(order.payload).get("region_code") == "TX":
            yield document, item


@pytest.mark.parametrize("percents", [("8.25",), (None,), (None, "8.25")])
def test_sales_tax_as_charged_is_magento_s_to_the_cent_whatever_the_rate(percents: Sequence[str | None]) -> None:
    count = 0
    for document, item in to_texas(texan(percents)):
        assert item.request is not None, (document.kind, document.source_id, item.problems)
        untaxed, tax = in_odoo(item.request.load)
        assert to_units(tax) == rounded(document.tax), (document.kind, document.source_id)
        assert to_units(untaxed + tax) == rounded(document.grand_total), (document.kind, document.source_id)
        count += 1
    assert count > 20


def test_tax_as_charged_is_compared_with_its_base() -> None:
    own = texan((None,))
    order = next(document for document, _ in to_texas(own) if document.kind == "order")
    order = own.documents[order.key]
    line = next(line for line in order.lines if line.tax)
    excess = line.untaxed + 100 - line.tax
    line.tax, order.tax, order.grand_total = line.tax + excess, order.tax + excess, order.grand_total + excess
    (item,) = prepare_from(own, [plan_of(order)])
    assert item.request is None
    assert [(problem.part, "on an untaxed amount of" in problem.message) for problem in item.problems] == [
        (f"tax_mismatch/{order.number}", True)
    ]


def test_tax_of_another_region_or_on_a_tax_of_zero_percent_is_unmapped() -> None:
    own = texan((None,), region="CA")
    order = next(document for document, _ in to_texas(own) if document.kind == "order")
    (item,) = prepare_from(own, [plan_of(order)])
    assert any(problem.part.startswith("tax_rate:") for problem in item.problems)
    own = texan(("8.25",), odoo_tax="Exempt")
    (item,) = prepare_from(own, [plan_of(order)])
    assert any("Odoo's tax 'Exempt' is 0 %" in problem.message for problem in item.problems)


def test_a_tax_that_its_rate_cannot_give_is_refused() -> None:
    cent = 100
    assert implausible([(1_000_000, 1_000_000, 82_500, Decimal("8.25"))], "USD") is None
    assert implausible([(1_000_000, 1_000_000, 82_500 + 2 * cent, Decimal("8.25"))], "USD") is None
    assert implausible([(1_000_000, 1_000_000, 82_500 + 3 * cent, Decimal("8.25"))], "USD") is not None
    assert implausible([(900_000, 1_000_000, 82_500, Decimal("8.25"))], "USD") is None, "tax before discount"


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=12))
def test_rounded_parts_always_sum_to_the_rounded_whole(parts: list[int]) -> None:
    whole = rounded(sum(parts))
    values = apportion(parts, whole, 2)
    assert values is not None
    assert sum(values) == whole
    assert all(abs(value - part) <= 100 * len(parts) for value, part in zip(values, parts, strict=True))


def test_parts_that_do_not_sum_to_the_whole_are_not_adjusted() -> None:
    assert apportion([10_000, 20_000], 40_000, 2) is None


def test_two_addresses_are_two_contacts_of_one_customer(shop: Sources) -> None:
    order = next(d for d, _ in prepared(shop) if d.kind == "order")
    own = sources()
    copy = own.documents[order.key]
    assignment = copy.payload["extension_attributes"]["shipping_assignments"][0]["shipping"]
    assignment["address"] = {**assignment["address"], "city": "Elsewhere"}
    (item,) = prepare_from(own, [plan_of(copy)])
    assert item.request is not None
    heads = [table.rows[0][0].split("_")[0] for table in item.request.partners]
    assert heads == ["magodoo.partner", "magodoo.addr", "magodoo.addr"]
    assert from_units(item.request.expect.total) == from_units(rounded(order.grand_total))


# What keeps a request from being made


def ordered(shop: Sources, *kinds: Kind) -> CanonicalDocument:
    """A sound, taxed order in USD of the US that has a document of each of these kinds."""
    made = {(document.order_key, document.kind) for document in shop.documents.values()}
    return next(
        order for _, order in sorted(shop.documents.items())
        if order.kind == "order" and order.sound and order.tax and (order.currency, order.country) == ("USD", "US")
        and all((order.source_id, kind.value) in made for kind in kinds)
    )  # fmt: skip


def document_of(shop: Sources, order: CanonicalDocument, kind: Kind) -> CanonicalDocument:
    return next(d for d in shop.documents.values() if d.order_key == order.source_id and d.kind == kind)


def items_of(order: CanonicalDocument) -> list[str]:
    return [str(line.item_key) for line in order.lines if line.role == "item" and line.is_money]


def of_odoo(shop: Sources, order: CanonicalDocument, kind: Kind, **more: Any) -> CanonicalDocument:
    """A document of Odoo on the order."""
    document = CanonicalDocument(
        "us", "odoo", kind.value, "55", "N/55", "posted", NOW, order_key=order.source_id, **more
    )
    shop.documents[document.key] = document
    return document


def said_of(shop: Sources, kind: ChangeKind, order: str, document: Kind, source: str, **intent: Any) -> list[str]:
    """What is wrong with a plan; nothing when a request is made of it."""
    plan = PlannedChange(kind, order, "n", document, source, "n", 1, "USD", 1, intent_of(kind, **intent))
    (item,) = prepare_from(shop, [plan])
    assert (item.request is None) is bool(item.problems)
    return [f"{problem.part} {problem.message}" for problem in item.problems]


TO_MAGENTO = (
    (ChangeKind.MAGENTO_INVOICE, Kind.INVOICE),
    (ChangeKind.MAGENTO_SHIPMENT, Kind.SHIPMENT),
    (ChangeKind.MAGENTO_CREDIT_MEMO, Kind.CREDIT_MEMO),
)


@pytest.mark.parametrize(("kind", "document"), TO_MAGENTO)
def test_no_request_to_magento_names_an_item_that_the_order_lacks_or_one_item_twice(
    kind: ChangeKind, document: Kind
) -> None:
    own = sources()
    order = ordered(own)
    of_odoo(own, order, document)
    key = items_of(order)[0]

    def said(*items: list[Any]) -> list[str]:
        return said_of(own, kind, order.source_id, document, "55", items=items)

    assert said([key, 10_000]) == []
    assert said(["999999", 10_000]) == ["item:999999 the order has no item 999999"]
    assert said([key, 10_000], [key, 20_000]) == [
        "items an item stands in it twice: Magento would take the last one only"
    ]


def test_an_empty_list_of_items_is_an_error_before_magento_takes_it_for_everything() -> None:
    own = sources()
    order = ordered(own)
    for kind, document in TO_MAGENTO[:2]:
        of_odoo(own, order, document)
        for nothing in ([], [[items_of(order)[0], 0]]):
            said = said_of(own, kind, order.source_id, document, "55", items=nothing)
            assert said == ["items no item of the order stands in the document"]


def test_a_refund_of_shipping_alone_names_every_item_with_quantity_zero() -> None:
    own = sources()
    order = ordered(own)
    of_odoo(own, order, Kind.CREDIT_MEMO)
    plan = PlannedChange(
        ChangeKind.MAGENTO_CREDIT_MEMO, order.source_id, "n", Kind.CREDIT_MEMO, "55", "n", 1, "USD", 1,
        CreditMemoIntent(shipping=50_000),
    )  # fmt: skip
    (item,) = prepare_from(own, [plan])
    body = item.calls[0]["body"]
    assert [row["qty"] for row in body["items"]] == [0] * len(items_of(order)) != []
    assert [str(row["order_item_id"]) for row in body["items"]] == items_of(order)
    assert body["arguments"] == {"shipping_amount": 5, "adjustment_positive": 0, "adjustment_negative": 0}


def test_a_shipment_leaves_from_the_mapped_source_and_its_tracks_from_the_mapped_carrier() -> None:
    own = sources(an_instance(odoo={"carriers": {"ups": "UPS Ground"}}))
    order = ordered(own)
    of_odoo(own, order, Kind.SHIPMENT, carrier="UPS Ground")
    intent = MagentoShipmentIntent((Item(items_of(order)[0], 10_000),), ("1Z",), source_code="berlin")
    plan = PlannedChange(
        ChangeKind.MAGENTO_SHIPMENT, order.source_id, "n", Kind.SHIPMENT, "55", "n", 1, "USD", 1, intent
    )
    body = prepare_from(own, [plan])[0].calls[0]["body"]
    assert body["arguments"] == {"extension_attributes": {"source_code": "berlin"}}
    assert list(body["tracks"]) == [{"track_number": "1Z", "title": "UPS Ground", "carrier_code": "ups"}]


def test_nothing_is_requested_of_a_document_that_is_not_staged(shop: Sources) -> None:
    """A cancellation alone takes nothing from its document."""
    documents = {
        "shipment": Kind.SHIPMENT, "delivery": Kind.SHIPMENT, "tracking": Kind.SHIPMENT, "invoice": Kind.INVOICE,
        "order_import": Kind.ORDER,
    }  # fmt: skip
    for kind in set(ChangeKind) - {ChangeKind.ORDER_CANCEL}:
        document = next((each for word, each in documents.items() if word in kind.value), Kind.CREDIT_MEMO)
        assert said_of(shop, kind, "999999", document, "999999", method="card", items=[]), kind


def test_tracks_wait_until_both_sides_have_the_shipment() -> None:
    own = sources()
    order = ordered(own)
    of_odoo(own, order, Kind.SHIPMENT)
    to_magento = said_of(own, ChangeKind.MAGENTO_TRACKING, order.source_id, Kind.SHIPMENT, "55", tracks=["T"])
    to_odoo = said_of(own, ChangeKind.ODOO_TRACKING, order.source_id, Kind.SHIPMENT, "7", tracks=["T"])
    assert to_magento == ["shipment the delivery has no shipment in Magento"]
    assert to_odoo == ["shipment the shipment has no delivery in Odoo"]
    own.magento_of["shipment", "55"] = "7"
    assert said_of(own, ChangeKind.MAGENTO_TRACKING, order.source_id, Kind.SHIPMENT, "55", tracks=["T"]) == []


@pytest.mark.parametrize(
    ("kind", "document"),
    [(ChangeKind.ODOO_DELIVERY, Kind.SHIPMENT), (ChangeKind.ODOO_STOCK_RETURN, Kind.CREDIT_MEMO)],
)
def test_goods_move_only_by_lines_that_the_order_in_odoo_has(kind: ChangeKind, document: Kind) -> None:
    own = sources()
    order = ordered(own)
    assert said_of(own, kind, order.source_id, document, "7", items=[]) == [
        "items nothing to move is left in the document"
    ]
    theirs = CanonicalDocument("us", "odoo", "order", "77", "S00077", "sale", NOW, order_key=order.source_id)
    own.documents[theirs.key] = theirs
    own.odoo_of["order", order.source_id] = "77"
    key = items_of(order)[0]
    said = said_of(own, kind, order.source_id, document, "7", items=[[key, 10_000]])
    assert said == [f"item:{key} the matched Odoo order has no line for item {key}"]


@pytest.mark.parametrize(("interface", "known"), [("fixed", True), ("base_on_rule", True), ("ups", False)])
def test_a_delivery_method_that_orders_labels_is_never_set(interface: str, known: bool) -> None:
    own = sources(an_instance(odoo={"carriers": {"ups": "UPS Ground"}}))
    order = ordered(own, Kind.SHIPMENT)
    shipment = document_of(own, order, Kind.SHIPMENT)
    shipment.details = {**shipment.details, "carrier_code": "ups"}
    own.master.records["delivery.carrier", "UPS Ground"].append(Record(4, True, {"delivery_type": interface}))
    plan = PlannedChange(
        ChangeKind.ODOO_DELIVERY, order.source_id, "n", Kind.SHIPMENT, shipment.source_id, "n", 1, "USD", 1,
        DeliveryIntent((Item(items_of(order)[0], 10_000),)),
    )  # fmt: skip
    (item,) = prepare_from(own, [plan])
    assert item.request is not None
    assert (item.request.carrier == 4) is known


@pytest.mark.parametrize(
    ("method", "currencies", "said"),
    [
        ({"journal": "CARD"}, ("USD",), []),
        ({}, ("USD",), ["payment:card no journal of Odoo is mapped to this payment method"]),
        ({"journal": "GONE"}, ("USD",), ["payment:card no journal of Odoo is mapped to this payment method"]),
        ({"journal": "CARD"}, (), ["currency:USD this currency is not active in Odoo"]),
    ],
)
def test_a_payment_needs_the_journal_of_its_method_and_its_currency(
    method: dict[str, str], currencies: tuple[str, ...], said: list[str]
) -> None:
    own = sources(an_instance(payment_methods={"card": method}))
    order = ordered(own, Kind.INVOICE)
    invoice = document_of(own, order, Kind.INVOICE)
    own.master.records["account.journal", "CARD"].append(Record(8, True, {}))
    if not currencies:
        own.master.records.pop(("res.currency", "USD"))
    kind = ChangeKind.ODOO_PAYMENT
    assert said_of(own, kind, order.source_id, Kind.INVOICE, invoice.source_id, method="card") == said


def test_an_invoice_for_a_journal_or_a_currency_that_odoo_lacks_names_it() -> None:
    own = sources(an_instance(odoo={"sales_journal": "WEB", "pricelists": {"USD": "USD"}}))
    order = ordered(own, Kind.INVOICE)
    own.master.records.pop(("res.currency", "USD"))
    said = [problem.part for problem in prepare_from(own, [plan_of(document_of(own, order, Kind.INVOICE))])[0].problems]
    assert said == ["currency:USD", "journal:WEB"]


def test_an_invoice_on_an_order_of_theirs_names_the_lines_and_the_customer_that_it_lacks() -> None:
    own = sources()
    order = ordered(own, Kind.INVOICE)
    theirs = CanonicalDocument("us", "odoo", "order", "77", "S00077", "sale", NOW, order_key=order.source_id)
    own.documents[theirs.key] = theirs
    own.odoo_of["order", order.source_id] = "77"
    (item,) = prepare_from(own, [plan_of(document_of(own, order, Kind.INVOICE))])
    said = [problem.message for problem in item.problems]
    assert "the matched Odoo order has no customer" in said
    assert any(message.startswith("the matched Odoo order has no line for item") for message in said)


def test_lines_that_do_not_add_up_are_reported_and_not_written() -> None:
    own = sources()
    order = ordered(own)
    order.grand_total += 1_000_000
    (item,) = prepare_from(own, [plan_of(order)])
    (problem,) = item.problems
    assert problem.part == "arithmetic"
    assert "give 24.99 and tax 1.65, it says 124.99 and 1.65" in problem.message


def test_a_tax_that_odoo_has_with_another_rate_is_not_taken() -> None:
    own = sources()
    order = ordered(own)
    own.master.records["account.tax", "8.25 %"] = [Record(5, True, {"amount": Decimal("8.3")})]
    (item,) = prepare_from(own, [plan_of(order)])
    assert [problem.message for problem in item.problems] == ["Odoo's tax '8.25 %' is 8.3 % for 8.25 % in US"]


def test_the_rate_of_a_taxed_line_is_not_guessed(shop: Sources) -> None:
    for percent in (None, Decimal(0)):
        tax = tax_of(shop, ordered(shop), CanonicalLine("1", sku="A"), percent, 82_500)
        assert tax.problem is not None
        said = "8.25 USD of tax stand on item A of the order, and Magento names no rate for it"
        assert (tax.problem.finding, tax.problem.message) == ("not_representable", said)


def test_the_only_pricelist_in_the_orders_currency_needs_no_mapping() -> None:
    own = sources(an_instance(odoo={}))
    order = ordered(own)
    for number, currency in enumerate(("USD", "EUR"), start=1):
        own.master.records["product.pricelist", currency] = [Record(number, True, {"currency_id": [9, currency]})]
    own.master.records.pop(("product.pricelist", "CHF"))
    (item,) = prepare_from(own, [plan_of(order)])
    assert item.request is not None
    load = item.request.load
    assert load.rows[0][load.fields.index("pricelist_id/.id")] == "1"
    own.master.records["product.pricelist", "Second"] = [Record(3, True, {"currency_id": [9, "USD"]})]
    (item,) = prepare_from(own, [plan_of(order)])
    assert [problem.part for problem in item.problems] == ["currency:USD"]
