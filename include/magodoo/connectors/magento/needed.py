"""The fields of Magento's documents that are used, what for, and what happens to a document in which one is missing or invalid.

One table per kind of document. A field that is not listed is never read and may contain anything: an id of 0, null, a text of any
length. Code that reads a new field adds it here (tests/test_needed_fields.py finds one that does not). Fields named in the settings
(`extra_totals`) are read in addition.
"""

from __future__ import annotations

from collections.abc import Mapping

from magodoo.connectors.magento import schema
from magodoo.connectors.magento.items import complete_types
from magodoo.connectors.magento.schema import Check, Fate, Field, Shape
from magodoo.domain.vocabulary import Kind

FINE, NOTED, REFUSED = Fate.FINE, Fate.NOTED, Fate.REFUSED


def _required(use: str, check: Check, names: str) -> dict[str, Field]:
    """Return fields without which a document is refused."""
    return {name: Field(use, check, missing=REFUSED) for name in names.split()}


def _read(use: str, check: Check, names: str) -> dict[str, Field]:
    """Return fields that may be absent. An invalid value would be written wrongly, so it refuses the document."""
    return {name: Field(use, check) for name in names.split()}


def _spared(use: str, check: Check, names: str, missing: Fate = FINE) -> dict[str, Field]:
    """Return fields that a document can do without. An invalid value is dropped and noted."""
    return {name: Field(use, check, missing, NOTED) for name in names.split()}


def _amounts(use: str, names: str) -> dict[str, Field]:
    """Return amounts in order currency and, prefixed with `base_`, in base currency."""
    return _read(use, schema.amount, names) | _read(
        use, schema.amount, " ".join(f"base_{name}" for name in names.split())
    )


