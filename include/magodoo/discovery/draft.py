"""The draft of a settings file, what a later look would add to it, and what is open in one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from magodoo.characters import visible
from magodoo.discovery.books import Books
from magodoo.discovery.proposals import Proposal, count, plain, quoted
from magodoo.discovery.shop import Shop
from magodoo.settings import Instance
from magodoo.settings.undecided import BLANK, OPEN

SECTIONS = (
    "", "payment_methods", "taxes", "extra_totals", "odoo", "odoo.pricelists", "odoo.carriers", "odoo.warehouses",
)  # fmt: skip
_HEADS: Mapping[str, str] = {
    "payment_methods": "# What each Magento payment method means in accounting. A method that is not listed is reported, never guessed.",
    "taxes": "# The first rule whose conditions all fit a line gives the Odoo tax, by its exact name.",
    "extra_totals": "# Amounts that a total holds beside its parts.",
}


@dataclass(frozen=True)
class Answers:
    """What a person is asked: the permanent id, the two Airflow connections, the cut-over (local time) and the time zone."""

    instance: str
    magento_connection: str
    odoo_connection: str
    books_from: datetime
    time_zone: str


def text(answers: Answers, shop: Shop, books: Books, found: Sequence[Proposal]) -> str:
    """Return a settings file with the instance: every proposal with what it was taken from, open ones as comments."""
    read = f"{count(shop.orders, 'order')} placed since {shop.since:%Y-%m-%d}"
    lines = [
        f"# Settings of magodoo, drafted {shop.until:%Y-%m-%d %H:%M} UTC from both systems ({read}; Odoo {books.version}).",
        f"# A line with `{OPEN}` is open: put one of the choices in the place of {BLANK} and take away the `#` before it.",
        "#   make settings    every mistake with its line, and how many lines are open",
        "#   make init        what has changed in both systems since; it never changes this file",
        "# docs/reference/settings.md lists what else can be set. No secrets here: they belong to the Airflow connections.",
        *(visible(f"# {note}") for note in (*shop.notes, *books.notes)),
        "",
        "instances:",
        f"  {answers.instance}:",
        f"    magento_connection: {plain(answers.magento_connection)}",
        f"    odoo_connection: {plain(answers.odoo_connection)}",
        f"    time_zone: {plain_zone(answers.time_zone)}",
        f"    books_from: {answers.books_from:%Y-%m-%d %H:%M}   # cut-over, local time: nothing is written for orders placed before",
        "    mode: {default: observe}   # apply: write; begin with observe, then switch on kind by kind",
        "    # recipients: {accounting: [you@example.com], warehouse: [], it: [], approver: []}   # who is mailed",
    ]
    for section in SECTIONS:
        own = [proposal for proposal in found if proposal.section == section]
        lines += _section(section, own, books)
    return "\n".join(lines) + "\n"


def plain_zone(zone: str) -> str:
    """Return a time zone as YAML."""
    return zone if re.fullmatch(r"[A-Za-z][A-Za-z0-9_/+-]*", zone) else quoted(zone)


def _section(section: str, own: Sequence[Proposal], books: Books) -> Iterator[str]:
    if not own and section != "odoo":
        return
    depth = 4 + 2 * len(section.split(".")) if section else 4
    if section:
        if section in _HEADS:
            yield ""
            yield f"    {_HEADS[section]}"
        yield f"{' ' * (depth - 2)}{section.split('.')[-1]}:"
    if section == "odoo":
        others = ", ".join(f"{id} is {name}" for id, name in books.companies.items() if id != books.company_id)
        yield visible(
            f"{' ' * depth}company_id: {books.company_id}   # {books.company}{f'; others: {others}' if others else ''}"
        )
    for proposal in own:
        yield from rendered(proposal, " " * depth)


def rendered(proposal: Proposal, indent: str = "") -> Iterator[str]:
    """Yield the lines of a proposal: a remark, a setting with its reason, or a reason and an open line."""
    why = visible(proposal.why)
    if not proposal.text:
        yield f"{indent}# {why}"
    elif not proposal.is_open:
        yield f"{indent}{proposal.text}   # {why}"
    else:
        yield f"{indent}# {why}"
        yield f"{indent}# {proposal.text}   {OPEN} {' | '.join(proposal.choices)}"


def choose(draft: str, number: int, choice: str) -> str:
    """Return the text with one open line decided, as a person would edit it; `number` is its line, from 1."""
    lines = draft.split("\n")
    line = lines[number - 1]
    head, _, _ = line.partition(OPEN)
    indent, _, rest = head.partition("# ")
    lines[number - 1] = f"{indent}{rest.rstrip().replace(BLANK, choice, 1)}"
    return "\n".join(lines)


def news(found: Sequence[Proposal], instance: Instance, draft: str) -> list[Proposal]:
    """Return the proposals about which the file says nothing yet, neither by a setting nor by an open line. Remarks are left out."""
    written = [re.sub(r"\s+", " ", line.strip().lstrip("# ")) for line in draft.splitlines()]
    return [
        proposal
        for proposal in found
        if proposal.text
        and not _is_answered(proposal, instance)
        and not any(line.startswith(_head(proposal)) for line in written)
    ]


def _head(proposal: Proposal) -> str:
    """Return the beginning of a proposal's line that stays as long as nobody has decided it."""
    return re.sub(r"\s+", " ", proposal.text.partition(BLANK)[0]).strip()


def _is_answered(proposal: Proposal, instance: Instance) -> bool:
    parsed = yaml.safe_load(proposal.text.replace(BLANK, '"?"'))
    if proposal.section == "taxes":
        return _has_rule(parsed[0], instance)
    ((name, value),) = parsed.items()
    if proposal.section == "" and name == "stores":
        return not instance.stores or isinstance(value, str) or set(value) <= set(instance.stores)
    holder: Any = instance
    for step in filter(None, proposal.section.split(".")):
        holder = getattr(holder, step)
    if isinstance(holder, Mapping):
        excluded = instance.exclude.payment_methods if proposal.section == "payment_methods" else ()
        return name in holder or name in excluded
    return getattr(holder, name) is not None


def _has_rule(wanted: Mapping[str, Any], instance: Instance) -> bool:
    """Return whether a rule is for this rate and destination; what else it demands is the person's choice."""
    for rule in instance.taxes:
        if rule.country not in (None, wanted.get("country")):
            continue
        if wanted["rate"] == "any":
            if rule.as_charged and rule.fits_region(wanted["region"], wanted["region"]):
                return True
            continue
        try:
            rate = Decimal(str(wanted["rate"]))
        except InvalidOperation:
            return False
        vat = wanted.get("has_vat")
        if rule.fits_rate(rate, taxed=bool(rate)) and (vat is None or rule.has_vat in (None, vat) or rule.vat_checked):
            return True
    return False


def summary(found: Sequence[Proposal]) -> list[str]:
    """Return what is settled and what is open, in words, one line for each section."""
    names = {
        "": "stores and currencies",
        "odoo": "sales journal",
        "odoo.pricelists": "pricelists",
        "odoo.carriers": "delivery methods",
    }
    lines = []
    for section in SECTIONS:
        own = [proposal for proposal in found if proposal.section == section and proposal.text]
        if own:
            undecided = sum(proposal.is_open for proposal in own)
            name = names.get(section, section.split(".")[-1].replace("_", " "))
            lines.append(f"{name}: {len(own) - undecided} settled, {undecided} open")
    return lines
