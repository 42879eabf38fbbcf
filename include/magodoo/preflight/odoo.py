"""Checks of the Odoo server: login and rights, version, clock, modules, other connectors, key field, warehouses."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from magodoo.connectors.odoo import proofs, versions
from magodoo.connectors.odoo.installation import GROUPS
from magodoo.connectors.odoo.intercompany import may_read_purchases
from magodoo.connectors.odoo.record_kinds import DELIVERY_KEY
from magodoo.domain.kinds import Need
from magodoo.domain.vocabulary import Side
from magodoo.errors import FixConfiguration, FixDocument, Forbidden, MagodooError
from magodoo.preflight import clock, systems
from magodoo.preflight.results import Outcome, some
from magodoo.preflight.subject import Check, Subject

NEEDED = ("account", "sale", "stock", "sale_stock")
ENTERPRISE = frozenset({"web_enterprise", "account_accountant", "accountant"})
"""Modules that only Enterprise has."""
ODOOS_OWN = (".odoo.com", ".odoo.sh")
"""Ends of the addresses that Odoo Online and odoo.sh give a database. One with a domain of its own is not recognised."""
CALLS_END_AFTER = 900
"""Seconds after which Odoo's cloud ends a call (docs/how-to/connect-odoo.md#odoo-online-and-odoosh)."""
FOLLOW_UPS = ("account_followup", "account_invoice_overdue_reminder", "account_credit_control")
_RIVALS = re.compile(r"magento|^(connector_ecommerce|ecommerce_connector|multichannel|odoo_multi_channel)")
_RIVAL_MODELS = ("sale.order", "account.move", "stock.picking", "res.partner", "product.product")


def connection(subject: Subject) -> Outcome:
    """Check login, company and rights; a missing right to write is an error only where the instance writes to Odoo."""
    report = subject.odoo.test_connection()
    outcome = Outcome(str(report))
    for warning in report.warnings:
        outcome.warn(warning, "make a new key before the old one expires")
    if report.problem == "rights":
        hidden = any(GROUPS[0] in right for right in report.missing_rights)
        todo = f"add the user to {', '.join(GROUPS)}"
        outcome.complain(
            report.message, todo, stops=hidden or not report.missing_rights or subject.writes_to(Side.ODOO)
        )
    elif not report.ok:
        outcome.refuse(str(report), f"correct the {report.problem} of the connection")
        outcome.ends = True
    return outcome


def spare_rights(subject: Subject) -> Outcome:
    """Check whether the key of every day may do more than is needed: it lies in Airflow, and provisioning has a key of its own."""
    outcome = Outcome("the user has the rights that are needed")
    if more := subject.odoo.installation.more_than_needed():
        outcome.warn(
            f"the user may do more than is needed: {some(more)}",
            "take these groups from the user of the connection; make provision asks for an administrator's key when it needs one",
        )
    return outcome


def version(subject: Subject) -> Outcome:
    """Check what this project knows of the version of Odoo: one that lacks something which writing needs is only observed.

    That is an error in `observe`, too: what preflight lets through there may be switched to `apply`.
    """
    found = subject.odoo.rpc.version
    standing = versions.standing(found)
    outcome = Outcome(f"{standing.text}, over {subject.odoo.rpc.transport.name}")
    if not standing.may_write:
        outcome.refuse(standing.text, "leave the instance in `observe`, or upgrade Odoo to 18 or later")
    elif standing.support is versions.Support.EXPECTED:
        outcome.warn(standing.text, "try it on a copy of the database, and a few orders in observe, first")
    for consequence in versions.lacking(found, versions.Lack.WARNS):
        outcome.warn(f"Odoo {found}: {consequence}", "prefer Odoo 19 where this matters to you")
    return outcome


def hosting(subject: Subject) -> Outcome:
    """Check what Odoo Online and odoo.sh limit, as far as address and version show that they run the server."""
    connection, found = subject.odoo.connection, subject.odoo.rpc.version
    host = urlsplit(connection.url).hostname or ""
    if not host.endswith(ODOOS_OWN) and not found.minor:
        return Outcome("a server of your own, or Odoo's cloud under a domain of yours, which cannot be told apart")
    outcome = Outcome(f"Odoo's cloud ({host or found})")
    most = max(connection.parallel_reads, connection.parallel_writes)
    if most > 1:
        outcome.warn(
            f"up to {most} calls run at once; Odoo's policy for its cloud speaks of one call a second and none in parallel",
            "set `parallel_reads` and `parallel_writes` of the connection to 1, and let backfills run at night",
        )
    longest = max(connection.read_timeout, connection.write_timeout)
    if longest > CALLS_END_AFTER:
        outcome.warn(
            f"a call is waited for for {longest:.0f} s, and ended by the server after about {CALLS_END_AFTER} s",
            f"set the timeouts of the connection to {CALLS_END_AFTER} s at most",
        )
    if subject.instance.settle_seconds < CALLS_END_AFTER:
        outcome.warn(
            f"a call that was given up may still be at work for {CALLS_END_AFTER} s, and settle_seconds is {subject.instance.settle_seconds}",
            f"set settle_seconds to {CALLS_END_AFTER} at least",
        )
    return outcome