_WHICH = "tells which document it is"
_WHEN = "dates the document, and tells what changed since the last extract"
_SUMS = "is part of the total, which must add up"
_ID = _required(_WHICH, schema.entity_id, "entity_id")
_HEAD = (
    _ID
    | _required(_WHICH, schema.text, "increment_id")
    | _required(_WHEN, schema.moment, "created_at updated_at")
    | _read("tells whether a store of this instance made it", schema.store_id, "store_id")
)
_TOTALS = (
    _amounts(
        _SUMS,
        "grand_total subtotal shipping_amount shipping_tax_amount tax_amount discount_amount"
        " discount_tax_compensation_amount",
    )
    | _read(
        _SUMS,
        schema.amount,
        "shipping_discount_tax_compensation_amount base_shipping_discount_tax_compensation_amnt",
    )
    | _read("converts amounts of the base currency", schema.amount, "base_to_order_rate")
    | _read("tells the currency", schema.currency, "order_currency_code base_currency_code")
)
_ROW_AMOUNTS = _read("is the price of the row", schema.amount, "price") | _amounts(
    "is part of the row's amount", "row_total tax_amount discount_amount discount_tax_compensation_amount"
)
_FIXED_TAX = _read(
    "is a fixed product tax in the row",
    schema.amount,
    "weee_tax_applied_row_amount base_weee_tax_applied_row_amnt base_weee_tax_applied_amount",
) | _read("tells what of a fixed product tax is taxed itself", schema.as_sent, "weee_tax_applied")
_NAME = _spared("is the printed name of the row; the SKU identifies it", schema.words, "name")
_ADDRESS = Shape(
    _read(
        "is part of the customer's address",
        schema.words,
        "firstname lastname company city postcode telephone country_id",
    )
    | _read("is part of the customer's address", schema.street, "street")
    | _read("is the state of the customer's address", schema.as_sent, "region region_code")
    | _read("finds the customer", schema.words, "email")
    | _read("decides about the tax", schema.words, "vat_id")
    | _read("shows whether and when the VAT number was checked", schema.as_sent, "vat_is_valid vat_request_date")
)
_SHIPPING = Shape(
    {
        "address": Field("is where the goods go", inner=_ADDRESS),
        "method": Field("chooses the delivery method", schema.words, FINE, NOTED),
    }
)
_TAXES = Shape(_read("gives the rate of the tax on shipping", schema.amount, "percent"))
_APPLIED = Shape(
    _spared("tells what a tax lies on", schema.words, "type")
    | {"applied_taxes": Field("gives the rate of the tax on shipping", inner=_TAXES, is_list=True)}
)
_TO_CREDIT = _read(
    "was refunded to store credit", schema.amount, "customer_balance_total_refunded customer_bal_total_refunded"
)
_ORDER_EXTENSION = Shape(
    {
        "shipping_assignments": Field(
            "holds the address that the goods go to",
            inner=Shape({"shipping": Field("holds the address that the goods go to", inner=_SHIPPING)}),
            is_list=True,
        ),
        "item_applied_taxes": Field("gives the rate of the tax on shipping", inner=_APPLIED, is_list=True),
    }
    | _amounts("was paid by other means", "gift_cards_amount customer_balance_amount reward_currency_amount")
    | _TO_CREDIT
)
_PAYMENT = Shape(
    _spared("no payment is registered, and the settings of its method do not count", schema.words, "method", NOTED)
    | _spared("no transaction of a provider is named", schema.words, "last_trans_id")
    | _read(
        "tells what was authorised, paid and refunded",
        schema.amount,
        "amount_authorized amount_paid amount_refunded base_amount_paid base_amount_paid_online",
    )
)
_ORDER_ITEM = Shape(
    _required("tells which row it is", schema.entity_id, "item_id")
    | _required("tells how much was ordered", schema.quantity, "qty_ordered")
    | _required("finds the product", schema.text, "sku")
    | _read("tells what a row is part of", schema.id_if_any, "parent_item_id")
    | _read("tells what is still open", schema.quantity, "qty_invoiced qty_shipped qty_refunded qty_canceled")
    | _ROW_AMOUNTS
    | _amounts("is part of the row's amount", "row_total_incl_tax")
    | _FIXED_TAX
    | _read("is the price of the row", schema.amount, "base_price")
    | _read("tells whether a bundle's price is its parts'", schema.as_sent, "price_incl_tax base_price_incl_tax")
    | _read("tells whether a bundle's price is its parts'", schema.as_sent, "product_options")
    | _read(
        "predicts what Magento would make of it",
        schema.amount,
        "row_invoiced tax_invoiced tax_refunded discount_invoiced discount_refunded amount_refunded"
        " discount_tax_compensation_invoiced discount_tax_compensation_refunded",
    )
    | _read("is the rate of the tax", schema.amount, "tax_percent")
    | _read("is the rate of the discount", schema.amount, "discount_percent")
    | _spared("the type is taken from where else it is shown, or from the product", schema.words, "product_type")
    | _spared("whether it is shipped follows from its type", schema.flag, "is_virtual")
    | _spared("no fraction of a piece is written", schema.flag, "is_qty_decimal")
    | _NAME,
    key="item_id",
)
_ITEM = Shape(
    _required("tells which row of the order it is", schema.entity_id, "order_item_id")
    | _required("tells how much", schema.quantity, "qty")
    | _read("tells which row it is", schema.id_if_any, "entity_id")
    | _spared("the SKU is the order's", schema.words, "sku")
    | _ROW_AMOUNTS
    | _FIXED_TAX
    | _NAME,
    key="entity_id",
)
_COMMENTS = {
    "comments": Field("holds the mark by which our own documents are known", schema.listed),
}
_OF_AN_ORDER = _required("tells which order it is of", schema.entity_id, "order_id")
_ITEMS = {"items": Field("are its rows", inner=_ITEM, missing=REFUSED, is_list=True)}
_STATE = _read("tells whether it counts", schema.words, "state")
_TRACK = Shape(
    _spared("no tracking number is carried over", schema.short_words, "track_number", NOTED)
    | _spared("no carrier is named", schema.words, "title carrier_code")
)
_MONEY = (
    _HEAD
    | _OF_AN_ORDER
    | _TOTALS
    | _STATE
    | _COMMENTS
    | _ITEMS
    | {
        "extension_attributes": Field(
            "was paid by other means",
            inner=Shape(
                _amounts("was paid by other means", "gift_cards_amount customer_balance_amount reward_currency_amount")
                | _TO_CREDIT
            ),
        )
    }
    | _spared("the quantity is summed from its rows", schema.quantity, "total_qty")
    | _spared("no transaction of a provider is named: no payment is registered", schema.words, "transaction_id")
)

