"""Explain the amounts of a Magento total that are in none of its parts, and those that reduce it as payments.

The order shows what there is (its fields, its items' fixed product tax); an invoice or credit memo holds some of the
order's amounts, whole or in part. What neither a field nor the settings explain to the last unit is a problem that
names the amount and every field that holds it: a remainder is never plugged (docs/business-rules.md#taxes).

Gift cards, store credit and reward points are parts of the payment. Each is settled against the liability that its
journal represents. They lower Magento's grand total and no sum that was sold. While one is not set, nothing of the
order is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations

from magodoo.domain.vocabulary import FindingType
from magodoo.extract import fields, magento_totals
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.extract.fields import Row
from magodoo.extract.magento_rows import tax_on_fixed_tax
from magodoo.flows.sources import Sources
from magodoo.ledger.planned import RequestProblem
from magodoo.money import shown
from magodoo.settings.extra_totals import FIXED_TAX, TENDERED, WRAPPING, ExtraTotal, Nature

ACCOUNTING = "accounting"
CENT = 100  # units
ONE = 10_000
MOST = 8  # amounts of one order, which bounds the combinations that are tried
_WRAPPING = ("gw_price", "gw_items_price", "gw_card_price")
_WRAPPING_TAX = ("gw_tax_amount", "gw_items_tax_amount", "gw_card_tax_amount")


@dataclass(frozen=True)
class Amount:
    """Hold one amount of a total: net and tax in units (tax None where no field shows it), its rate, and the field that shows it."""

    name: str
    words: str
    net: int
    tax: int | None
    percent: Decimal | None = None
    shown_in: str = ""
    quantity: int = ONE
    item_key: str | None = None
    """Of fixed product tax: the order item whose pieces it is on."""

    @property
    def setting(self) -> str:
        """Return the name in `extra_totals`: the fixed product taxes of all items share one name."""
        return self.name.split(".")[0]


@dataclass(frozen=True)
class Group:
    """Hold the amounts of one name: net and tax together, tax None where no field shows it."""

    amounts: tuple[Amount, ...]

    @property
    def net(self) -> int:
        """Return the sum of the net amounts, in units."""
        return sum(each.net for each in self.amounts)

    @property
    def tax(self) -> int | None:
        """Return the sum of the taxes, in units; None when one is not known."""
        taxes = [each.tax for each in self.amounts]
        return None if None in taxes else sum(tax or 0 for tax in taxes)


def extra_lines(
    sources: Sources, order: CanonicalDocument, document: CanonicalDocument
) -> tuple[list[CanonicalLine], list[RequestProblem]]:
    """Return lines of role `extra`, with the Odoo product as SKU, that replace the document's line `extra`, or the problems."""
    whole, of_order = _line_of(sources, order, document), _line_of(sources, order, order)
    if whole is None:
        return [], []
    if of_order is None:
        message = (
            f"{document.number} holds an amount that its order lacks. {document.details.get('flaw') or ''}".strip()
        )
        return [], [RequestProblem("arithmetic", message, FindingType.ARITHMETIC)]
    found = _of_order(sources, order, of_order)
    if document is not order and whole not in document.lines and not _may_cancel(found):
        return [], []
    if document is not order and not isinstance(found, RequestProblem):
        found = _of_document(order, document, found, whole)
    if isinstance(found, RequestProblem):
        return [], [found]
    problems = [problem for each in _groups(found) if (problem := _without_nature(sources, order, each))]
    return ([], problems) if problems else (list(_lines(sources, document, found, whole)), [])


def _line_of(sources: Sources, order: CanonicalDocument, document: CanonicalDocument) -> CanonicalLine | None:
    """Return the line of the amounts that are in no part of the total; one of 0 if the document has such amounts and its total does not."""
    found = next((line for line in document.lines if line.role == "extra"), None)
    if found is None and _groups(_known(sources, order, document)):
        return CanonicalLine(line_id="extra", role="extra")
    return found


