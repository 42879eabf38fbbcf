"""What each version of Odoo is to this project, and the names that changed between 16 and 20. All other code uses the names of 19.

A field that a version does not have is not read, and `name_of` returns None for it; rows are returned under the names of 19. What a version
cannot do is in `CAPABILITIES`, and `standing` says in words whether it may be written to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from magodoo.errors import FixConfiguration


@dataclass(frozen=True, order=True)
class Version:
    """An Odoo release: `19.0`, `saas~18.2`."""

    major: int
    minor: int = 0

    @classmethod
    def parsed(cls, text: Any) -> Version:
        """Return the version in a text. Raises FixConfiguration if there is none or it is older than `OLDEST`."""
        found = re.search(r"(\d+)(?:\.(\d+))?", str(text or ""))
        if not found or int(found[1]) < OLDEST:
            raise FixConfiguration(
                f"not an Odoo of version {OLDEST} or later: {str(text)[:40]!r}", system="odoo", hint="check the URL"
            )
        return cls(int(found[1]), int(found[2] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


OLDEST = 16


class Support(StrEnum):
    """What a version is: run on live servers, not known to differ but never run, or read only."""

    SUPPORTED = "supported"
    EXPECTED = "expected"
    OBSERVE = "observe"


MAJORS: dict[int, Support] = {
    16: Support.OBSERVE,
    17: Support.OBSERVE,
    18: Support.SUPPORTED,
    19: Support.SUPPORTED,
}
"""Versions that were run on live servers (docs/facts/odoo-19.0.md, docs/facts/odoo-versions.md). Every later one is `expected`."""

READ = frozenset({20})
"""Later versions whose sources were compared with every name that is used (docs/facts/odoo-20.md)."""


class Lack(StrEnum):
    """What a missing capability means: nothing is written, single documents come out otherwise or are refused, or another way is taken."""

    STOPS = "stops"
    WARNS = "warns"
    COVERED = "covered"


@dataclass(frozen=True)
class Capability:
    """Something that versions do from `since` on, and before `until`.

    `lacking` is what follows elsewhere, as text for users, and `lack` what is done about it.
    """

    since: int
    lack: Lack
    lacking: str
    until: int | None = None


CAPABILITIES: dict[str, Capability] = {
    # docs/facts/odoo-versions.md, by the numbers of its rows
    "tax_per_line": Capability(
        19,
        Lack.WARNS,
        "cents are forced on the document's tax line instead, which a reset to draft loses; on an order they are Odoo's own: one whose tax is off by"
        " more than half a cent for each taxed line is refused",
    ),  # 2
    "payments_of_invoice": Capability(
        18, Lack.STOPS, "an invoice does not name its payments, so that one paid in Odoo is not seen as paid"
    ),  # 3
    "invoice_currency_rate": Capability(
        18,
        Lack.WARNS,
        "at Magento's rate (`company_rate: magento`) invoices and credit notes in another currency are refused",
    ),  # 5
    "loaded_rate": Capability(
        19,
        Lack.COVERED,
        "rate, tax and company amounts of a document in another currency are written on its draft, where it has a field for them",
    ),  # 4, 6
    "exchange_differences": Capability(
        19,
        Lack.COVERED,
        "a payment of a document in another currency needs the right to read valuation layers (Inventory / Administrator), and is held without it",
    ),  # 14
    "lock_date_of_sales": Capability(18, Lack.COVERED, "`period_lock_date` is read in its place"),  # 7
    "reserved_quantities": Capability(
        17, Lack.STOPS, "what is reserved cannot be read, so that no delivery is validated"
    ),  # 8
    "return_wizard": Capability(
        17, Lack.STOPS, "the lines of a return are filled by the form only, so that none is made"
    ),  # 9
    "credit_note_matched": Capability(
        17, Lack.STOPS, "a posted credit note is not matched with its invoice, so that both stay open"
    ),  # 10
    "credit_to_invoice": Capability(17, Lack.STOPS, "confirmed orders do not count against the credit limit"),  # 11
    "has_access": Capability(18, Lack.COVERED, "rights are asked for by `check_access_rights`"),  # 1
    "payment_canceled": Capability(18, Lack.COVERED, "a cancelled payment has the state `cancel`"),  # 13
    # docs/facts/odoo-20.md, by the numbers of its rows
    "returns_by_wizard": Capability(
        OLDEST,
        Lack.WARNS,
        "returns are not written, because the wizard that makes them is gone: make them by hand",
        until=20,
    ),  # 1
    "company_type": Capability(
        OLDEST, Lack.COVERED, "whether a customer is a company follows from its tax number", until=20
    ),  # 3
    "automatic_invoice_parameter": Capability(
        OLDEST, Lack.COVERED, "whether Odoo makes invoices by itself is a setting of the company", until=20
    ),  # 4
}
"""What differs between versions, by a name of ours."""


@dataclass(frozen=True)
class Standing:
    """What a version is, with the reason in words. `may_write`: whether `apply` is let through."""

    support: Support
    text: str

    @property
    def may_write(self) -> bool:
        """Return whether anything is written to this version."""
        return self.support is not Support.OBSERVE


def can(version: Version, capability: str) -> bool:
    """Return whether a version has a capability of `CAPABILITIES`."""
    found = CAPABILITIES[capability]
    return found.since <= version.major and (found.until is None or version.major < found.until)


def lacking(version: Version, lack: Lack) -> list[str]:
    """Return what follows from the capabilities that a version lacks, of those whose lack means this."""
    return [each.lacking for name, each in CAPABILITIES.items() if each.lack is lack and not can(version, name)]


def standing(version: Version) -> Standing:
    """Return what a version is. One that is not in `MAJORS` is a later one, and expected to do what 19 does.

    So is a release between two of them, as Odoo Online runs it: `saas~18.3`.
    """
    support = MAJORS.get(version.major, Support.EXPECTED)
    if version.minor and support is Support.SUPPORTED:
        return Standing(
            Support.EXPECTED,
            f"Odoo {version}: expected to work like {version.major}.0 and {version.major + 1}.0, between which it was released;"
            " never run on a live server by this project",
        )
    if support is Support.OBSERVE:
        why = "; ".join(lacking(version, Lack.STOPS))
        return Standing(support, f"Odoo {version}: `observe` only, because {why}")
    if support is Support.EXPECTED:
        read = "; its sources were read" if version.major in READ else ""
        return Standing(
            support,
            f"Odoo {version}: expected to work like {max(MAJORS)}.0{read}, never run on a live server by this project",
        )
    return Standing(support, f"Odoo {version}: supported")


RENAMED: dict[tuple[str, str], tuple[tuple[int, str | None], ...]] = {
    # (model, name in 19): (first version of the newer name, name before it), newest change first
    ("sale.order.line", "tax_ids"): ((19, "tax_id"),),
    ("sale.order.line", "product_uom_id"): ((19, "product_uom"),),
    ("sale.order.line", "extra_tax_data"): ((19, None),),
    ("account.move.line", "extra_tax_data"): ((19, None),),
    ("account.move", "invoice_currency_rate"): ((18, None),),
    ("account.move", "matched_payment_ids"): ((18, "payment_ids"),),
    ("account.move", "reversal_move_ids"): ((18, "reversal_move_id"),),
    ("account.move", "reconciled_payment_ids"): ((19, None),),
    ("account.account.tag", "balance_negate"): ((19, "tax_negate"),),
    ("account.payment", "memo"): ((18, "ref"),),
    ("account.payment", "invoice_ids"): ((18, None),),
    ("stock.move", "quantity"): ((17, "quantity_done"),),
    ("stock.move", "picked"): ((17, None),),
    ("stock.move", "value"): ((19, None),),
    ("stock.picking", "return_id"): ((17, None),),
    ("product.product", "is_storable"): ((18, None),),
    ("res.users", "group_ids"): ((19, "groups_id"),),
    ("res.users.apikeys", "expiration_date"): ((18, None),),
    ("uom.uom", "parent_path"): ((19, None),),
    # The date that closed sales and purchases to all but advisers before 18 is one date for each since.
    ("res.company", "sale_lock_date"): ((18, "period_lock_date"),),
    ("res.company", "purchase_lock_date"): ((18, None),),
    ("res.company", "hard_lock_date"): ((18, None),),
}

RENAMED_SINCE: dict[tuple[str, str], tuple[int, str]] = {
    # (model, name in 19): (first version of another name, that name)
    ("stock.move", "product_uom"): (20, "uom_id"),  # docs/facts/odoo-20.md#2
}

METHODS: dict[tuple[str, str], tuple[tuple[int, str], ...]] = {
    ("*", "has_access"): ((18, "check_access_rights"),),
    ("stock.return.picking", "action_create_returns"): ((18, "create_returns"),),
}

NESTED_READ_SINCE = 17
"""web_search_read accepts a specification from 17 on; before, the tree is read model by model."""

UNIT_FACTOR_IS_SIZE_SINCE = 19
"""A unit's factor is how many reference units it is; before, how many of it make one."""

