"""What the settings should say, from what was read of both systems: pure functions, one for each section.

A proposal is settled when nothing else is possible; where money depends on a choice it stays open with its candidates.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from magodoo.discovery.books import MONEY_JOURNALS, Books, Journal, Tax
from magodoo.discovery.shop import BY_REGION, Extra, MethodUse, Shop, Store, TaxUse
from magodoo.domain.adjustments import AT_THE_ORDERS_RATES
from magodoo.settings.undecided import BLANK

OFFLINE: Mapping[str, tuple[str, str]] = {
    "checkmo": ("{}", "a person registers the payment in Odoo"),
    "banktransfer": (
        "{import_states: [new, processing, complete, closed], import_as: quotation}",
        "a quotation while it is unpaid; a person registers the payment in Odoo",
    ),
    "cashondelivery": (
        "{import_states: [new, processing, complete, closed]}",
        "confirmed at once; a person registers the payment",
    ),
    "purchaseorder": (
        "{import_states: [new, processing, complete, closed]}",
        "confirmed at once; a person registers the payment",
    ),
    "free": ("{}", "nothing is to be paid"),
}
"""Magento's own methods without a provider, with their settings (docs/how-to/map.md#payment-methods)."""
NATURES: Mapping[str, tuple[str, ...]] = {
    "fixed_product_tax": (
        "{nature: levy, in_tax_base: true, product: ECOTAX}",
        "{nature: levy, in_tax_base: false, product: ECOTAX}",
    ),
    "gift_wrapping": ("{nature: charge, product: WRAP}",),
    "gift_card": ("{nature: payment_part, journal: GIFT}",),
    "store_credit": ("{nature: payment_part, journal: CRED}",),
    "reward_points": ("{nature: payment_part, journal: POINT}",),
}
MOST = 6
"""Candidates of an open line."""
ALIKE = 0.6
"""Likeness of two names from which on they are taken for the same (0 to 1)."""
MANY_RATES = 3
"""Rates above 0 in one region from which on its tax is proposed as charged."""


@dataclass(frozen=True)
class Proposal:
    """One line of a section of the settings.

    `text` is YAML, with BLANK where one of `choices` belongs; without choices it is settled. `why` says what it was taken from and how
    sure it is. A proposal without `text` is a remark. `section` is a path such as `odoo.carriers`, "" for the instance itself.
    """

    section: str
    text: str
    why: str
    choices: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Return whether a person has to choose."""
        return BLANK in self.text


def quoted(text: str) -> str:
    """Return a text as YAML, in quotes."""
    return json.dumps(text, ensure_ascii=False)


def plain(text: str) -> str:
    """Return a text as a YAML key or value, in quotes only where it needs them."""
    ours = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) and text.lower() not in ("true", "false", "null", "yes", "no")
    return text if ours else quoted(text)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def likeness(one: str, other: str) -> float:
    """Return how alike two names are (0 to 1), by their most alike words."""
    words, others = (re.findall(r"[a-z]{2,}", name.lower()) for name in (one, other))
    if "".join(words) and "".join(words) == "".join(others):
        return 1.0
    pairs = ((a, b) for a in words for b in others)
    return max(
        (1.0 if a == b else 0.9 if min(len(a), len(b)) > 2 and (a.startswith(b) or b.startswith(a)) else _ratio(a, b) for a, b in pairs),
        default=0.0,
    )  # fmt: skip


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio() * 0.9


def proposals(shop: Shop, books: Books) -> list[Proposal]:
    """Return what every section should say, in the order of the draft."""
    return [proposal for section in SECTIONS for proposal in section(shop, books)]


def stores(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Propose all store views where there is one website, else leave the choice open."""
    websites: dict[int, list[Store]] = {}
    for store in shop.stores:
        websites.setdefault(store.website, []).append(store)
        currency = (
            store.currency if store.currency == store.base_currency else f"{store.currency}, base {store.base_currency}"
        )
        yield Proposal(
            "", "", f"store {store.id}: {store.name} ({store.code}), {currency}, {count(store.orders, 'order')}"
        )
    everything = _list(shop.stores)
    if len(websites) < 2:
        yield Proposal("", f"stores: {everything}", "sure: all store views of the only website")
    else:
        choices = (*(_list(each) for each in websites.values()), everything)
        why = f"{len(websites)} websites: one instance is some stores with one company"
        yield Proposal("", f"stores: {BLANK}", why, choices)