def _of_order(sources: Sources, order: CanonicalDocument, whole: CanonicalLine) -> list[Amount] | RequestProblem:
    """Return the amounts that an order's total holds, each with its tax: those whose sum it is to the last unit, in one way only."""
    known = _groups(_known(sources, order, order))
    fitting = [chosen for chosen in _subsets(known) if _net(chosen) == whole.untaxed]
    if not fitting and (rest := _remainder(sources, order)) is not None:
        fitting = [[*chosen, rest] for chosen in _subsets(known, least=0) if _net(chosen) + rest.net == whole.untaxed]
    with_tax = [amounts for chosen in fitting if (amounts := _taxed(order, chosen, whole.tax)) is not None]
    if len(with_tax) == 1:
        written = {each.setting for each in with_tax[0]}
        beside = [each for each in known if each.amounts[0].setting not in written]
        return _cancelled(order, beside) if beside else with_tax[0]
    return _left_over(order, whole, known, several=len(with_tax) > 1)


def _may_cancel(found: list[Amount] | RequestProblem) -> bool:
    """Return whether an order has amounts above and below 0: only these can be in a document without a trace in its total."""
    return not isinstance(found, RequestProblem) and len({each.net > 0 for each in found if each.net}) > 1


def _groups(amounts: Iterable[Amount]) -> list[Group]:
    by_name: dict[str, list[Amount]] = {}
    for each in amounts:
        if each.net:
            by_name.setdefault(each.setting, []).append(each)
    return [Group(tuple(each)) for each in by_name.values()][:MOST]


def _net(groups: Iterable[Group]) -> int:
    return sum(each.net for each in groups)


def _subsets(known: Sequence[Group], least: int = 1) -> Iterator[list[Group]]:
    for size in range(len(known), least - 1, -1):
        for chosen in combinations(known, size):
            yield list(chosen)


def _known(sources: Sources, order: CanonicalDocument, document: CanonicalDocument) -> Iterator[Amount]:
    """Yield the amounts that a document's fields show: known ones, and those that the settings name. Only the order has the rates."""
    payload = document.payload
    yield from _fixed_taxes(order, document)
    given = fields.inner(payload, "extension_attributes")
    wrapping = sum(fields.units(given, name) for name in _WRAPPING)
    wrapping_tax = sum(fields.units(given, name) for name in _WRAPPING_TAX)
    where = ", ".join(f"extension_attributes.{name}" for name in _WRAPPING if fields.units(given, name))
    yield Amount(WRAPPING, "gift wrapping", wrapping, wrapping_tax, shown_in=where)
    for name, extra in sources.instance.extra_totals.items():
        if not extra.fields or extra.nature is Nature.PAYMENT_PART:
            continue
        net, tax = _shown(payload, extra)
        yield Amount(name, _words(name), net, tax, extra.tax_percent, ", ".join(extra.fields))


def _shown(payload: Row, extra: ExtraTotal) -> tuple[int, int | None]:
    """Return net and tax of an amount as the order shows it; a discount is below 0 with either sign, and so is its tax."""
    amount = sum(magento_totals.amount(payload, path) for path in extra.fields)
    tax = sum(magento_totals.amount(payload, path) for path in extra.tax_fields) if extra.tax_fields else None
    if extra.nature is Nature.DISCOUNT:
        amount, tax = -abs(amount), None if tax is None else -abs(tax)
    if not extra.including_tax:
        return amount, tax
    if tax is None:
        percent = extra.tax_percent or Decimal(0)
        tax = amount - _cents(Decimal(amount) * 100 / (100 + percent))
    return amount - tax, tax


