"""The model of the settings file. The defaults are the safe ones (docs/reference/settings.md).

One YAML file: `instances:` maps a permanent id to an Instance. Amounts are decimal strings or numbers in company currency. The texts
below the fields are copied into the JSON schema (`settings/schema.py`), so that editors show them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, StringConstraints, field_validator, model_validator

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import UNDER_WAY
from magodoo.domain.vocabulary import Side
from magodoo.settings import extra_totals, other_values
from magodoo.settings.extra_totals import ExtraTotal, GiftCardsSold
from magodoo.settings.strict import Strict
from magodoo.settings.tax_rules import Country, TaxRule

# Times and counts that no setup needs are slips: a minus, or a unit that was mistaken.
INSTANCE_ID = r"^[a-z][a-z0-9]{0,15}$"
Count = Annotated[int, Field(ge=0, le=10**9)]
Lot = Annotated[int, Field(ge=1, le=10**6)]
Positive = Annotated[Decimal, Field(ge=0, le=10**12)]
Share = Annotated[Decimal, Field(ge=0, le=1)]
Wait = Annotated[int, Field(ge=0, le=86_400)]  # seconds, up to a day
Lease = Annotated[int, Field(ge=1, le=86_400)]
Overlap = Annotated[int, Field(ge=0, le=10 * 366 * 86_400)]  # a first day reads years again
Minutes = Annotated[int, Field(ge=1, le=366 * 1440)]
Grace = Annotated[int, Field(ge=0, le=366 * 1440)]
Hours = Annotated[int, Field(ge=1, le=366 * 24)]
Days = Annotated[int, Field(ge=0, le=36_500)]


class Mode(StrEnum):
    """Whether a kind of change is only reported and planned (`observe`), or written (`apply`)."""

    OBSERVE = "observe"
    APPLY = "apply"


class Modes(Strict):
    """`observe` (report and plan, write nothing) or `apply`, per kind of change: `kinds: {odoo_invoice: apply}`."""

    default: Mode = Mode.OBSERVE
    """For every kind that `kinds` does not name."""
    kinds: dict[ChangeKind, Mode] = Field(default_factory=dict)
    """By kind of change (page *Changes* of the reference)."""

    def of(self, kind: ChangeKind) -> Mode:
        """Return the mode of a kind of change."""
        return self.kinds.get(kind, self.default)

    @property
    def any_apply(self) -> bool:
        """Return whether any kind of change may be written."""
        return self.default is Mode.APPLY or Mode.APPLY in self.kinds.values()


class PaymentMethod(Strict):
    """How orders of a Magento payment method are treated in Odoo."""

    captured_by_provider: bool = False
    """The provider takes the money: a payment is registered in Odoo, with evidence."""
    journal: str | None = None
    """Odoo journal code; a payment is registered only when it and the evidence are there."""
    authorises: bool = False
    """Decides nothing any more, and may stay: an open authorisation is seen on the payment itself, whatever its method."""
    import_states: tuple[str, ...] | None = None
    """Magento order states; None: the instance's `orders.import_states`."""
    import_as: Literal["confirmed", "quotation"] = "confirmed"
    """What an order paid this way becomes in Odoo."""
    invoice_means_paid: bool = False
    """Magento invoices only after the money came, so that its invoice counts as evidence."""
    payment_term: str | None = None
    """Exact name of the Odoo payment term."""
    charged_in: Literal["order", "base"] = "order"
    """Where the two differ: the provider charges in the order's currency, or in Magento's base currency."""


class Orders(Strict):
    """Which Magento orders become sale orders in Odoo."""

    import_states: tuple[str, ...] = UNDER_WAY
    """Magento order states that are imported; a payment method may override them."""
    cancel: bool = True
    """Cancel in Odoo what Magento cancelled, if nothing is invoiced or done."""


class Invoices(Strict):
    """How invoices are transferred, in each direction."""

    to_odoo: Literal["post", "draft", "off"] = "post"
    """A Magento invoice becomes a posted invoice, a draft that a person posts, or nothing. Unwritten: a draft where Odoo's e-invoicing is active."""
    to_magento: Literal["when_paid", "when_posted", "off"] = "when_paid"
    """*Update Magento Status When Paid*: an Odoo invoice becomes one in Magento when it is paid, as soon as it is posted, or never."""
    issue_within_days: Days | None = None
    """Days after the sale within which a draft must be issued; unwritten: as the company's country asks (IT 12, TR 7 ...)."""
    in_payment_counts: bool = False
    """Odoo's *In Payment* counts as paid: the Accounting app's state, and payments whose method has no outstanding account."""
    bank_charges_percent: Decimal = Field(default=Decimal(3), ge=0, lt=100)
    """What a bank or provider may keep of a statement line, booked on expense accounts, in percent of the invoices that it pays: more is written off."""


