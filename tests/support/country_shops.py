"""Shops of several countries: what they sell, what Magento charges where, and the tax rules of each for its country's chart of accounts.

Names of taxes, fiscal positions and grids are those of Odoo's own charts. On the sandbox, which has no charts, `country_books` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from magodoo_sandbox.magento import Address

GOODS, REDUCED, SHIPPING = "goods", "reduced", "shipping"  # product tax classes of Magento
SCARF, BOOK, ENGRAVING = "SCARF", "COOKBOOK", "ENGRAVING"
HOME, BUSINESS, EXPORT, ABROAD, OTHER = "home", "business", "export", "abroad", "other"  # whom the stories sell to


class Rate(NamedTuple):
    """What Magento charges: percent of a country and a tax class, in one region or postcode if they are named."""

    country: str
    tax_class: str
    percent: str
    region: str = ""
    postcode: str = "*"


class ChartTax(NamedTuple):
    """A tax of the chart: percent, and the grids of its base and of its tax in the country's return.

    revenue, account: Codes of the accounts of its base and of its tax in the chart; the sandbox has one of each.
    own_account: A person made it beside the chart, with a liability account of its own.
    """

    name: str
    rate: str
    base: tuple[str, ...] = ()
    tax: tuple[str, ...] = ()
    revenue: tuple[str, ...] = ()
    account: str = ""
    own_account: bool = False


@dataclass(frozen=True)
class CountryShop:
    """A shop. `rules` are the settings' tax rules, `places` who buys, `prices` without or with tax as `gross` says.

    secured: The sales journal is secured by hash. income: Codes of accounts that a product has of its own, by SKU.
    """

    country: str
    title: str
    currency: str
    zone: str
    gross: bool
    prices: Mapping[str, tuple[str, str, str, str]]
    rates: tuple[Rate, ...]
    taxes: tuple[ChartTax, ...]
    rules: tuple[Mapping[str, Any], ...]
    places: Mapping[str, Address]
    shipping: str
    income: Mapping[str, str] = field(default_factory=dict)
    secured: bool = False

    @property
    def id(self) -> str:
        """Return the id of its instance."""
        return self.country.lower()

    def expected_tax(self, place: str, sku: str) -> str:
        """Return the name of the Odoo tax that a line of this product, or of SHIPPING, has when it goes to a place."""
        to, kind = self.places[place], {"SHIPPING": "shipping", ENGRAVING: "service"}.get(sku, "goods")
        percent = self.percent(place, SHIPPING if sku == "SHIPPING" else self.prices[sku][2])
        for rule in self.rules:
            of_place = rule.get("country") in (None, to.country) and rule.get("region") in (None, to.region_code)
            of_rate = bool(percent) if rule["rate"] == "any" else Decimal(rule["rate"]) == percent
            if (
                of_place
                and of_rate
                and rule.get("kind") in (None, kind)
                and rule.get("has_vat") in (None, bool(to.vat_id))
            ):
                return str(rule["odoo_tax"])
        raise KeyError(f"{self.country}: no rule for {sku} to {place}")

    def percent(self, place: str, tax_class: str) -> Decimal:
        """Return the percent that Magento charges on a class of goods there."""
        to = self.places[place]
        if to.vat_id and to.country != self.country:
            return Decimal(0)
        for rate in self.rates:
            code = rate.postcode.rstrip("*")
            of_place = rate.region in ("", to.region_code) and to.postcode.startswith(code)
            if of_place and (rate.country, rate.tax_class) == (to.country, tax_class):
                return Decimal(rate.percent)
        return Decimal(0)


def _rates(country: str, goods: str, reduced: str, shipping: str) -> tuple[Rate, ...]:
    return Rate(country, GOODS, goods), Rate(country, REDUCED, reduced), Rate(country, SHIPPING, shipping)


def _state(region: str, percent: str, postcode: str = "*") -> tuple[Rate, ...]:
    return tuple(Rate("US", kind, percent, region, postcode) for kind in (GOODS, REDUCED, SHIPPING))


def _rule(rate: str, tax: str, position: str = "", **conditions: Any) -> Mapping[str, Any]:
    return {"rate": rate, "odoo_tax": tax, **({"fiscal_position": position} if position else {}), **conditions}


def _goods(scarf: str, book: str, engraving: str = "") -> dict[str, tuple[str, str, str, str]]:
    """Name, price, tax class and product type by SKU."""
    sold = {SCARF: ("Scarf", scarf, GOODS, "simple"), BOOK: ("Cookbook", book, REDUCED, "simple")}
    return sold | ({ENGRAVING: ("Engraving", engraving, GOODS, "virtual")} if engraving else {})


BERLIN = Address("Anna", "Beispiel", ("Hauptstraße 5",), "Berlin", "10115", "DE", "+4930123456", "anna@example.com")
PARIS = Address("Luc", "Exemple", ("3 rue de la Paix",), "Paris", "75002", "FR", "+33123456", "luc@example.com")
ZURICH = Address("Reto", "Muster", ("Bahnhofstrasse 1",), "Zürich", "8001", "CH", "+41441234567", "reto@example.com")
LONDON = Address("Jane", "Sample", ("1 High Street",), "London", "E1 6AN", "GB", "+442071234567", "jane@example.com")
MADRID = Address("Marta", "Ejemplo", ("Calle Mayor 1",), "Madrid", "28013", "ES", "+34911234567", "marta@example.com")
VIENNA_FIRM = Address(
    "Eva", "Huber", ("Ring 1",), "Wien", "1010", "AT", "+4315551234", "office@example.at", "Huber GmbH", "ATU12345675"
)
AUSTIN = Address(
    "Pat", "Miller", ("12 Congress Ave",), "Austin", "78701", "US", "5125550100", "pat@example.com",
    region="Texas", region_code="TX", region_id=57,
)  # fmt: skip
MARFA = Address(
    "Lee", "Ortiz", ("4 Highland Ave",), "Marfa", "79843", "US", "4325550100", "lee@example.com",
    region="Texas", region_code="TX", region_id=57,
)  # fmt: skip
LOS_ANGELES = Address(
    "Ray", "Kim", ("9 Sunset Blvd",), "Los Angeles", "90001", "US", "2135550100", "ray@example.com",
    region="California", region_code="CA", region_id=12,
)  # fmt: skip
NEW_YORK = Address(
    "Sue", "Cole", ("7 Broadway",), "New York", "10001", "US", "2125550100", "sue@example.com",
    region="New York", region_code="NY", region_id=43,
)  # fmt: skip

_EU, _DOMESTIC = "Business partner EU (with VAT ID)", "Domestic business partner"
GERMANY = CountryShop(
    "DE", "Wollladen Berlin", "EUR", "Europe/Berlin", gross=True, prices=_goods("39.90", "24.90", "12.00"), shipping="4.90",
    rates=(*_rates("DE", "19", "7", "19"), *_rates("FR", "20", "5.5", "20")),
    taxes=(
        ChartTax("19%", "19", ("81_BASE",), ("81_TAX",), ("8400",), "1776"),
        ChartTax("7%", "7", ("86_BASE",), ("86_TAX",), ("8300",), "1771"),
        ChartTax("0% EU D", "0", ("41",), (), ("8125",)),
        ChartTax("0% EX", "0", ("43",), (), ("8120",)),
        ChartTax("20.0% FR VAT", "20", (), (), ("8400",), "1767"),
        ChartTax("5.5% FR VAT", "5.5", (), (), ("8300",), "1767"),
    ),
    rules=(
        _rule("19", "19%", _DOMESTIC, country="DE"),
        _rule("7", "7%", _DOMESTIC, country="DE"),
        _rule("20", "20.0% FR VAT", "OSS B2C France", country="FR"),
        _rule("5.5", "5.5% FR VAT", "OSS B2C France", country="FR"),
        _rule("0", "0% EU D", _EU, country="AT", has_vat=True),
        _rule("0", "0% EX", "Business partner abroad (non-EU)", country="CH"),
    ),
    places={HOME: BERLIN, ABROAD: PARIS, BUSINESS: VIENNA_FIRM, EXPORT: ZURICH},
    income={BOOK: "8300"},
)  # fmt: skip
FRANCE = CountryShop(
    "FR", "Laine de Paris", "EUR", "Europe/Paris", gross=True, prices=_goods("42.00", "19.90", "12.00"), shipping="5.90",
    rates=_rates("FR", "20", "5.5", "20"),
    taxes=(
        ChartTax("20% G", "20", ("A1", "08_base"), ("08_taxe",), ("707000",), "445710"),
        ChartTax("5.5% G", "5.5", ("A1", "09_base"), ("09_taxe",), ("707000",), "445710"),
        ChartTax("20% S", "20", ("A1", "08_base"), ("08_taxe",), ("707000",), "445740"),
        ChartTax("0% EU G", "0", ("F2",), (), ("707000",)),
        ChartTax("0% EX G", "0", ("E1",), (), ("707000",)),
    ),
    rules=(
        _rule("20", "20% S", "Domestic - France", country="FR", kind="service"),
        _rule("20", "20% G", "Domestic - France", country="FR"),
        _rule("5.5", "5.5% G", "Domestic - France", country="FR"),
        _rule("0", "0% EU G", "Intra-EU B2B", country="AT", has_vat=True),
        _rule("0", "0% EX G", "Import/Export Outside Europe + DOM-TOM", country="CH"),
    ),
    places={HOME: PARIS, BUSINESS: VIENNA_FIRM, EXPORT: ZURICH},
    secured=True,
)  # fmt: skip
SPAIN = CountryShop(
    "ES", "Lanas de Madrid", "EUR", "Europe/Madrid", gross=True, prices=_goods("36.30", "20.80", "12.10"), shipping="4.95",
    rates=_rates("ES", "21", "4", "21"),
    taxes=(
        ChartTax("21% G", "21", revenue=("700000",), account="477000"),
        ChartTax("21% S", "21", revenue=("700000",), account="477000"),
        ChartTax("4% G", "4", revenue=("700000",), account="477000"),
        ChartTax("0% EU G", "0", revenue=("700100",)),
        ChartTax("0% EX G", "0", revenue=("700200",)),
    ),
    rules=(
        _rule("21", "21% S", "ES Domestic", country="ES", kind="service"),
        _rule("21", "21% G", "ES Domestic", country="ES"),
        _rule("4", "4% G", "ES Domestic", country="ES"),
        _rule("0", "0% EU G", "Intra-community", country="AT", has_vat=True),
        _rule("0", "0% EX G", "Extra-community", country="CH"),
    ),
    places={HOME: MADRID, BUSINESS: VIENNA_FIRM, EXPORT: ZURICH},
)  # fmt: skip
SWITZERLAND = CountryShop(
    "CH", "Wollstube Zürich", "CHF", "Europe/Zurich", gross=True, prices=_goods("49.00", "32.00", "15.00"), shipping="9.00",
    rates=_rates("CH", "8.1", "2.6", "8.1"),
    taxes=(
        ChartTax("8.1%", "8.1", ("303a",), ("303b",), ("3200",), "2200"),
        ChartTax("2.6%", "2.6", ("313a",), ("313b",), ("3200",), "2200"),
        ChartTax("0% EX", "0", ("220",), (), ("3200",)),
    ),
    rules=(
        _rule("8.1", "8.1%", "Suisse national (+Liechtenstein)", country="CH"),
        _rule("2.6", "2.6%", "Suisse national (+Liechtenstein)", country="CH"),
        _rule("0", "0% EX", "Import/Export", country="DE"),
    ),
    places={HOME: ZURICH, EXPORT: BERLIN},
)  # fmt: skip
BRITAIN = CountryShop(
    "GB", "Yarn & Pages London", "GBP", "Europe/London", gross=True, prices=_goods("34.80", "18.50", "9.60"), shipping="3.60",
    rates=_rates("GB", "20", "0", "20"),
    taxes=(
        ChartTax("20%", "20", ("6",), ("1",), ("400000",), "220000"),
        ChartTax("0%", "0", ("6",), (), ("400000",)),
        ChartTax("0% EX", "0", ("6",), (), ("400000",)),
    ),
    rules=(
        _rule("20", "20%", "United Kingdom", country="GB"),
        _rule("0", "0%", "United Kingdom", country="GB"),
        _rule("0", "0% EX", "Rest of the world", country="FR"),
    ),
    places={HOME: LONDON, EXPORT: PARIS},
)  # fmt: skip
TEXAS = CountryShop(
    "US", "Lone Star Wool, Austin", "USD", "America/Chicago", gross=False, prices=_goods("36.00", "21.50", "12.00"), shipping="6.00",
    rates=(*_state("TX", "8.25", "787*"), *_state("TX", "6.75"), *_state("CA", "9.5")),
    taxes=(
        ChartTax("Texas sales tax", "6.25", tax=("TX",), revenue=("400000",), account="252901", own_account=True),
        ChartTax("California sales tax", "7.25", tax=("CA",), revenue=("400000",), account="252902", own_account=True),
        ChartTax("0%", "0", revenue=("400000",)),
    ),
    rules=(
        _rule("any", "Texas sales tax", "Domestic", country="US", region="TX", amount="as charged"),
        _rule("any", "California sales tax", "Domestic", country="US", region="CA", amount="as charged"),
        _rule("0", "0%", "Domestic", country="US"),
        _rule("0", "0%", "Foreign Trade", country="CH"),
    ),
    places={HOME: AUSTIN, OTHER: MARFA, ABROAD: LOS_ANGELES, BUSINESS: NEW_YORK, EXPORT: ZURICH},
)  # fmt: skip
SHOPS = {shop.country: shop for shop in (GERMANY, FRANCE, SPAIN, SWITZERLAND, BRITAIN, TEXAS)}
SAMPLES = ("DE", "CH", "GB", "US")
"""Those that docs/samples shows."""