def _fixed_taxes(order: CanonicalDocument, document: CanonicalDocument) -> Iterator[Amount]:
    """Yield the fixed product tax, one amount for each item that carries money: it is charged by the piece."""
    money = {line.item_key: line for line in order.lines if line.role == "item" and line.is_money}
    key = "item_id" if document is order else "order_item_id"
    for item in fields.rows(document.payload, "items"):
        line = money.get(fields.identity(item, key))
        if line is None:
            continue
        net, tax = fields.units(item, "weee_tax_applied_row_amount"), tax_on_fixed_tax(item)
        yield Amount(
            f"{FIXED_TAX}.{line.item_key}", "fixed product tax", net, tax, line.tax_percent if tax else None,
            "items[].weee_tax_applied_row_amount", line.qty_ordered or ONE, line.item_key,
        )  # fmt: skip


def _remainder(sources: Sources, order: CanonicalDocument) -> Group | None:
    """Return the amount of a remainder that the settings map by payment method; None without exactly one such mapping."""
    sold = sum(line.untaxed + line.tax for line in order.lines if line.role != "extra")
    goods = sum(line.gross for line in order.lines if line.role == "item" and line.is_money)
    found = []
    for name, extra in sources.instance.extra_totals.items():
        mapped = extra.remainder
        if mapped is None or mapped.payment_method != order.payment_method:
            continue
        if mapped.currency in (None, order.currency):
            net = mapped.units(goods, sold)
            tax = _share(net, extra.tax_percent or Decimal(0))
            where = f"no field; payment method {mapped.payment_method}"
            found.append(Amount(name, _words(name), net, tax, extra.tax_percent, where))
    return Group((found[0],)) if len(found) == 1 else None


def _taxed(order: CanonicalDocument, chosen: Sequence[Group], tax: int) -> list[Amount] | None:
    """Return the amounts with the tax on each and its rate; None where the tax of the total is not theirs."""
    left = tax - sum(group.tax or 0 for group in chosen)
    silent = [group for group in chosen if group.tax is None]
    if left and len(silent) != 1:
        return None
    return [
        _with_rate(order, replace(each, tax=left if each.tax is None else each.tax))
        for group in chosen
        for each in group.amounts
    ]


def _with_rate(order: CanonicalDocument, amount: Amount) -> Amount:
    """Return the amount with its rate: as it is set, or the one rate of the order that gives its tax."""
    if amount.percent is not None or not amount.tax:
        return amount
    rates = {line.tax_percent for line in order.lines if line.tax_percent is not None and line.tax}
    giving = [rate for rate in rates if abs(_share(amount.net, rate) - (amount.tax or 0)) <= CENT]
    return replace(amount, percent=giving[0]) if len(giving) == 1 else amount


def _share(net: int, percent: Decimal) -> int:
    return _cents(Decimal(net) * percent / 100)


def _cents(units: Decimal) -> int:
    return int((units / CENT).to_integral_value(ROUND_HALF_UP)) * CENT


def _of_document(
    order: CanonicalDocument, document: CanonicalDocument, amounts: Sequence[Amount], whole: CanonicalLine
) -> list[Amount] | RequestProblem:
    """Return which of the order's amounts an invoice or credit memo holds: some of them whole, and of at most one name a part."""
    known = _groups(amounts)
    exact = [
        [each for group in chosen for each in group.amounts]
        for chosen in _subsets(known)
        if (_net(chosen), sum(group.tax or 0 for group in chosen)) == (whole.untaxed, whole.tax)
    ]
    found = exact or list(_with_a_part(document, known, whole))
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{shown(each.net, order.currency)} of {each.amounts[0].words}" for each in known)
    message = f"{document.number} holds {shown(whole.untaxed, order.currency)} {order.currency} that is not what the order has: {names}"
    return _problem(f"{document.kind}/{document.number}", message)