def _list(found: Iterable[Store]) -> str:
    return f"[{', '.join(str(store.id) for store in found)}]"


def rate_of_currencies(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Leave `company_rate` open where an order is in another currency than the company's."""
    foreign = {name: number for name, number in shop.currencies.items() if name != books.currency}
    if not foreign:
        yield Proposal("", "", f"company_rate: not needed, every order is in {books.currency}")
        return
    words = ", ".join(f"{count(number, 'order')} in {name}" for name, number in foreign.items())
    others = [name for name in shop.base_currencies if name != books.currency]
    choices: tuple[str, ...] = ("magento", "odoo")
    why = f"{words}: whose rate gives the amounts in {books.currency} is a matter of law"
    if others:
        choices, why = ("odoo",), f"{words}, and Magento's base currency is {', '.join(others)}, not {books.currency}"
    yield Proposal("", f"company_rate: {BLANK}", why, choices)


def tax_of_adjustments(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Leave `adjustment_tax` open where a taxed order has an adjustment on a credit memo."""
    if not shop.adjusted:
        yield Proposal("", "", "adjustment_tax: not needed, no credit memo of a taxed order has an adjustment")
        return
    why = f"{count(shop.adjusted, 'taxed order')} with an adjustment on a credit memo: whether it lowers the tax is a matter of law"
    yield Proposal("", f"adjustment_tax: {BLANK}", why, ("none", AT_THE_ORDERS_RATES))


def taxes(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Propose a rule for each rate that was charged: settled only for a domestic rate above 0 with one fitting tax."""
    uses = _uses(shop.taxes)
    as_charged = _regions_of_many_rates(uses)
    both = {(use.country, use.region) for use in uses if not use.rate and use.has_vat} & {
        (use.country, use.region) for use in uses if not use.rate and not use.has_vat
    }
    for country, region in as_charged:
        rates = sorted({use.rate for use in uses if (use.country, use.region) == (country, region) and use.rate})
        fitting = [tax for tax in books.taxes if tax.rate > 0 and tax.country in ("", books.country)]
        ordered = sorted(fitting, key=lambda tax: -likeness(tax.name, region))
        why = f"{len(rates)} rates in {region} ({_figure(rates[0])} to {_figure(rates[-1])} %): taken as charged, one tax for the region"
        head = f"- {{country: {country}, region: {quoted(region)}, rate: any, amount: as charged, odoo_tax: {BLANK}}}"
        yield _open_tax(head, why, [quoted(tax.name) for tax in ordered], "a sales tax above 0 % for the region")
    seen: set[tuple[Decimal, str, bool]] = set()
    for use in uses:
        if use.rate and (use.country, use.region) in as_charged:
            continue
        conditional = not use.rate and (use.has_vat or (use.country, use.region) in both)
        key = (use.rate, use.country, use.has_vat if conditional else False)
        if key not in seen:
            seen.add(key)
            same = [
                each for each in uses if (each.rate, each.country, each.has_vat) == (use.rate, use.country, use.has_vat)
            ]
            yield _tax(use, sum(each.lines for each in same), books, conditional=conditional)
    if shop.without_rate:
        yield Proposal(
            "taxes",
            "",
            f"{count(shop.without_rate, 'line')} with tax have no rate in Magento: give their region a rule `amount: as charged`, or enter such orders by hand",
        )


def _uses(found: Sequence[TaxUse]) -> list[TaxUse]:
    return sorted(found, key=lambda use: (-use.lines, use.country, use.region, use.rate))


def _regions_of_many_rates(uses: Sequence[TaxUse]) -> list[tuple[str, str]]:
    rates: dict[tuple[str, str], set[Decimal]] = {}
    for use in uses:
        if use.rate and use.region and use.country in BY_REGION:
            rates.setdefault((use.country, use.region), set()).add(use.rate)
    return [place for place, found in rates.items() if len(found) > MANY_RATES]


def _tax(use: TaxUse, lines: int, books: Books, *, conditional: bool) -> Proposal:
    where = f"country: {use.country}, " if use.country else ""
    vat = f"has_vat: {str(use.has_vat).lower()}, " if conditional else ""
    what = f"{count(lines, 'line')} ({', '.join(use.kinds)}) at {_figure(use.rate)} % to {use.country or 'no country'}"
    fitting = [tax for tax in books.taxes if tax.rate == use.rate]
    own = [tax for tax in fitting if tax.country in ("", books.country)]
    domestic = use.country == books.country
    head = f"- {{rate: {_figure(use.rate)}, {where}{vat}odoo_tax: {BLANK}}}"
    if use.rate and domestic and len(own) == 1:
        text = head.replace(BLANK, quoted(own[0].name))
        return Proposal("taxes", text, f"{what}; sure: the only sales tax of this rate in {books.country}")
    choices = [_with_position(tax, use, books) for tax in sorted(fitting, key=_nearness(use, books))]
    if not use.rate:
        number = "with a VAT number" if use.has_vat else "without a VAT number"
        why = f"{what}, {number}; 0 % is export, intra-community, reverse charge or exempt, and nothing shows which"
    elif not domestic:
        why = f"{what}; may be one-stop-shop, a registration there or a marketplace's"
    elif fitting:
        why = f"{what}; {len(own)} taxes of this rate"
    else:
        why = what
    return _open_tax(head, why, list(dict.fromkeys(choices)), f"a sales tax of {_figure(use.rate)} %, beside the price")


def _open_tax(head: str, why: str, choices: list[str], wanted: str) -> Proposal:
    if not choices:
        why = f"{why}. Odoo has no fitting tax: create {wanted}, then write its name"
    return Proposal("taxes", head, why, tuple(choices[:MOST]) or ("the exact name of the tax",))


def _nearness(use: TaxUse, books: Books) -> Callable[[Tax], tuple[bool, bool, str]]:
    def key(tax: Tax) -> tuple[bool, bool, str]:
        named = bool(re.search(rf"\b{re.escape(use.country)}\b|OSS", tax.name)) if use.country else False
        return (tax.country not in (use.country, "") or not named, tax.country != books.country, tax.name)

    return key


def _with_position(tax: Tax, use: TaxUse, books: Books) -> str:
    """Return a candidate with the fiscal position of the destination, where exactly one names that country and it is abroad."""
    there = [name for name, country in books.positions.items() if country and country == use.country != books.country]
    return f"{quoted(tax.name)}, fiscal_position: {quoted(there[0])}" if len(there) == 1 else quoted(tax.name)


def payment_methods(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Propose what each payment method means; whether a provider captured the money stays open for every one that is not Magento's own."""
    for use in shop.methods:
        name = plain(use.code)
        seen = f"{count(use.orders, 'order')}, {_captures(use)}"
        if use.code in OFFLINE and not use.captured:
            text, why = OFFLINE[use.code]
            yield Proposal("payment_methods", f"{name}: {text}", f"{seen}; sure: no provider; {why}")
            continue
        journals = sorted(
            (each for each in books.journals if each.type in MONEY_JOURNALS and each.clears),
            key=lambda each: (-_closeness(use, each), each.code),
        )
        close = bool(journals) and _closeness(use, journals[0]) >= ALIKE
        codes = [journal.code for journal in journals[:MOST]]
        new = [] if close else [new_code(use.code, {each.code for each in books.journals})]
        captured = [
            f"{{captured_by_provider: true, journal: {plain(code)}}}" for code in [*codes[:1], *new, *codes[1:]]
        ]
        words = ", ".join(f"{each.code} is {each.name}" for each in journals[:MOST])
        hint = f"; journals with a clearing account: {words}" if words else "; no journal has a clearing account yet"
        hint += f"; {new[0]} is new, make provision makes it" if new else ""
        why = f"{seen}{hint}; {{}} is: no provider captures, a person registers payments"
        yield Proposal("payment_methods", f"{name}: {BLANK}", why, (*captured[:MOST], "{}"))


def _closeness(use: MethodUse, journal: Journal) -> float:
    return max(likeness(use.code, journal.name), likeness(use.code, journal.code))


def _captures(use: MethodUse) -> str:
    if use.captured is None:
        return "transactions may not be read"
    return f"{use.captured:,} with a captured transaction" if use.captured else "none with a captured transaction"


def new_code(method: str, taken: set[str]) -> str:
    """Return a journal code of up to five letters for a payment method that no journal of Odoo has."""
    letters = re.sub(r"[^A-Z0-9]", "", method.upper())[:5] or "PAY"
    code, number = letters, 1
    while code in taken:
        number += 1
        code = f"{letters[: 5 - len(str(number))]}{number}"
    return code


def extra_totals(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Leave the nature of each amount beside the usual parts open: it decides about revenue and tax."""
    for extra in shop.extras:
        choices = NATURES.get(extra.name) or _natures(extra)
        why = f"in {count(extra.orders, 'order')}"
        if extra.name not in NATURES:
            held = ", ".join(extra.fields) or "no field that all of them share"
            why += f", held by {held}"
        yield Proposal(
            "extra_totals",
            f"{extra.name}: {BLANK}",
            f"{why}; what it is in accounting decides about revenue and tax",
            choices,
        )


def _natures(extra: Extra) -> tuple[str, ...]:
    where = (
        f"fields: [{', '.join(quoted(name) for name in extra.fields[:1])}]"
        if extra.fields
        else "remainder: {payment_method: CODE, amount: 0.00}"
    )
    if extra.negative:
        return (f"{{nature: discount, product: DEDUCT, {where}}}", f"{{nature: payment_part, journal: CRED, {where}}}")
    return (f"{{nature: charge, product: PAYFEE, {where}}}", f"{{nature: levy, product: LEVY, {where}}}")


def sales_journal(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Propose the only sales journal, else leave the choice open."""
    found = [journal for journal in books.journals if journal.type == "sale"]
    names = ", ".join(f"{journal.code} is {journal.name}" for journal in found)
    if len(found) == 1:
        yield Proposal(
            "odoo", f"sales_journal: {plain(found[0].code)}", f"sure: the only sales journal, {found[0].name}"
        )
    elif found:
        why = f"{len(found)} sales journals: {names}; one of its own for each instance"
        yield Proposal("odoo", f"sales_journal: {BLANK}", why, tuple(plain(journal.code) for journal in found[:MOST]))
    else:
        yield Proposal("odoo", "", "the company has no sales journal: install a chart of accounts first")


def pricelists(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Propose a pricelist for each currency of the orders; one that is missing gets a name, and provisioning makes it."""
    for currency, number in (shop.currencies or {books.currency: 0}).items():
        names, orders = books.pricelists.get(currency, ()), count(number, "order")
        if len(names) == 1:
            yield Proposal(
                "odoo.pricelists", f"{currency}: {quoted(names[0])}", f"{orders}; sure: the only one in {currency}"
            )
        elif names:
            ours = f"Magento {currency}"
            if names.count(ours) == 1:
                yield Proposal("odoo.pricelists", f"{currency}: {quoted(ours)}", f"{orders}; likely: by its name")
            else:
                choices = tuple(quoted(name) for name in names[:MOST])
                yield Proposal(
                    "odoo.pricelists", f"{currency}: {BLANK}", f"{orders}; {len(names)} in {currency}", choices
                )
        else:
            why = f"{orders}; Odoo has none in {currency}: make provision makes this one"
            yield Proposal("odoo.pricelists", f"{currency}: {quoted(f'Magento {currency}')}", why)


def carriers(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Propose the delivery method whose name is most like the carrier's, else leave the choice open."""
    for code, number in shop.carriers.items():
        orders = count(number, "order")
        ranked = sorted(books.carriers, key=lambda name: (-likeness(code, name), name))
        best = [name for name in ranked if likeness(code, name) >= ALIKE]
        if len(best) == 1:
            yield Proposal("odoo.carriers", f"{plain(code)}: {quoted(best[0])}", f"{orders}; likely: by its name")
        elif ranked:
            choices = tuple(quoted(name) for name in ranked[:MOST])
            yield Proposal(
                "odoo.carriers",
                f"{plain(code)}: {BLANK}",
                f"{orders}; without one, orders have no delivery method",
                choices,
            )
        else:
            yield Proposal(
                "odoo.carriers",
                "",
                f"{code}: {orders}; Odoo has no delivery method, so orders are imported without one",
            )


def warehouses(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Propose the source of each warehouse: sure with one of each, else by name or open."""
    sources = [source.code for source in shop.sources] or ["default"]
    for code, name in books.warehouses.items():
        if len(books.warehouses) == len(sources) == 1:
            yield Proposal(
                "odoo.warehouses",
                f"{plain(code)}: {plain(sources[0])}",
                f"sure: the only warehouse, {name}, and the only source",
            )
            continue
        alike = [source for source in sources if max(likeness(source, code), likeness(source, name)) >= ALIKE]
        if len(alike) == 1:
            yield Proposal("odoo.warehouses", f"{plain(code)}: {plain(alike[0])}", f"{name}; likely: by its name")
        else:
            choices = tuple(plain(source) for source in sources[:MOST])
            yield Proposal(
                "odoo.warehouses",
                f"{plain(code)}: {BLANK}",
                f"{name}; an unmapped shipment takes stock from `default`",
                choices,
            )


def accuracies(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Remark on decimals: what Odoo keeps of prices and quantities, and whether the shop sells parts of a piece."""
    kept = []
    if books.price_digits is not None:
        kept.append(f"prices with {books.price_digits} decimals")
    if books.quantity_step is not None:
        kept.append(f"quantities to {books.quantity_step.normalize():f}")
    parts = f"; sold in parts of a piece: {_some(shop.fractions)}" if shop.fractions else ""
    yield Proposal("odoo", "", f"decimal accuracy: Odoo keeps {' and '.join(kept) or 'what may not be read'}{parts}")


def products(shop: Shop, books: Books) -> Iterator[Proposal]:
    """Remark on products: SKUs of orders that Odoo has once, not at all, or several times."""
    missing = [sku for sku in shop.skus if not books.products.get(sku)]
    doubled = [sku for sku in shop.skus if books.products.get(sku, 0) > 1]
    found = len(shop.skus) - len(missing) - len(doubled)
    parts = [f"{found:,} of {count(len(shop.skus), 'SKU')} found"]
    if missing:
        parts.append(f"missing in Odoo: {_some(missing)}; create them there, their orders wait")
    if doubled:
        parts.append(f"several products for {_some(doubled)}; archive all but one")
    yield Proposal("odoo", "", f"products: {'; '.join(parts)}")


def _some(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _figure(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


SECTIONS: tuple[Callable[[Shop, Books], Iterator[Proposal]], ...] = (
    stores,
    rate_of_currencies,
    tax_of_adjustments,
    payment_methods,
    taxes,
    extra_totals,
    sales_journal,
    pricelists,
    carriers,
    warehouses,
    accuracies,
    products,
)
