"""What the settings file may say. The defaults are the safe ones (DESIGN, *Policies*).

One YAML file: `instances:` maps a permanent id to an Instance. Amounts are decimal strings or numbers in company currency.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from magodoo.vocabulary import ChangeKind, Side


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_enum_values=False)


class Mode(StrEnum):
    OBSERVE = "observe"
    APPLY = "apply"


class Modes(Strict):
    """`observe` or `apply`, per direction and kind: `to_odoo: {invoice: apply}`. `default` fills what is not named."""

    default: Mode = Mode.OBSERVE
    kinds: dict[ChangeKind, Mode] = Field(default_factory=dict)

    def of(self, kind: ChangeKind) -> Mode:
        return self.kinds.get(kind, self.default)

    @property
    def any_apply(self) -> bool:
        return self.default is Mode.APPLY or Mode.APPLY in self.kinds.values()


class PaymentMethod(Strict):
    """What a Magento payment method means in the books (RULES, *Payments*)."""

    captured_by_provider: bool = False
    journal: str | None = None  # Odoo journal code; a payment is registered only when it and the evidence are there
    authorises: bool = False  # the method may authorise without capturing: `capture_needed` instead of an invoice
    import_states: tuple[str, ...] | None = None  # Magento order states; None: the instance's `orders.import_states`
    import_as: Literal["confirmed", "quotation"] = "confirmed"
    invoice_means_paid: bool = False
    payment_term: str | None = None


class TaxRule(Strict):
    """The first rule that fits a line's rate, country, kind, VAT number and customer group gives the Odoo tax (by exact name)."""

    rate: Decimal
    odoo_tax: str
    country: str | None = None
    kind: Literal["goods", "service", "shipping"] | None = None
    has_vat: bool | None = None
    customer_group: int | None = None
    fiscal_position: str | None = None


class Orders(Strict):
    import_states: tuple[str, ...] = ("processing", "complete", "closed")
    cancel: bool = True  # cancel in Odoo what Magento cancelled, if nothing is invoiced or done


class Invoices(Strict):
    to_odoo: Literal["post", "draft", "off"] = "post"
    to_magento: Literal["when_paid", "when_posted", "off"] = "when_paid"  # *Update Magento Status When Paid*
    in_payment_counts: bool = False


class Shipments(Strict):
    owner: Side = Side.ODOO
    to_odoo: bool = True  # shipments made in Magento become deliveries
    to_magento: bool = True  # deliveries done in Odoo become shipments
    tracking: Literal["both", "to_odoo", "to_magento", "off"] = "both"
    returns: Literal["shipped_items", "never"] = "never"


class CreditMemos(Strict):
    to_odoo: Literal["post", "draft", "off"] = "post"
    to_magento: Literal["when_paid", "off"] = "off"


class Limits(Strict):
    """Beyond them a change waits for a person. Amounts in company currency."""

    changes_per_run: int = 50
    changes_per_day: int = 500
    document_amount: Decimal = Decimal(5000)
    run_amount: Decimal = Decimal(25000)
    refund_amount: Decimal = Decimal(500)
    first_writes: int = 20  # the first writes of each kind need approval whatever the limits
    approval_expires_hours: int = 72


class Exclude(Strict):
    """Excluded documents are counted, never dropped."""

    stores: tuple[int, ...] = ()
    customer_groups: tuple[int, ...] = ()
    email_patterns: tuple[str, ...] = ()
    payment_methods: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()


class Recipients(Strict):
    accounting: tuple[str, ...] = ()
    warehouse: tuple[str, ...] = ()
    it: tuple[str, ...] = ()
    approver: tuple[str, ...] = ()


class Quality(Strict):
    max_extract_age_minutes: int = 120
    max_unmatched_share: Decimal = Decimal("0.20")
    volume_share: Decimal = Decimal("0.5")  # of the same weekday's usual number of orders: below it, a warning
    grace_minutes: int = 120
    summary_above: int = 50
    data_docs_days: int = 30