class Shipments(Strict):
    """How shipments and tracking numbers are transferred."""

    owner: Side = Side.ODOO
    """Which side keeps the warehouse."""
    to_odoo: bool = True
    """Shipments made in Magento become deliveries."""
    to_magento: bool = True
    """Deliveries done in Odoo become shipments."""
    tracking: Literal["both", "to_odoo", "to_magento", "off"] = "both"
    """In which directions tracking numbers are carried over."""
    returns: Literal["shipped_items", "never"] = "never"
    """`shipped_items`: a refund brings shipped goods back to stock in Odoo. Magento never reports whether they came back."""


class CreditMemos(Strict):
    """How credit memos are transferred, in each direction."""

    to_odoo: Literal["post", "draft", "off"] = "post"
    """A Magento credit memo becomes a posted credit note, a draft that a person posts, or nothing. Unwritten: as for invoices."""
    to_magento: Literal["when_paid", "off"] = "off"
    """`when_paid`: a paid Odoo credit note becomes an offline refund in Magento."""


class Limits(Strict):
    """Beyond them a change waits for a person. Amounts in company currency."""

    changes_per_run: Count = 50
    """Changes of a kind in one run that need no approval."""
    changes_per_day: Count = 500
    """Changes of a kind in the last 24 hours that need no approval."""
    document_amount: Positive = Decimal(5000)
    """Largest document that needs no approval."""
    run_amount: Positive = Decimal(25000)
    """Largest sum of one run that needs no approval."""
    refund_amount: Positive = Decimal(500)
    """Largest refund that needs no approval."""
    first_writes: Count = 20
    """The first writes of each kind need approval whatever the limits."""
    approval_expires_hours: Hours = 72
    """An approval that was not used for so long is asked for again."""


class Exclude(Strict):
    """Excluded documents are counted, never dropped."""

    stores: tuple[int, ...] = ()
    """Magento store ids."""
    customer_groups: tuple[int, ...] = ()
    """Magento customer group ids."""
    email_patterns: tuple[str, ...] = ()
    """Addresses with * and ?, such as *@example.com."""
    payment_methods: tuple[str, ...] = ()
    """Magento payment method codes."""
    skus: tuple[str, ...] = ()
    """An order with one of these SKUs is excluded."""


class Recipients(Strict):
    """E-mail addresses by the subject of the messages."""

    accounting: tuple[str, ...] = ()
    """Findings about money, the digest and the monthly statement."""
    warehouse: tuple[str, ...] = ()
    """Findings about goods."""
    it: tuple[str, ...] = ()
    """Failed runs, missing mappings, what could not be read."""
    approver: tuple[str, ...] = ()
    """Changes that wait for a person."""


class Quality(Strict):
    """What the gate and the mails go by."""

    max_extract_age_minutes: Minutes = 120
    """A side whose last complete extract is older holds the changes that depend on it."""
    max_unmatched_share: Share = Decimal("0.20")
    """Of the last 30 days' documents of a kind: above it, a warning."""
    volume_share: Share = Decimal("0.5")
    """Of the same weekday's usual number of orders: below it, a warning."""
    late_minutes: Minutes = 90
    """A run of the chain that has not ended so long after it was queued is reported to IT by e-mail."""
    grace_minutes: Grace = 120
    """A finding that a planned change will resolve is mailed only when it is older than this."""
    summary_above: Count = 50
    """A mail about more findings shows the first 20 and their sums; the CSV has all."""
    data_docs_days: Days = 30
    """Data Docs are removed after so many days."""


