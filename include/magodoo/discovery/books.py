"""Read what a company of Odoo has that documents of a shop could refer to. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from magodoo.characters import visible
from magodoo.connectors.odoo.client import OdooClient
from magodoo.errors import FixConfiguration, FixDocument, Unreadable

MONEY_JOURNALS = ("bank", "cash", "credit")


@dataclass(frozen=True)
class Tax:
    """A sales tax that is a percentage beside the price: its exact name, rate, and the ISO code of its country ("" for any)."""

    name: str
    rate: Decimal
    country: str = ""


@dataclass(frozen=True)
class Journal:
    """A journal: its code, name and type, and whether payments of both directions wait on an account that is not the bank's own."""

    code: str
    name: str
    type: str
    clears: bool = False


@dataclass(frozen=True)
class Books:
    """What was read of one company; names are those of active records. `products` is the number of active products by SKU."""

    version: str
    company_id: int
    company: str
    country: str
    currency: str
    companies: dict[int, str] = field(default_factory=dict)
    taxes: tuple[Tax, ...] = ()
    positions: dict[str, str] = field(default_factory=dict)
    journals: tuple[Journal, ...] = ()
    pricelists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    carriers: tuple[str, ...] = ()
    warehouses: dict[str, str] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    price_digits: int | None = None
    quantity_step: Decimal | None = None
    notes: tuple[str, ...] = ()


def read_books(client: OdooClient, skus: Iterable[str]) -> Books:
    """Return what the company has. Raises what reading the company, taxes and journals raises; the rest is named in `notes`."""
    master, notes = client.master_data, list[str]()
    company = client.company.row()
    countries = {row["id"]: str(row["code"] or "") for row in master.countries()}
    active = [row for row in master.taxes() if row["active"]]
    return Books(
        version=str(client.rpc.version),
        company_id=client.rpc.company_id,
        company=visible(str(company["name"])),
        country=client.company.fiscal_country(),
        currency=client.company.currency(),
        companies=_companies(client),
        taxes=tuple(
            Tax(str(row["name"]), Decimal(str(row["amount"])).normalize(), _country(row.get("country_id"), countries))
            for row in active
            if row["amount_type"] == "percent" and not row["price_include"]
        ),
        positions=_positions(client, countries, notes),
        journals=tuple(_journal(row) for row in master.journals() if row["active"]),
        pricelists=_pricelists(master.pricelists()),
        carriers=_carriers(client, notes),
        warehouses={str(row["code"]): visible(str(row["name"])) for row in master.warehouses() if row["active"]},
        products=_products(client, list(skus)),
        price_digits=_digits(client),
        quantity_step=_step(client),
        notes=tuple(notes),
    )


def _companies(client: OdooClient) -> dict[int, str]:
    """Return the companies that the user of the key may work in, by id."""
    user = int(client.rpc.call("res.users", "context_get")["uid"])
    (row,) = client.rpc.read("res.users", [user], ["company_ids"])
    ids = [int(each) for each in row["company_ids"]]
    rows = client.rpc.read("res.company", ids, ["name"], in_companies=ids)
    return {int(each["id"]): visible(str(each["name"])) for each in rows}


def _country(value: Any, countries: dict[int, str]) -> str:
    return countries.get(value[0], "") if value else ""


def _positions(client: OdooClient, countries: dict[int, str], notes: list[str]) -> dict[str, str]:
    """Return the ISO code of its country ("" without one) by the name of each active fiscal position whose name is its own."""
    try:
        rows = client.rpc.listed("account.fiscal.position", ["name", "country_id", "active"])
    except (FixConfiguration, FixDocument, Unreadable) as problem:
        notes.append(f"fiscal positions cannot be read: {problem}")
        return {}
    known = [row for row in rows if row.get("active") is not False]
    times = Counter(row["name"] for row in known)
    return {str(row["name"]): _country(row["country_id"], countries) for row in known if times[row["name"]] == 1}


def _journal(row: dict[str, Any]) -> Journal:
    own = row["default_account_id"][0] if row["default_account_id"] else 0
    clears = row["type"] in MONEY_JOURNALS
    for direction in ("inbound", "outbound"):
        lines = [line for line in row["method_lines"] if line["payment_type"] == direction]
        first = next((line for line in lines if line["payment_account"]), None)
        clears = (
            clears
            and first is not None
            and first["payment_account_id"][0] != own
            and first["payment_account"]["account_type"] == "asset_current"
        )
    return Journal(str(row["code"]), visible(str(row["name"])), str(row["type"]), clears)


def _pricelists(rows: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["active"] and row["currency_id"]:
            found.setdefault(str(row["currency_id"][1]), []).append(str(row["name"]))
    return {currency: tuple(names) for currency, names in found.items()}


def _carriers(client: OdooClient, notes: list[str]) -> tuple[str, ...]:
    try:
        return tuple(str(row["name"]) for row in client.master_data.carriers() if row["active"])
    except (FixConfiguration, FixDocument, Unreadable) as problem:
        notes.append(f"delivery methods cannot be read, or Delivery is not installed: {problem}")
        return ()


def _products(client: OdooClient, skus: list[str]) -> dict[str, int]:
    found = dict.fromkeys(skus, 0)
    for row in client.master_data.products(skus) if skus else []:
        if row["active"] and row["default_code"] in found:
            found[str(row["default_code"])] += 1
    return found


def _digits(client: OdooClient) -> int | None:
    with suppress(FixConfiguration, FixDocument, Unreadable):
        return client.rounding.digits()
    return None


def _step(client: OdooClient) -> Decimal | None:
    with suppress(FixConfiguration, FixDocument, Unreadable):
        return client.units.accuracy()
    return None