def _with_a_part(document: CanonicalDocument, known: Sequence[Group], whole: CanonicalLine) -> Iterator[list[Amount]]:
    """Yield combinations of some whole amounts and a part of those of one name."""
    for parted in known:
        others = [each for each in known if each is not parted]
        for chosen in _subsets(others, least=0):
            net, tax = whole.untaxed - _net(chosen), whole.tax - sum(group.tax or 0 for group in chosen)
            if not (_is_part(net, parted.net) and (not tax or _is_part(tax, parted.tax or 0))):
                continue
            parts = _parted(document, parted.amounts, net, tax)
            if parts is not None:
                yield [*(each for group in chosen for each in group.amounts), *parts]


def _is_part(units: int, of: int) -> bool:
    return units != 0 and (units > 0) == (of > 0) and abs(units) <= abs(of)


def _parted(document: CanonicalDocument, amounts: Sequence[Amount], net: int, tax: int) -> list[Amount] | None:
    """Return a part of the amounts; None when it cannot be one.

    The part of fixed product tax is that of the document's pieces, as far as rounding goes; the part of a single
    other amount may be any.
    """
    if amounts[0].item_key is None:
        return [replace(amounts[0], net=net, tax=tax)] if len(amounts) == 1 else None
    moved = {line.item_key: line.quantity for line in document.lines if line.role == "item" and line.is_money}
    parts = [
        replace(
            each, quantity=moved[each.item_key], net=_part(each.net, moved[each.item_key], each.quantity),
            tax=_part(each.tax or 0, moved[each.item_key], each.quantity),
        )
        for each in amounts
        if moved.get(each.item_key)
    ]  # fmt: skip
    off_net, off_tax = net - sum(each.net for each in parts), tax - sum(each.tax or 0 for each in parts)
    if not parts or max(abs(off_net), abs(off_tax)) > CENT * len(parts):
        return None
    return [replace(parts[0], net=parts[0].net + off_net, tax=(parts[0].tax or 0) + off_tax), *parts[1:]]


def _part(amount: int, of: int, whole: int) -> int:
    return _cents(Decimal(amount) * of / whole) if whole else 0


def _lines(
    sources: Sources, document: CanonicalDocument, amounts: Sequence[Amount], whole: CanonicalLine
) -> Iterator[CanonicalLine]:
    """Yield lines whose amounts in base currency sum to those of the line that they replace."""
    base_net, base_tax = whole.base_untaxed, whole.base_tax
    for index, each in enumerate(amounts):
        last = index == len(amounts) - 1
        net = base_net if last else _in_base(document, each.net, whole.untaxed, whole.base_untaxed)
        tax = base_tax if last else _in_base(document, each.tax or 0, whole.tax, whole.base_tax)
        base_net, base_tax = base_net - net, base_tax - tax
        extra = sources.instance.extra_totals[each.setting]
        yield CanonicalLine(
            line_id=f"extra:{each.name}", role="extra", sku=extra.product or "", name=each.words, quantity=each.quantity,
            price=each.net * ONE // each.quantity, gross=each.net, untaxed=each.net, tax=each.tax or 0, base_untaxed=net,
            base_tax=tax, tax_percent=each.percent, qty_ordered=each.quantity,
        )  # fmt: skip


def _in_base(document: CanonicalDocument, amount: int, of: int, base: int) -> int:
    """Return an amount in base currency: in proportion to the whole, or by the rate where amounts that cancel each other leave no whole."""
    return _part(base, amount, of) if of else _cents(amount / (document.rate or Decimal(1)))


def setting_of(sources: Sources, line: CanonicalLine) -> ExtraTotal:
    """Return the settings of a line of `extra_lines`."""
    return sources.instance.extra_totals[line.line_id.removeprefix("extra:").split(".")[0]]


def _without_nature(sources: Sources, order: CanonicalDocument, group: Group) -> RequestProblem | None:
    amount = replace(group.amounts[0], net=group.net, tax=group.tax)
    extra = sources.instance.extra_totals.get(amount.setting)
    what = f"{shown(amount.net, order.currency)} {order.currency} of {amount.words} ({amount.shown_in})"
    if extra is None:
        message = f"{what} are in the total and in no part: name the nature under `extra_totals.{amount.setting}`"
        return _problem(amount.setting, message)
    if amount.tax and extra.nature is Nature.LEVY and not extra.in_tax_base:
        message = f"{what} carry tax {shown(amount.tax, order.currency)}, and `extra_totals.{amount.setting}` says outside of the tax base"
        return _problem(amount.setting, message)
    return None