def server_clock(subject: Subject) -> Outcome:
    """Compare the clock of Odoo's web server."""
    server = subject.odoo.connection
    return clock.compare(f"{server.url}/web/version", server.ca_bundle or True, subject.now())


def modules(subject: Subject) -> Outcome:
    """Check that the applications which are written to are installed, and what Enterprise's Accounting changes."""
    installed = subject.odoo.installation.modules()
    outcome = Outcome(f"installed: {some(NEEDED)}")
    missing = [name for name in NEEDED if name not in installed]
    if missing:
        outcome.refuse(f"not installed: {some(missing)}", "install Sales, Inventory and Invoicing in Odoo")
    if not subject.odoo.rpc.has_field("stock.picking", "carrier_tracking_ref"):
        outcome.warn(
            "transfers have no tracking reference",
            "install Delivery (stock_delivery), or set shipments.tracking to off",
        )
    if enterprise := sorted(installed.intersection(ENTERPRISE)):
        unseen = "; ".join(each.enterprise for each in proofs.FEATURES if each.enterprise)
        outcome.warn(
            f"this is Odoo Enterprise ({some(enterprise)}), on which this project was never run: {unseen}",
            "try it on a copy of the database, and look at the first payments in observe",
        )
    if "account_accountant" in installed and not subject.instance.invoices.in_payment_counts:
        outcome.warn(
            "with Odoo's Accounting app an invoice is *In Payment* until the bank statement is matched",
            "set invoices.in_payment_counts to true if In Payment is to mark it paid in Magento",
        )
    return outcome


def connectors(subject: Subject) -> Outcome:
    """Check for another connector between this Odoo and Magento: two of them write every document twice."""
    ours = subject.instance.odoo.delivery_key_field
    outcome = Outcome("no module and no field of another Magento connector")
    names = [
        name
        for name in sorted(subject.odoo.installation.modules())
        if _RIVALS.search(name) and not name.startswith("magodoo")
    ]
    fields = [
        f"{model}.{field}"
        for model in _RIVAL_MODELS
        for field in sorted(subject.odoo.rpc.fields(model))
        if "magento" in field and field not in (ours, DELIVERY_KEY) and not field.startswith("x_magodoo")
    ]
    if names or fields:
        outcome.refuse(
            f"another Magento connector is active: {some([*names, *fields])}",
            "stop and uninstall it before `apply`; name its fields in `odoo.reference_fields`, so that what it made is found",
        )
    return outcome


def key_field(subject: Subject) -> Outcome:
    """Check the key field of deliveries: they have no external id, so it alone links them to a shipment (docs/facts/pair.md#5.1)."""
    name = subject.instance.odoo.delivery_key_field
    outcome = Outcome(f"stock.picking has {name}")
    if not subject.odoo.rpc.has_field("stock.picking", name):
        outcome.complain(
            f"stock.picking has no field {name}",
            f"make provision makes it; or an administrator does: Settings, Technical, Fields: {name}, model stock.picking, type char, indexed, *Copied* off",
            stops=subject.needs(Need.DELIVERY_KEY),
        )
    elif not subject.odoo.documents.text_fields("stock.picking", [name]):
        outcome.complain(
            f"{name} of stock.picking holds no text",
            "name a text field in `odoo.delivery_key_field`",
            stops=subject.needs(Need.DELIVERY_KEY),
        )
    return outcome


def warehouses(subject: Subject) -> Outcome:
    """Check that the mapped warehouses exist and that every warehouse is mapped."""
    rows = [row for row in subject.odoo.master_data.warehouses() if row["active"]]
    mapped = subject.instance.odoo.warehouses
    outcome = Outcome(some(f"{row['code']} ({_steps(row['delivery_steps'])})" for row in rows))
    unknown = sorted(set(mapped) - {row["code"] for row in rows} - _codes_elsewhere(subject))
    if unknown:
        outcome.refuse(
            f"no warehouse {some(unknown)}", "correct `odoo.warehouses` (short names of the company's warehouses)"
        )
    if not rows:
        stops = subject.needs(Need.STOCK)
        outcome.complain("the company has no warehouse", "create one, or switch deliveries off", stops=stops)
    unmapped = [row["code"] for row in rows if row["code"] not in mapped]
    if mapped and unmapped:
        outcome.warn(
            f"warehouses without a source: {some(unmapped)}", "their shipments take Magento's stock from `default`"
        )
    return outcome


def _codes_elsewhere(subject: Subject) -> set[str]:
    """Return short names of the warehouses of companies that ship for this one, as far as they may be read."""
    found: set[str] = set()
    for company in subject.instance.odoo.warehouse_companies:
        domain = [["company_id", "=", company]]
        try:
            rows = subject.odoo.rpc.search_read("stock.warehouse", domain, ["code"], in_companies=[company])
        except (Forbidden, FixConfiguration, FixDocument):
            continue  # `warehouse_companies` reports it
        found |= {str(row["code"]) for row in rows}
    return found