class OdooNames(Strict):
    """What things are called in this Odoo. Found and checked by preflight."""

    company_id: int = 1
    """Database id of the company; every call names it."""
    shipping_product: str = "SHIPPING"
    """Internal reference (SKU) of the service product for shipping."""
    shipping_discount_product: str = "SHIPDISC"
    """The same for a discount on shipping."""
    adjustment_plus_product: str = "ADJ-PLUS"
    """The same for a credit memo's adjustment refund."""
    adjustment_minus_product: str = "ADJ-MINUS"
    """The same for a credit memo's adjustment fee."""
    sales_journal: str | None = None
    """Journal code; None: the company's default."""
    sales_team_id: int | None = None
    """Database id of the sales team of imported orders."""
    pricelists: dict[str, str] = Field(default_factory=dict)
    """Currency -> pricelist name."""
    carriers: dict[str, str] = Field(default_factory=dict)
    """Magento carrier_code -> delivery.carrier name."""
    warehouses: dict[str, str] = Field(default_factory=dict)
    """Odoo warehouse code -> Magento source_code."""
    warehouse_companies: tuple[int, ...] = ()
    """Database ids of other companies of this Odoo whose warehouses send this company's orders to its customers: what they deliver for a
    mirrored order is that order's shipment. The user of the API key has to belong to them; nothing is written there."""
    prefix: str = "magodoo"
    """Module part of every external id."""
    order_number_prefix: str = ""
    """For overlapping increment ids of two instances in one company."""
    reference_fields: tuple[str, ...] = (
        "client_order_ref",
        "origin",
        "name",
        "ref",
        "invoice_origin",
        "payment_reference",
    )
    """Odoo fields that may contain a Magento number, searched before anything is created."""
    reference_prefixes: tuple[str, ...] = ()
    """What people or another connector wrote before Magento's numbers in these fields: `M2-` for M2-000000012."""
    delivery_key_field: str = "x_magento_key"
    """Field of `stock.picking` that carries the key of the Magento shipment; one that nothing else uses."""
    order_values: dict[str, str] = Field(default_factory=dict)
    """Other fields of imported orders that the company demands of people, with their values as an import of Odoo takes them: campaign_id,
    medium_id, source_id, tag_ids, incoterm, incoterm_location, and fields of your own (x_...)."""
    invoice_values: dict[str, str] = Field(default_factory=dict)
    """The same of invoices and credit notes: campaign_id, medium_id, source_id, invoice_incoterm_id, incoterm_location, and x_... fields."""

    @field_validator("delivery_key_field")
    @classmethod
    def _is_free(cls, value: str) -> str:
        return other_values.free(value)

    @model_validator(mode="after")
    def _other_values(self) -> OdooNames:
        if self.company_id in self.warehouse_companies:
            raise ValueError(
                "odoo.warehouse_companies: the instance's own company ships anyway; name other companies only"
            )
        other_values.checked(self.order_values, other_values.ON_ORDERS, self.delivery_key_field)
        other_values.checked(self.invoice_values, other_values.ON_INVOICES, self.delivery_key_field)
        return self