def _left_over(
    order: CanonicalDocument, whole: CanonicalLine, known: Sequence[Group], *, several: bool
) -> RequestProblem:
    currency = order.currency
    amount = f"{shown(whole.untaxed, currency)} {currency}" + (
        f" with tax {shown(whole.tax, currency)}" if whole.tax else ""
    )
    if several:
        names = ", ".join(f"{each.amounts[0].words} {shown(each.net, currency)}" for each in known)
        return _problem("remainder", f"{amount} of the total can be made of these in several ways: {names}")
    named = _named(known, currency)
    if not (whole.untaxed or whole.tax):
        return _cancelled(order, known)
    holding = magento_totals.holding(order.payload, whole.untaxed)
    with_tax = magento_totals.holding(order.payload, whole.untaxed + whole.tax) if whole.tax else []
    found = ["fields that hold it: " + ", ".join(holding)] if holding else []
    found += ["fields that hold it with its tax (`including_tax`): " + ", ".join(with_tax)] if with_tax else []
    where = "; ".join(found) or "no field of the order holds it"
    others = f"; known beside it: {', '.join(named)}" if named else ""
    method = order.payment_method or "without name"
    message = f"{amount} of the total are in no part of the order; {where}{others}: name it under `extra_totals`, by its fields"
    return _problem("remainder", f"{message} or, of payment method {method}, as `remainder`")


def _cancelled(order: CanonicalDocument, known: Sequence[Group]) -> RequestProblem:
    """Return a problem for amounts that are in fields but not in the total: they may conceal one that no field names."""
    message = f"{order.number} shows {', '.join(_named(known, order.currency))}, and its total has nothing of it beside its parts"
    why = "something that no setting names cancels it, or it is in a part already and is no amount of its own"
    return _problem("remainder", f"{message}: {why}")


def _named(known: Sequence[Group], currency: str | None) -> list[str]:
    return [f"{shown(each.net, currency)} of {each.amounts[0].words} ({each.amounts[0].shown_in})" for each in known]


def _problem(name: str, message: str) -> RequestProblem:
    step = "Name under `extra_totals` what the amount is (charge, levy, payment_part or discount); else a person books the order"
    return RequestProblem(f"total:{name}", message, next_step=step, who=ACCOUNTING)


def _words(name: str) -> str:
    return name.replace("_", " ")


def payment_parts(sources: Sources, order: CanonicalDocument) -> list[RequestProblem]:
    """Return one problem per part that an order was paid with and that the settings do not name."""
    return [
        _unset(name, f"{shown(units, order.currency)} {order.currency}")
        for name, units in parts_of(order).items()
        if not is_set(sources, name)
    ]


def _unset(name: str, amount: str) -> RequestProblem:
    words, fields = name.replace("_", " "), ", ".join(TENDERED.get(name, ()))
    message = f"{amount} of the order are paid by {words} ({fields}): no account is set for it"
    step = f"Name under `extra_totals.{name}` the journal whose outstanding account is its liability; else a person books the order"
    return RequestProblem(f"payment:{words}", message, next_step=step, who="accounting")


def parts_of(document: CanonicalDocument) -> dict[str, int]:
    """Return the units, by name, that a document was paid with beside its payment method."""
    return {str(name): int(units) for name, units in (document.details.get("tendered") or {}).items()}


def is_set(sources: Sources, name: str) -> bool:
    """Return whether the settings name this part of a payment."""
    extra = sources.instance.extra_totals.get(name)
    return extra is not None and extra.nature is Nature.PAYMENT_PART