def warehouse_companies(subject: Subject) -> Outcome:
    """Check that the transfers of companies that ship for this one can be read, and the purchase orders that link them to its orders."""
    client, companies = subject.odoo, subject.instance.odoo.warehouse_companies
    outcome = Outcome(
        f"companies {some(map(str, companies))} ship for this one" if companies else "this company ships alone"
    )
    for company in companies:
        try:
            client.rpc.call(
                "stock.picking", "search", domain=[["company_id", "=", company]], limit=1, in_companies=[company]
            )
        except (Forbidden, FixConfiguration, FixDocument) as problem:
            outcome.refuse(
                f"the transfers of company {company} cannot be read: {problem}",
                "add the company to the companies of the API key's user, or take it out of `odoo.warehouse_companies`",
            )
    if companies and not may_read_purchases(client.rpc):
        outcome.warn(
            "purchase orders cannot be read, so an order of another company is known as a mirror only by our order's name or number",
            "let the user read purchases, or put the name of our sales order into the mirror's Customer Reference",
        )
    return outcome


def backorders(subject: Subject) -> Outcome:
    """Check what happens to the rest of a partial delivery, by operation type: `never` cancels it while Magento still has it to ship."""
    if not subject.odoo.rpc.has_field("stock.picking.type", "create_backorder"):
        return Outcome("the rest of a partial delivery becomes a backorder")
    rpc = subject.odoo.rpc
    domain = [*rpc.company_domain("stock.picking.type"), ["code", "in", ["outgoing", "dropship"]]]
    rows = rpc.search_read("stock.picking.type", domain, ["display_name", "create_backorder"])
    outcome = Outcome(some(f"{row['display_name']} ({_BACKORDERS.get(row['create_backorder'], '?')})" for row in rows))
    never = [str(row["display_name"]) for row in rows if row["create_backorder"] == "never"]
    if never:
        outcome.warn(
            f"the rest of a partial delivery is cancelled by {some(never)}",
            "set *Create Backorder* of the operation type to Ask or Always; until then partial deliveries from there are not written,"
            " and what the warehouse sends in parts stays open in Magento alone",
        )
    return outcome


def automatic_invoicing(subject: Subject) -> Outcome:
    """Check for invoices that Odoo makes after an online payment and for its reminders, which would duplicate those of the pipeline."""
    outcome = Outcome("no automatic invoice, no follow-ups")
    reminders = sorted(subject.odoo.installation.modules().intersection(FOLLOW_UPS))
    if reminders:
        outcome.warn(f"follow-ups are installed: {some(reminders)}", "exclude the shop's customers from reminders")
    try:
        invoices = _makes_invoices(subject)
    except (Forbidden, FixConfiguration, FixDocument):
        outcome.found = f"{outcome.found} that this user may see; Settings, Sales, Automatic Invoice must be off"
        return outcome
    if invoices:
        outcome.complain(
            "Odoo makes invoices by itself after an online payment",
            "switch it off: Settings, Sales, Automatic Invoice",
            stops=subject.needs(Need.SOLE_INVOICING),
        )
    return outcome


def _makes_invoices(subject: Subject) -> bool:
    """Return whether Odoo makes invoices after an online payment: a parameter up to 19, a field of the company since (docs/facts/odoo-20.md#4)."""
    rpc = subject.odoo.rpc
    if rpc.has_field("res.company", "sale_automatic_invoice"):
        (company,) = rpc.listed("res.company", ["sale_automatic_invoice"], [["id", "=", rpc.company_id]])
        return bool(company["sale_automatic_invoice"])
    rows = rpc.search_read("ir.config_parameter", [["key", "=", "sale.automatic_invoice"]], ["value"])
    return any(str(row["value"]).lower() in ("true", "1") for row in rows)


def identity(subject: Subject) -> Outcome:
    """Check that this is the database that was written to before: references name it, and a copy of it is another system."""
    try:
        outcome = Outcome(f"database {subject.odoo.installation.database_uuid()}, {subject.odoo.company.row()['name']}")
        now = systems.odoo_now(subject.odoo)
    except MagodooError as problem:
        outcome = Outcome()
        outcome.refuse(str(problem), "let the user read companies, currencies and languages")
        return outcome
    return systems.judge(subject, now, outcome)


def _steps(name: str) -> str:
    words = {"ship_only": "one step", "pick_ship": "two steps", "pick_pack_ship": "three steps"}
    return words.get(name, name)


_BACKORDERS = {
    "ask": "people are asked, a delivery of ours makes a backorder",
    "always": "always a backorder",
    "never": "never a backorder",
}

CHECKS: tuple[tuple[str, Check], ...] = (
    ("Odoo: connection and rights", connection),
    ("Odoo: rights beyond need", spare_rights),
    ("Odoo: version", version),
    ("Odoo: database", identity),
    ("Odoo: hosting", hosting),
    ("Odoo: clock", server_clock),
    ("Odoo: modules", modules),
    ("Odoo: other connectors", connectors),
    ("Odoo: delivery key", key_field),
    ("Odoo: warehouses", warehouses),
    ("Odoo: warehouses of other companies", warehouse_companies),
    ("Odoo: backorders", backorders),
    ("Odoo: automatic invoicing", automatic_invoicing),
)
