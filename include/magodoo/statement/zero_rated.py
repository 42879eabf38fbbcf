"""Sales without tax by reason, with the evidence that a tax audit asks for, and the documents that lack some of it.

The reason follows from where the goods went: nobody's law is applied here. Whether a VAT number is there, and the day on which Magento found it
valid, is kept; the number is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from magodoo.statement.documents import MONEY_KINDS
from magodoo.statement.general_ledger import NOT_REVENUE, SALE_TYPES
from magodoo.statement.periods import Month

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient

Row = dict[str, Any]
EXPORT, REVERSE_CHARGE, WITHIN_UNION, EXEMPT, ZERO_RATE, AT_HOME, NO_TAX, NOWHERE = (
    "export", "reverse_charge", "member_state_without_vat_number", "exempt", "goods_of_zero_rate", "zero_rate_or_exempt", "no_tax_at_home",
    "country_unknown",
)  # fmt: skip
_AT_HOME = {"AE": REVERSE_CHARGE, "E": EXEMPT, "Z": ZERO_RATE}  # by the category code of electronic invoices
UNION = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
_BATCH = 500


@dataclass(frozen=True)
class Evidence:
    """What staging has about a sale: whether it is goods, when its VAT number was found valid, when it was shipped, and if tracked."""

    order_number: str = ""
    country: str = ""
    is_virtual: bool = False
    has_vat: bool = False
    vat_checked: date | None = None
    shipped: date | None = None
    tracked: bool = False


@dataclass(frozen=True)
class Sale:
    """An entry of Odoo with revenue that has no tax, in units of the company's currency (credit positive).

    Attributes:
        taxes: Name and category code (of electronic invoices, "": not set) of its taxes of 0 %; empty: no tax at all.
    """

    id: int
    number: str
    day: date
    is_refund: bool
    country: str
    has_vat: bool
    net: int = 0
    taxes: frozenset[tuple[str, str]] = frozenset()


def reason(country: str, home: str, *, has_vat: bool, taxes: Collection[tuple[str, str]]) -> str:
    """Return why a sale that went to `country` has no tax; `taxes` as of `Sale`, whose categories count at home only."""
    if not country:
        return NOWHERE
    if country == home:
        categories = {category for _, category in taxes}
        named = next((why for code, why in _AT_HOME.items() if code in categories), AT_HOME)
        return named if taxes else NO_TAX
    if {country, home} <= UNION:
        return REVERSE_CHARGE if has_vat else WITHIN_UNION
    return EXPORT


def lacking(why: str, sale: Sale, evidence: Evidence, *, has_vat: bool, abroad: bool) -> list[str]:
    """Return the evidence that is lacking; of a credit note none, since its invoice is asked for it."""
    if sale.is_refund:
        return []
    found = []
    if why == NOWHERE:
        found.append("country of delivery")
    if why == NO_TAX:
        found.append("a tax that names the reason")
    if why == WITHIN_UNION or (why == REVERSE_CHARGE and not has_vat):
        found.append("VAT number")
    elif why == REVERSE_CHARGE and (evidence.vat_checked is None or evidence.vat_checked > sale.day):
        found.append("check of the VAT number up to the invoice's day")
    if why in (EXPORT, REVERSE_CHARGE, WITHIN_UNION) and abroad and not evidence.is_virtual:
        if evidence.shipped is None:
            found.append("shipment")
        elif not evidence.tracked:
            found.append("tracking number")
    return found


def tables(sales: Sequence[Sale], evidence: Mapping[int, Evidence], home: str, currency: str) -> dict[str, list[Row]]:
    """Return `zero_rated`, one row per reason, country and taxes, and `zero_rated_lacking`, one per document that lacks evidence."""
    sums: dict[tuple[str, str, str], Row] = {}
    named: list[Row] = []
    for sale in sorted(sales, key=lambda one: (one.day, one.number, one.id)):
        known = evidence.get(sale.id, Evidence())
        country, has_vat = sale.country or known.country, sale.has_vat or known.has_vat
        why = reason(country, home, has_vat=has_vat, taxes=sale.taxes)
        names = ", ".join(sorted({name for name, _ in sale.taxes})) or "no tax"
        missing = lacking(why, sale, known, has_vat=has_vat, abroad=country != home)
        row = sums.setdefault(
            (why, country, names),
            {
                "reason": why,
                "country": country,
                "tax_name": names,
                "count": 0,
                "net": 0,
                "lacking": 0,
                "without": 0,
                "currency": currency,
            },
        )
        row["count"] += 1
        row["net"] += sale.net
        if missing:
            row["lacking"] += 1
            row["without"] += sale.net
            named.append({
                "reason": why, "number": sale.number, "order_number": known.order_number, "day": f"{sale.day}", "country": country,
                "vat": has_vat, "vat_checked": _day(known.vat_checked), "shipped": _day(known.shipped), "tracked": known.tracked,
                "missing": ", ".join(missing), "net": sale.net, "currency": currency,
            })  # fmt: skip
    return {"zero_rated": [sums[place] for place in sorted(sums)], "zero_rated_lacking": named}


def read(client: OdooClient, month: Month, journals: Collection[int]) -> list[Sale]:
    """Return the sales without tax of a month in these journals (ids), from the journal items; one request per day."""
    if not journals:
        return []
    ledger = client.general_ledger
    taxes = ledger.taxes()
    none = sorted(id_ for id_, tax in taxes.items() if not tax.rate)
    some = sorted(set(taxes) - set(none))
    inside = [
        ["journal_id", "in", sorted(journals)], ["move_id.move_type", "in", list(SALE_TYPES)], *NOT_REVENUE, ["tax_line_id", "=", False],
    ]  # fmt: skip

    def of_day(day: date) -> tuple[list[Row], list[Row]]:
        own = [*inside, ["date", "=", f"{day}"]]
        zero = [*own, ["tax_ids", "in", none], ["tax_ids", "not in", some]]
        nets = [
            *ledger.sums([*own, ["tax_ids", "=", False]], ["move_id"], ["balance"]),
            *ledger.sums(zero, ["move_id"], ["balance"]),
        ]
        return nets, ledger.sums(zero, ["move_id", "tax_ids"], ["balance"])

    sums: dict[int, int] = defaultdict(int)
    used: dict[int, set[int]] = defaultdict(set)
    for nets, under in client.rpc.in_parallel(of_day, month.days):
        for row in nets:
            sums[row["move_id"]] -= row["balance"]
        for row in under:
            used[row["move_id"]].add(row["tax_ids"])
    ids = sorted(id_ for id_, net in sums.items() if net)
    return [
        Sale(
            **row,
            net=sums[row["id"]],
            taxes=frozenset((taxes[tax].name, taxes[tax].category) for tax in used[row["id"]]),
        )
        for start in range(0, len(ids), _BATCH)
        for row in ledger.delivered(ids[start : start + _BATCH])
    ]


# The VAT number's check is that of the address with the order's number, as Magento recorded it.
_EVIDENCE = """
    select d.source_id, coalesce(r.number, '') as order_number, coalesce(r.country, d.country, '') as country,
        coalesce((r.details ->> 'is_virtual')::boolean, false) as is_virtual, coalesce(r.vat, '') <> '' as has_vat, v.vat_checked,
        s.shipped, coalesce(s.tracked, false) as tracked
    from document d
    left join document r on r.instance = d.instance and r.side = 'magento' and r.kind = 'order' and r.source_id = d.order_key
    left join payload p on p.instance = d.instance and p.side = 'magento' and p.kind = 'order' and p.source_id = d.order_key
    left join lateral (
        select min(substring(a.address ->> 'vat_request_date' from '^\\d{4}-\\d\\d-\\d\\d')) as vat_checked
        from (select p.payload -> 'billing_address' as address
            union all select p.payload #> '{extension_attributes,shipping_assignments,0,shipping,address}') a
        where a.address ->> 'vat_id' = r.vat and a.address ->> 'vat_is_valid' in ('1', 'true')) v on true
    left join lateral (
        select min(t.document_date) as shipped, bool_or(cardinality(t.tracking) > 0) as tracked from document t
        where t.instance = d.instance and t.kind = 'shipment' and t.order_key = d.order_key and t.deleted_at is null
            and (t.active or t.side = 'magento')) s on true
    where d.instance = :instance and d.side = 'odoo' and d.kind = any(:kinds) and d.source_id = any(:ids)"""


def evidence(connection: Connection, instance: str, ids: Sequence[int]) -> dict[int, Evidence]:
    """Return what staging knows about the orders of Odoo's invoices and credit notes, by their ids."""
    values = {"instance": instance, "kinds": list(MONEY_KINDS), "ids": [f"{each}" for each in ids]}
    found = {}
    for row in connection.execute(text(_EVIDENCE), values).mappings():
        facts = {name: value for name, value in row.items() if name != "source_id"}
        found[int(row["source_id"])] = Evidence(**{**facts, "vat_checked": _date(facts["vat_checked"])})
    return found


def _date(value: str | None) -> date | None:
    """Return the day of a text; None where the calendar has no such day."""
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return None


def _day(day: date | None) -> str:
    return f"{day}" if day else ""