class OdooNames(Strict):
    """What things are called in this Odoo. Found and checked by preflight."""

    company_id: int = 1
    shipping_product: str = "SHIPPING"
    shipping_discount_product: str = "SHIPDISC"
    adjustment_plus_product: str = "ADJ-PLUS"
    adjustment_minus_product: str = "ADJ-MINUS"
    sales_journal: str | None = None  # journal code; None: the company's default
    sales_team_id: int | None = None
    pricelists: dict[str, str] = Field(default_factory=dict)  # currency -> pricelist name
    carriers: dict[str, str] = Field(default_factory=dict)  # Magento carrier_code -> delivery.carrier name
    warehouses: dict[str, str] = Field(default_factory=dict)  # Odoo warehouse code -> Magento source_code
    prefix: str = "magodoo"  # module part of every external id
    order_number_prefix: str = ""  # for overlapping increment ids of two instances in one company
    reference_fields: tuple[str, ...] = ("client_order_ref", "origin", "name", "ref", "invoice_origin", "payment_reference")
    delivery_key_field: str = "x_magento_key"


class Instance(Strict):
    """Magento stores with one Odoo company. Its id is permanent: it is part of every reference."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}$")] = ""
    title: str = ""
    magento_connection: str
    odoo_connection: str
    stores: tuple[int, ...] = ()  # Magento store ids; empty: all stores of this Magento
    time_zone: str = "UTC"
    books_from: datetime | None = None
    mode: Modes = Modes()
    schedule: str = "*/15 * * * *"
    orders: Orders = Orders()
    invoices: Invoices = Invoices()
    shipments: Shipments = Shipments()
    credit_memos: CreditMemos = CreditMemos()
    payment_methods: dict[str, PaymentMethod] = Field(default_factory=dict)
    taxes: tuple[TaxRule, ...] = ()
    closed_period: Literal["hold", "post_in_open_period"] = "hold"
    customers_missing: Literal["create", "finding"] = "create"
    products_missing: Literal["finding"] = "finding"
    notify_customers: bool = False
    tolerance: dict[str, Decimal] = Field(default_factory=lambda: {"default": Decimal("0.02")})
    limits: Limits = Limits()
    exclude: Exclude = Exclude()
    recipients: Recipients = Recipients()
    quality: Quality = Quality()
    odoo: OdooNames = OdooNames()
    magento_admin_url: str = ""
    odoo_url: str = ""
    magento_overlap_seconds: int = 60
    odoo_overlap_seconds: int = 600
    settle_seconds: int = 900  # longer than either server's request limit: only after it does "absent" count
    lease_seconds: int = 1200
    refund_return_days: int = 14
    refresh_days: int = 45

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"unknown time zone {value!r}: use an IANA name such as Europe/Berlin")
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def books_from_utc(self) -> datetime | None:
        """`books_from` as an aware UTC moment; written as local date-time of the instance."""
        if self.books_from is None:
            return None
        local = self.books_from if self.books_from.tzinfo else self.books_from.replace(tzinfo=self.zone)
        return local.astimezone(ZoneInfo("UTC"))

    def tolerance_units(self, currency: str) -> int:
        return int(self.tolerance.get(currency, self.tolerance.get("default", Decimal(0))) * 10_000)

    def external_id(self, kind: str, entity_id: object) -> str:
        """`<prefix>.<kind>_<instance>_<entity id>`: the reference that we give an Odoo record."""
        return f"{self.odoo.prefix}.{kind}_{self.id}_{entity_id}"


class Smtp(Strict):
    connection: str = "smtp_default"
    sender: str = "magodoo@example.com"


class Settings(Strict):
    instances: dict[str, Instance]
    staging_connection: str = "magodoo_staging"
    smtp: Smtp = Smtp()
    ui_url: str = "http://localhost:8080"
    payload_days: int = 400

    def instance(self, name: str) -> Instance:
        return self.instances[name]
