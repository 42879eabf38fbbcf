"""Checks of Magento: login and rights, version, clock, other modules, stores, inventory sources."""

from __future__ import annotations

import re

from magodoo.connectors.magento.connection_test import READS
from magodoo.connectors.magento.versions import COMMERCE, RUN_ON
from magodoo.domain.kinds import Need
from magodoo.domain.vocabulary import Side
from magodoo.errors import FixConfiguration
from magodoo.preflight import clock, systems
from magodoo.preflight.results import Outcome, count, some
from magodoo.preflight.subject import Check, Subject

_RIVALS = re.compile(r"odoo|openerp", re.IGNORECASE)


def connection(subject: Subject) -> Outcome:
    """Check login and rights; a missing right to write is an error only where the instance writes to Magento."""
    report = subject.magento.test_connection(writes=True)
    outcome = Outcome(str(report))
    for warning in report.warnings:
        outcome.warn(warning, "use https")
    failed = [check for check in report.checks if not check.ok]
    reads = {f"read {name}" for name in READS}
    only_writes = bool(failed) and report.wrong == "rights" and all(check.name not in reads for check in failed)
    if not report.ok:
        todo = f"grant {', '.join(report.missing)} to the integration" if report.missing else "correct the connection"
        outcome.complain(str(report), todo, stops=not only_writes or subject.writes_to(Side.MAGENTO))
        outcome.ends = report.wrong != "rights"
    return outcome


def version(subject: Subject) -> Outcome:
    """Check Magento's version as far as it shows, and what is known of it. None is refused for its number alone."""
    told = subject.magento.shop_version()
    outcome = Outcome(told.text)
    if not told.known:
        outcome.warn(told.text, f"look whether it is a {RUN_ON}; try a few orders in observe first")
    return outcome


def address(subject: Subject) -> Outcome:
    """Check that this is the Magento that was written to before: the staging database belongs to it."""
    return systems.judge(subject, systems.magento_now(subject.magento), Outcome(subject.magento.connection.base_url))


def server_clock(subject: Subject) -> Outcome:
    """Compare the clock of Magento's web server."""
    connection = subject.magento.connection
    return clock.compare(f"{connection.base_url}/magento_version", connection.verify, subject.now())


def extensions(subject: Subject) -> Outcome:
    """Check for payment modules of Adobe Commerce, and for another Odoo connector in Magento."""
    outcome = Outcome("no other connector, no gift cards, store credit or points")
    try:
        modules = subject.magento.modules()
    except FixConfiguration:
        outcome.found = "the integration may not list the shop's modules"
        return outcome
    rivals = [name for name in modules if _RIVALS.search(name) and "magodoo" not in name.lower()]
    if rivals:
        outcome.refuse(
            f"the shop has another connector: {some(rivals)}", "switch it off, or two programs write the same documents"
        )
    parts = [name for name in COMMERCE if name in modules]
    if parts:
        outcome.warn(f"installed: {some(parts)}", "orders paid with them are `unmapped`: a person books them in Odoo")
    return outcome


def stores(subject: Subject) -> Outcome:
    """Check for configured store views that do not exist, and for store views that no instance reads."""
    views = {int(view["id"]): str(view.get("code", "")) for view in subject.magento.store_views() if int(view["id"])}
    instance = subject.instance
    outcome = Outcome(
        f"{len(instance.stores or views)} of {count(len(views), 'store view belongs', 'store views belong')} to this instance"
    )
    unknown = sorted(set(instance.stores) - set(views))
    if unknown:
        outcome.refuse(
            f"the shop has no store {some(unknown)}",
            f"name some of {some(f'{id} ({code})' for id, code in views.items())}; `deleted_stores` says what becomes of the orders of one"
            " that was deleted",
        )
    shared = [
        other
        for other in subject.settings.instances.values()
        if other.magento_connection == instance.magento_connection
    ]
    if all(other.stores for other in shared):
        read = {store for other in shared for store in other.stores}
        left = [f"{store} ({code})" for store, code in sorted(views.items()) if store not in read]
        if left:
            outcome.warn(
                f"no instance reads store {some(left)}", "add it to `stores` of an instance, or leave it out on purpose"
            )
        if all(other.deleted_stores == "ignore" for other in shared):
            outcome.warn(
                "no instance reads documents of a store view that was deleted",
                "set `deleted_stores` of one instance to `report` or `ours`; what stays out is listed in each statement",
            )
    return outcome


def sources(subject: Subject) -> Outcome:
    """Check the mapping of inventory sources: without one Magento takes stock from `default` (docs/facts/magento-2.4.7-more.md#3)."""
    rows = subject.magento.sources()
    known = {str(row["source_code"]): row.get("enabled", True) for row in rows}
    mapped = set(subject.instance.odoo.warehouses.values())
    outcome = Outcome(f"{count(len(known), 'source')}: {some(known)}" if known else "no multi-source inventory")
    wrong = sorted(code for code in mapped if not known.get(code)) if known else []
    if wrong:
        outcome.refuse(
            f"no enabled source {some(wrong)}", "correct `odoo.warehouses` (Odoo warehouse code: Magento source code)"
        )
    enabled = [code for code, is_enabled in known.items() if is_enabled]
    if len(enabled) > 1 and not set(enabled) <= mapped:
        outcome.complain(
            f"sources without a warehouse: {some(sorted(set(enabled) - mapped))}",
            "map Odoo's warehouses in `odoo.warehouses`; an unmapped shipment takes stock from `default`",
            stops=not mapped and subject.needs(Need.SOURCES),
        )
    return outcome


CHECKS: tuple[tuple[str, Check], ...] = (
    ("Magento: connection and rights", connection),
    ("Magento: version", version),
    ("Magento: address", address),
    ("Magento: clock", server_clock),
    ("Magento: extensions", extensions),
    ("Magento: stores", stores),
    ("Magento: sources", sources),
)