class Instance(Strict):
    """Magento stores with one Odoo company. Its id is permanent: it is part of every reference."""

    id: Annotated[str, StringConstraints(pattern=INSTANCE_ID)] = ""
    title: str = ""
    """What people read on pages and in mails."""
    magento_connection: str
    """Id of the Airflow connection of type Magento 2."""
    odoo_connection: str
    """Id of the Airflow connection of type Odoo."""
    stores: tuple[int, ...] = ()
    """Magento store ids; empty: all stores of this Magento."""
    deleted_stores: Literal["report", "ours", "ignore"] = "report"
    """Where `stores` is set: orders of store views that were deleted are reported, written as `ours`, or left to another instance (`ignore`)."""
    time_zone: str = "UTC"
    """IANA name; accounting dates are local dates of this zone."""
    books_from: datetime | None = None
    """Cut-over, local date-time: orders placed before are matched and reported, never written."""
    mode: Modes = Modes()
    """What is only reported (observe) and what is written (apply)."""
    schedule: str = "*/15 * * * *"
    """Cron expression (UTC) of the extracts; everything else follows them."""
    orders: Orders = Orders()
    invoices: Invoices = Invoices()
    shipments: Shipments = Shipments()
    credit_memos: CreditMemos = CreditMemos()
    payment_methods: dict[str, PaymentMethod] = Field(default_factory=dict)
    """By Magento payment method code. A method that is not listed is reported, never guessed."""
    taxes: tuple[TaxRule, ...] = ()
    """The first rule that fits a line decides."""
    source_countries: dict[str, Country] = Field(default_factory=dict)
    """Magento source code -> ISO code of the country that it ships from, for tax rules with `from_country`."""
    extra_totals: dict[str, ExtraTotal] = Field(default_factory=dict)
    """Amounts that a total holds beside its parts, by a name of yours, or one that is known by itself: `fixed_product_tax`,
    `gift_wrapping`, `gift_card`, `store_credit`, `reward_points`."""
    gift_cards_sold: GiftCardsSold | None = None
    """What the sale of a gift card is."""
    zero_documents: Literal["post", "information"] = "post"
    """What an invoice or credit memo of exactly 0.00 becomes: written as any other (a memo where its invoice is), or only reported, so
    that it takes no number; goods that a memo takes back return all the same. What was paid by gift card or credit is not of 0.00."""
    closed_period: Literal["hold", "post_in_open_period"] = "hold"
    """What happens to a document dated inside a lock date."""
    chronological_series: Literal["by_country", "off", "hold", "date_today"] = "by_country"
    """A document dated before the last posted one of its journal is held, or dated today. Unwritten: held where the company's country asks."""
    company_rate: Literal["magento", "odoo"] | None = None
    """Whose rate gives the amounts in company currency of invoices and credit notes in another currency: `magento`, equal to its base
    amounts to the cent, or `odoo`, which keeps the rates of the company. Which one the law asks for is a person's choice, so there is no
    default: such documents are not written before it is made."""
    adjustment_tax: Literal["none", "as the order's rates"] | None = None
    """Whether an adjustment on a credit memo, which carries no tax in Magento, lowers the tax of a taxed order: `none`, the tax stays; or
    `as the order's rates`, the tax in it is taken back, in proportion to its goods at each rate. What the law asks for is a person's
    choice, so there is no default: such credit memos are not written before it is made."""
    customers_missing: Literal["create", "finding"] = "create"
    """What happens when the customer of an order is not in Odoo."""
    products_missing: Literal["finding"] = "finding"
    """A SKU that Odoo does not have is a finding; products are never created."""
    notify_customers: bool = False
    """Mails of Magento and Odoo to the customer on each write."""
    tolerance: dict[str, Decimal] = Field(default_factory=lambda: {"default": Decimal("0.02")})
    """By currency, and `default`: differences up to it are reported as rounding. For reporting only, never for posting."""
    limits: Limits = Limits()
    separate_duties: bool = True
    """A statement is prepared by one person and approved by another, who released or muted nothing large of the month; who changed limits,
    taxes, accounts or mode last approves and releases nothing planned since. `false`: one person does it all, and the statement says so."""
    fiscal_years_in_weeks: tuple[date, ...] = ()
    """First days of fiscal years of 52 or 53 weeks: the statement then has its tax tables by 4-4-5 period, too. A year that is not listed
    follows the one before after 52 weeks."""
    exclude: Exclude = Exclude()
    recipients: Recipients = Recipients()
    quality: Quality = Quality()
    odoo: OdooNames = OdooNames()
    magento_admin_url: str = ""
    """Address of Magento's admin, for links."""
    odoo_url: str = ""
    """Address of Odoo's web client, for links."""
    confirmed_systems: tuple[str, ...] = ()
    """Names that preflight gives to a Magento or an Odoo which is another one than this instance last wrote to: a person confirms them here."""
    magento_overlap_seconds: Overlap = 60
    """A scheduled extract reads again what changed so long before the watermark: rows become visible after their stamp."""
    odoo_overlap_seconds: Overlap = 600
    """The same for Odoo."""
    settle_seconds: Wait = 900
    """Longer than either server's request limit: only after it does "absent" count."""
    lease_seconds: Lease = 1200
    """For how long one worker has an order to itself; longer than a request and the settle time together."""
    refund_return_days: Days = 14
    """After so many days a refund without return, or a return without refund, is a finding."""
    refresh_days: Days = 45
    """The nightly refresh re-reads orders closed within so many days."""

    @field_validator("extra_totals")
    @classmethod
    def _natures_fit(cls, value: dict[str, ExtraTotal]) -> dict[str, ExtraTotal]:
        extra_totals.complain(value)
        return value

    @field_validator("schedule")
    @classmethod
    def _readable_schedule(cls, value: str) -> str:
        """Refuse a schedule that Airflow cannot parse: it would break the DAG file of every instance."""
        from croniter import croniter  # the parser that Airflow uses

        if len(value.split()) not in (1, 5) or not croniter.is_valid(value):
            raise ValueError(f"{value!r} is no cron expression: write five fields such as '*/15 * * * *', or @hourly")
        try:
            croniter(value).get_next()
        except ValueError:  # CroniterBadDateError: 30 February
            raise ValueError(f"{value!r} names a time that never comes") from None
        return value

    @field_validator("fiscal_years_in_weeks")
    @classmethod
    def _whole_weeks(cls, value: tuple[date, ...]) -> tuple[date, ...]:
        for before, after in pairwise(value):
            if (after - before).days not in (52 * 7, 53 * 7):
                raise ValueError(
                    f"{before} and {after} are not 52 or 53 weeks apart: list each year's first day, in order"
                )
        return value

    @field_validator("books_from")
    @classmethod
    def _day_of_a_shop(cls, value: datetime | None) -> datetime | None:
        """Refuse a cut-over outside of the years of a shop: a number is read as seconds since 1970."""
        if value is not None and not 2000 <= value.year < 2100:
            raise ValueError(f"{value:%Y-%m-%d} is no day of a shop: write a date such as 2026-01-01 00:00:00")
        return value

    @field_validator("tolerance")
    @classmethod
    def _no_negative_tolerance(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for currency, amount in value.items():
            if not 0 <= amount <= 10**6:
                raise ValueError(f"{currency}: {amount} is no tolerance: write an amount such as 0.02")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"unknown time zone {value!r}: use an IANA name such as Europe/Berlin")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone of the instance."""
        return ZoneInfo(self.time_zone)

    @property
    def books_from_utc(self) -> datetime | None:
        """Return `books_from` as an aware UTC time, or None. Without an offset it is local time of the instance."""
        if self.books_from is None:
            return None
        local = self.books_from if self.books_from.tzinfo else self.books_from.replace(tzinfo=self.zone)
        return local.astimezone(ZoneInfo("UTC"))

    def tolerance_units(self, currency: str) -> int:
        """Return the rounding tolerance of a currency, in units (1/10000)."""
        return int(self.tolerance.get(currency, self.tolerance.get("default", Decimal(0))) * 10_000)

    @property
    def named_products(self) -> tuple[str, ...]:
        """Return the internal references of the Odoo products of extra totals and gift cards, each once."""
        named = [extra.product for extra in self.extra_totals.values()]
        named += [self.gift_cards_sold.product if self.gift_cards_sold else None]
        return tuple(dict.fromkeys(sku for sku in named if sku))

    def written_as(self, number: str) -> list[str]:
        """Return a Magento number in each form that a reference field may hold: plain, and with each of `odoo.reference_prefixes`."""
        return [number, *(f"{prefix}{number}" for prefix in self.odoo.reference_prefixes)]

    def external_id(self, kind: str, entity_id: object) -> str:
        """Return the external id of an Odoo record: `<prefix>.<kind>_<instance>_<entity id>`."""
        return f"{self.odoo.prefix}.{kind}_{self.id}_{entity_id}"


class Smtp(Strict):
    """How mails are sent."""

    connection: str = "smtp_default"
    """Id of the Airflow connection of type SMTP."""
    sender: str = "magodoo@example.com"
    """The From address of all mails."""


class Settings(Strict):
    """The whole settings file."""

    instances: dict[str, Instance]
    staging_connection: str = "magodoo_staging"
    """Id of the Airflow connection of the staging database (PostgreSQL)."""
    smtp: Smtp = Smtp()
    changed_by: str = ""
    """Airflow name of the person who changed this file last. They do not approve or release what follows from a change of limits, taxes,
    accounts or mode (`separate_duties`)."""
    ui_url: str = "http://localhost:8080"
    """Airflow's address, for the links in mails; without it the variable MAGODOO_UI_URL, which `make up` sets."""
    payload_days: Days = 400
    """Payloads, the requests of finished changes and sent mails are blanked or removed after so many days."""
    personal_days: Days = 1095
    """Names, addresses, e-mails and phones of orders that nothing happened to for so many days are blanked."""
    evidence_days: Days = 3650
    """What was written, by whose approval, on which transaction, under which tax rule and rate, is kept for so many days, without personal data."""
    orders_per_task: Lot = 5000
    """Orders that one mapped reconcile task processes; with several workers, smaller parts are spread over them."""

    def instance(self, name: str) -> Instance:
        """Return the instance with this id. Raises KeyError if there is none."""
        return self.instances[name]