SHAPES: Mapping[Kind, Shape] = {
    Kind.ORDER: Shape(
        _HEAD
        | _TOTALS
        | _required("is what was sold", schema.amount, "grand_total base_grand_total")
        | _required("tells the currency", schema.currency, "order_currency_code base_currency_code")
        | {
            "items": Field("are its rows", inner=_ORDER_ITEM, missing=REFUSED, is_list=True),
            "payment": Field(
                "no payment is registered, and the settings of its method do not count",
                inner=_PAYMENT,
                missing=NOTED,
                unsound=REFUSED,
            ),
            "billing_address": Field("is the customer's address", inner=_ADDRESS),
            "extension_attributes": Field("holds addresses, taxes and payment parts", inner=_ORDER_EXTENSION),
        }
        | _read("tells how much is invoiced, paid, refunded", schema.amount, "total_invoiced total_paid total_refunded")
        | _read("tells how much is cancelled and due", schema.amount, "total_canceled total_due")
        | _read("predicts an invoice", schema.amount, "shipping_invoiced shipping_discount_amount")
        | _read("finds the customer", schema.id_if_any, "customer_id")
        | _read("chooses the tax", schema.store_id, "customer_group_id")
        | _read("decides about the tax", schema.words, "customer_taxvat")
        | _spared("the order counts as one without a state", schema.words, "state")
        | _spared("the status is not shown", schema.words, "status")
        | _spared("the e-mail is the billing address's", schema.words, "customer_email")
        | _spared("the name is the billing address's", schema.words, "customer_firstname customer_lastname")
        | _spared("the shipping has no name on paper", schema.words, "shipping_description")
        | _spared("the transfer in Odoo has no such note", schema.words, "customer_note")
        | _spared(
            "it counts as a registered customer's where there is an id", schema.flag, "customer_is_guest is_virtual"
        )
        | _read("tells which order it replaces", schema.id_if_any, "relation_parent_id relation_child_id")
        | _spared("the store view that was deleted is not named", schema.words, "store_name"),
        complete=complete_types,
    ),
    Kind.INVOICE: Shape(_MONEY),
    Kind.SHIPMENT: Shape(
        _HEAD
        | _OF_AN_ORDER
        | _COMMENTS
        | _ITEMS
        | _spared("the state of a shipment is not shown", schema.words, "state")
        | _spared("the quantity is summed from its rows", schema.quantity, "total_qty")
        | {
            "tracks": Field("no tracking number is carried over", inner=_TRACK, unsound=NOTED, is_list=True),
            "extension_attributes": Field(
                "no source is named",
                inner=Shape(_spared("no source is named", schema.words, "source_code")),
                unsound=NOTED,
            ),
        }
    ),
    Kind.CREDIT_MEMO: Shape(
        _MONEY
        | _amounts("is part of the refund", "adjustment_positive adjustment_negative")
        | _read("tells which invoice it refunds", schema.id_if_any, "invoice_id")
    ),
}
TRANSACTION = Shape(
    _required(_WHICH, schema.entity_id, "transaction_id order_id")
    | _required("tells what kind of transaction it is", schema.words, "txn_type")
    | _read("tells whose payment it is", schema.id_if_any, "payment_id")
    | _read("tells whether an authorisation is still open", schema.flag, "is_closed")
    | _read("dates it", schema.moment, "created_at")
)
ONLY_STORE = Shape(_ID | _read("tells whether a store of this instance made it", schema.store_id, "store_id"))
ONLY_ID = Shape(_ID)
ONLY_NUMBER = Shape(_ID | _spared("is named by its id alone", schema.words, "increment_id"))
