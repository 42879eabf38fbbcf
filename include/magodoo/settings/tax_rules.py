"""The settings of tax rules: what a line, its order and its destination must be for an Odoo tax."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, PrivateAttr, StringConstraints, Tag, field_validator, model_validator

from magodoo.settings.strict import Strict

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Value = Annotated[Decimal, Field(ge=0, le=10**9)]


ANY: Final = "any"
Rate = Annotated[  # distinguished first, so that a mistake in a number is one problem, not two
    Annotated[Decimal, Tag("number")] | Annotated[Literal["any"], Tag("any")],
    Discriminator(lambda value: "any" if value == ANY else "number"),
]


class TaxRule(Strict):
    """The first rule whose conditions all fit a line gives the Odoo tax (by exact name)."""

    rate: Rate
    """Percent, as on the order item; `any` with `amount: as charged`: any taxed line."""
    odoo_tax: str
    """Exact name of the Odoo sales tax; its own rate must be the same (`as charged`: any above 0)."""
    amount: Literal["as charged"] | None = None
    """`as charged`: the tax is the amount that Magento charged, under one Odoo tax per region, whatever the rate of this tax; for sales
    taxes of many rates, with `rate: any`, `country` and `region` (of a marketplace's tax without them, too)."""
    country: str | None = None
    """ISO code of the destination; without it: any country."""
    region: str | None = None
    """Code or name of the destination's region as Magento has it, such as TX; needs `country`."""
    postcodes: tuple[str, ...] = ()
    """Postcodes of the destination with * and ?, such as BT* (Northern Ireland) or 35* and 38* (Canary Islands); needs `country`."""
    from_country: Country | None = None
    """ISO code of the country shipped from, by `source_countries`; without it: any."""
    from_source: str | None = None
    """Magento code of the source shipped from (`odoo.warehouses` maps Odoo's warehouses to them); without it: any."""
    kind: Literal["goods", "service", "shipping"] | None = None
    """What the line sells; without it: any."""
    has_vat: bool | None = None
    """Whether the order carries a VAT number; without it: either."""
    vat_checked: bool | None = None
    """Whether Magento found the order's VAT number valid and recorded the day of the check; without it: either."""
    customer_group: int | None = None
    """Magento customer group id; without it: any."""
    payment_method: str | None = None
    """Magento payment method code of the order, such as the one that orders of a marketplace come with; without it: any."""
    store: int | None = None
    """Magento store id of the order; without it: any."""
    consignment_above: Value | None = None
    """The order's goods, after discount, without tax and shipping, are worth more than this, in Magento's base currency."""
    consignment_up_to: Value | None = None
    """They are worth this or less."""
    valid_from: date | None = None
    """First day of orders that it is for, by the day on which the order was placed."""
    tax_collected_by: Literal["shop", "marketplace"] = "shop"
    """`marketplace`: a marketplace facilitator collects and pays the tax. It goes to an Odoo tax with an account of its own, never to the
    company's liability; name the marketplace's orders by `payment_method`, `store` or `customer_group`."""
    fiscal_position: str | None = None
    """Exact name of the fiscal position that is set explicitly."""

    _line: int | None = PrivateAttr(default=None)

    @field_validator("postcodes", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _can_fit(self) -> TaxRule:
        """Refuse conditions that exclude each other, and a place without its country."""
        if (self.rate == ANY) is not (self.amount is not None):
            raise ValueError("`rate: any` and `amount: as charged` belong together: write both, or a rate")
        if self.is_of_marketplace:
            if (self.payment_method, self.store, self.customer_group) == (None, None, None):
                raise ValueError(
                    "`tax_collected_by: marketplace` is of a marketplace's orders: add `payment_method`, `store` or `customer_group`"
                )
        elif self.rate == ANY and not (self.country and self.region):
            raise ValueError("`amount: as charged` is one liability per region: add `country` and `region`")
        if self.country is None and (self.region or self.postcodes):
            raise ValueError("`region` and `postcodes` are of a country: add `country`")
        if any(not plain_postcode(each) for each in self.postcodes):
            raise ValueError("`postcodes`: an empty one fits nothing; leave the key out for any postcode")
        if self.has_vat is False and self.vat_checked:
            raise ValueError("`vat_checked: true` with `has_vat: false` fits nothing: take one away")
        above, up_to = self.consignment_above, self.consignment_up_to
        if above is not None and up_to is not None and above >= up_to:
            raise ValueError(
                f"no value is above {above} and up to {up_to}: correct `consignment_above` or `consignment_up_to`"
            )
        return self

    @property
    def line(self) -> int | None:
        """Return the line of the settings file where it begins; None for a rule that was not read from a file."""
        return self._line

    def at_line(self, line: int | None) -> None:
        """Remember the line of the settings file where it begins."""
        self._line = line

    @property
    def outcome(self) -> tuple[str, str | None]:
        """Return what a line that it fits gets: Odoo tax and fiscal position."""
        return self.odoo_tax, self.fiscal_position

    @property
    def is_of_marketplace(self) -> bool:
        """Return whether a marketplace collects the tax and pays it."""
        return self.tax_collected_by == "marketplace"

    @property
    def in_words(self) -> str:
        """Return its conditions as the settings file has them: `country: US, rate: 8.25`."""
        written = self.model_dump(mode="json", exclude_unset=True, exclude={"odoo_tax", "fiscal_position"})
        listed = (", ".join(value) if isinstance(value, list) else value for value in written.values())
        return ", ".join(f"{name}: {value}" for name, value in zip(written, listed, strict=True))

    @property
    def names_only_its_rate(self) -> bool:
        """Return whether it has no condition beside rate and day."""
        others = (self.country, self.from_country, self.from_source, self.kind, self.has_vat, self.vat_checked)
        values = (
            *(self.customer_group, self.payment_method, self.store),
            *(self.consignment_above, self.consignment_up_to),
        )
        return all(each is None for each in (*others, *values))

    @property
    def as_charged(self) -> bool:
        """Return whether the tax is what Magento charged, whatever the rate."""
        return self.rate == ANY

    def fits_rate(self, rate: Decimal, *, taxed: bool) -> bool:
        """Return whether a line of this rate is one that it is for; without tax, one of any rate is not."""
        return taxed if self.as_charged else self.rate == rate

    def fits_region(self, code: str, name: str) -> bool:
        """Return whether a region, by its code or name, is the one that it names, or it names none."""
        return self.region is None or self.region.casefold() in (code.casefold(), name.casefold())

    def fits_postcode(self, postcode: str) -> bool:
        """Return whether a postcode is one that it names, or it names none; case and spaces do not matter."""
        plain = plain_postcode(postcode)
        return not self.postcodes or any(fnmatchcase(plain, plain_postcode(each)) for each in self.postcodes)

    def _covers_postcode(self, pattern: str) -> bool:
        """Return whether every postcode of another rule's pattern is one that it names."""
        named = [each for each in self.postcodes if "*" not in pattern or "?" not in each or each == pattern]
        return any(fnmatchcase(plain_postcode(pattern), plain_postcode(each)) for each in named)

    def covers(self, other: TaxRule, source_countries: dict[str, str]) -> bool:
        """Return whether it fits every line that the other one fits."""
        equal = (
            *((self.country, other.country), (self.kind, other.kind), (self.customer_group, other.customer_group)),
            *((self.payment_method, other.payment_method), (self.store, other.store)),
        )
        shipped = other.from_country or source_countries.get(other.from_source or "")
        return (
            (self.rate == other.rate or (self.as_charged and other.rate != 0))
            and all(own in (None, its) for own, its in (*equal, (self.from_source, other.from_source)))
            and self.from_country in (None, shipped)
            and self.has_vat in (None, True if other.vat_checked else other.has_vat)
            and self.vat_checked in (None, False if other.has_vat is False else other.vat_checked)
            and (self.region is None or (other.region is not None and self.fits_region(other.region, "")))
            and (not self.postcodes or (bool(other.postcodes) and all(map(self._covers_postcode, other.postcodes))))
            and (self.valid_from is None or (other.valid_from is not None and self.valid_from <= other.valid_from))
            and _least(self) <= _least(other)
            and _most(self) >= _most(other)
        )

    def overlaps(self, other: TaxRule, source_countries: dict[str, str]) -> bool:
        """Return whether some line can fit both. Regions that are named once by code and once by name count as two."""
        shipped = [rule.from_country or source_countries.get(rule.from_source or "") for rule in (self, other)]
        equal = (
            (self.country, other.country),
            (self.kind, other.kind),
            (self.customer_group, other.customer_group),
            (self.payment_method, other.payment_method),
            (self.store, other.store),
            (self.from_source, other.from_source),
            (shipped[0], shipped[1]),
            (True if self.vat_checked else self.has_vat, True if other.vat_checked else other.has_vat),
            (self.vat_checked, other.vat_checked),
            (self.region and self.region.casefold(), other.region and other.region.casefold()),
        )
        codes = [
            fnmatchcase(plain_postcode(one), plain_postcode(two))
            or fnmatchcase(plain_postcode(two), plain_postcode(one))
            for one in self.postcodes
            for two in other.postcodes
        ]
        return (
            (self.rate == other.rate or (ANY in (self.rate, other.rate) and 0 not in (self.rate, other.rate)))
            and all(None in pair or pair[0] == pair[1] for pair in equal)
            and (not codes or any(codes))
            and max(_least(self), _least(other)) < min(_most(self), _most(other))
        )


def plain_postcode(postcode: str) -> str:
    """Return a postcode without spaces and in capitals."""
    return re.sub(r"\s", "", postcode).upper()


def _least(rule: TaxRule) -> Decimal:
    return Decimal(-1) if rule.consignment_above is None else rule.consignment_above


def _most(rule: TaxRule) -> Decimal:
    return Decimal("Infinity") if rule.consignment_up_to is None else rule.consignment_up_to