TAGS_WITHOUT_SIGN_SINCE = 19
"""A grid of the tax report has one tag; before, two, `+81` and `-81`, and `tax_tag_invert` on the items."""

UNIT_ACCURACY: tuple[tuple[int, str], ...] = ((19, "Product Unit"), (0, "Product Unit of Measure"))
"""The decimal accuracy of quantities: (first version of the name, name), newest first."""

POSITIONAL: dict[str, tuple[str, ...]] = {
    # JSON-RPC before 19 reads args[0] of these before it binds names
    "create": ("vals_list",),
    "load": ("fields", "data"),
    "check_access_rights": ("operation",),
    "default_get": ("fields",),  # `fields_list` before 19
    "write": ("vals",),  # `values` in many models, of which res.company is one (18: TypeError for `vals`)
}

OF_RECORDS = frozenset({"has_access", "precision_get"})
"""Methods that are not `@api.model` (`account` overrides precision_get without it): over JSON-RPC they need a list of ids, which may be
empty (18: IndexError without it).
"""


def name_of(version: Version, model: str, field: str) -> str | None:
    """Return the field's name in this version, or None where the version does not have it."""
    name: str | None = field
    for since, before in RENAMED.get((model, field), ()):
        if version.major < since:
            name = before
    later = RENAMED_SINCE.get((model, field))
    return later[1] if later and version.major >= later[0] else name


def names_of(model: str, field: str) -> tuple[str, ...]:
    """Return all names that the field has in any version, the newest first."""
    later = RENAMED_SINCE.get((model, field))
    older = [before for _, before in RENAMED.get((model, field), ()) if before]
    return (*((later[1],) if later else ()), field, *older)


def method_of(version: Version, model: str, method: str) -> str:
    """Return the method's name in this version."""
    name = method
    for since, before in METHODS.get((model, method)) or METHODS.get(("*", method), ()):
        if version.major < since:
            name = before
    return name


def by_version(version: Version, names: tuple[tuple[int, str], ...]) -> str:
    """Return the name for this version from (first version, name) pairs, newest first."""
    return next(name for since, name in names if version.major >= since)
