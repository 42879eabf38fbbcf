"""How it is known, version by version, that what this project does with Odoo works there: on a live server, on the sandbox, or by the sources.

`make reference` writes docs/reference/versions.md and the table of README from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from magodoo.connectors.odoo.versions import CAPABILITIES, MAJORS, OLDEST, READ, Lack, Support, Version, can, standing


class Proof(StrEnum):
    """What was done to know it, the strongest first."""

    LIVE = "live"
    SANDBOX = "sandbox"
    SOURCE = "source"
    NONE = "not proven"


VERSIONS = (*MAJORS, *sorted(READ))
EDITION = "Community"
"""The edition of every live server so far. Nothing was ever run on Enterprise."""

COMMANDS: Mapping[int, str] = {
    19: "make test-odoo",
    18: "make test-odoo ODOO_HOME=<tree of 18.0>",
}
"""The command that proves a version's live cells."""


@dataclass(frozen=True)
class Feature:
    """Something that is done with Odoo.

    Attributes:
        name: What it is, as text for users.
        writes: Whether it writes to Odoo: then it is refused where a version is only observed.
        needs: The capabilities that it takes.
        proofs: How it is known, by version, where it is not `by_default`.
        enterprise: What of it only Enterprise has, and was therefore never run.
        shown_by: The files of the live suite that show it: `route` is tests/odoo/test_odoo_route.py.
    """

    name: str
    writes: bool = True
    needs: tuple[str, ...] = ()
    proofs: Mapping[int, Proof] = field(default_factory=dict)
    enterprise: str = ""
    shown_by: tuple[str, ...] = ()


FEATURES: tuple[Feature, ...] = (
    Feature(
        "connection, rights, modules", writes=False, needs=("has_access",), proofs=dict.fromkeys((16, 17, 20), Proof.SANDBOX),
        shown_by=("errors", "reads"),
    ),
    Feature("orders, invoices, credit notes, transfers read and matched", writes=False, shown_by=("reads", "route")),
    Feature(
        "payments of an invoice seen", writes=False, needs=("payments_of_invoice", "payment_canceled"),
        enterprise="*In Payment* and the widget that matches bank statements", shown_by=("route",),
    ),
    Feature("statement against the general ledger", writes=False, shown_by=("ledger",)),
    Feature("customers and orders", needs=("tax_per_line", "company_type", "credit_to_invoice"), shown_by=("route", "order_cents")),
    Feature(
        "invoices and credit notes", needs=("tax_per_line", "credit_note_matched", "automatic_invoice_parameter"),
        shown_by=("route",),
    ),
    Feature("documents in another currency", needs=("invoice_currency_rate",), shown_by=("route",)),
    Feature(
        "payments and refunds of providers", needs=("payments_of_invoice", "payment_canceled"), shown_by=("route",)
    ),
    Feature("deliveries, backorders, tracking", needs=("reserved_quantities",), shown_by=("route",)),
    Feature("returns", needs=("return_wizard", "returns_by_wizard"), shown_by=("route",)),
    Feature("closed periods kept", needs=("lock_date_of_sales",), shown_by=("route",)),
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """What a version does of a feature. `limits` are the consequences of what it lacks."""

    works: bool
    proof: Proof
    limits: tuple[str, ...]


def by_default(major: int) -> Proof:
    """Return how a version's features are known where no row says otherwise. Of 16 no sources were looked up."""
    if major in COMMANDS:
        return Proof.LIVE
    return Proof.NONE if major == OLDEST else Proof.SOURCE


def cell(feature: Feature, major: int) -> Cell:
    """Return what a version does of a feature, from the table of versions."""
    version = Version(major)
    lacking = [CAPABILITIES[name] for name in feature.needs if not can(version, name)]
    observed = feature.writes and standing(version).support is Support.OBSERVE
    gone = any(each.lack is Lack.STOPS or (each.until is not None and each.lack is Lack.WARNS) for each in lacking)
    limits = tuple(each.lacking for each in lacking if each.lack is not Lack.COVERED)
    return Cell(not (observed or gone), feature.proofs.get(major, by_default(major)), limits)
