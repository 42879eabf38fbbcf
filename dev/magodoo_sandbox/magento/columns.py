"""Which columns each list can be filtered and sorted by: those of its own table, nothing joined (docs/facts/magento-2.4.7.md#3)."""

from __future__ import annotations

_BOTH = (
    "discount_amount",
    "discount_tax_compensation_amount",
    "grand_total",
    "shipping_amount",
    "shipping_incl_tax",
    "shipping_tax_amount",
    "subtotal",
    "subtotal_incl_tax",
    "tax_amount",
)
_CURRENCY = (
    "base_currency_code",
    "order_currency_code",
    "store_currency_code",
    "global_currency_code",
    "base_to_global_rate",
    "base_to_order_rate",
    "store_to_base_rate",
    "store_to_order_rate",
)
_DOCUMENT = ("entity_id", "increment_id", "store_id", "created_at", "updated_at", "billing_address_id", "email_sent")


def _with_base(*names: str) -> tuple[str, ...]:
    return names + tuple(f"base_{name}" for name in names)


ORDERS = frozenset(
    _DOCUMENT
    + _CURRENCY
    + _with_base(*_BOTH)
    + _with_base("total_paid", "total_due", "total_invoiced", "total_refunded", "total_canceled", "subtotal_invoiced")
    + _with_base("total_offline_refunded", "total_online_refunded", "adjustment_positive", "adjustment_negative")
    + _with_base("shipping_invoiced", "shipping_refunded", "tax_invoiced", "tax_refunded", "shipping_discount_amount")
    + (
        "applied_rule_ids",
        "coupon_code",
        "customer_email",
        "customer_firstname",
        "customer_group_id",
        "customer_id",
        "customer_is_guest",
        "customer_lastname",
        "discount_description",
        "edit_increment",
        "ext_customer_id",
        "ext_order_id",
        "hold_before_state",
        "hold_before_status",
        "is_virtual",
        "original_increment_id",
        "protect_code",
        "quote_id",
        "relation_child_id",
        "relation_parent_id",
        "relation_parent_real_id",
        "remote_ip",
        "shipping_description",
        "state",
        "status",
        "store_name",
        "total_item_count",
        "total_qty_ordered",
        "weight",
    )
)

INVOICES = frozenset(
    _DOCUMENT
    + _CURRENCY
    + _with_base(*_BOTH)
    + ("order_id", "state", "shipping_address_id", "transaction_id", "total_qty", "base_total_refunded")
    + ("can_void_flag", "is_used_for_refund", "discount_description")
)

CREDITMEMOS = frozenset(
    _DOCUMENT
    + _CURRENCY
    + _with_base(*_BOTH)
    + _with_base("adjustment", "adjustment_positive", "adjustment_negative")
    + ("order_id", "invoice_id", "state", "creditmemo_status", "shipping_address_id", "transaction_id")
    + ("discount_description",)
)

SHIPMENTS = frozenset(
    (*_DOCUMENT, "order_id", "customer_id", "shipping_address_id", "shipment_status", "total_qty", "total_weight")
)

ORDER_ITEMS = frozenset(
    (
        *_with_base("price", "row_total", "row_total_incl_tax", "tax_amount", "discount_amount", "row_invoiced"),
        *_with_base("price_incl_tax"),
        "item_id",
        "order_id",
        "parent_item_id",
        "quote_item_id",
        "store_id",
        "created_at",
        "updated_at",
        "product_id",
        "product_type",
        "sku",
        "name",
        "is_virtual",
        "qty_ordered",
        "qty_invoiced",
        "qty_shipped",
        "qty_refunded",
        "qty_canceled",
        "tax_percent",
        "weight",
    )
)

_CATALOG = ("entity_id", "id", "created_at", "updated_at")
PRODUCTS = frozenset(
    (*_CATALOG, "sku", "name", "price", "status", "visibility", "type_id", "weight", "attribute_set_id")
)
CUSTOMERS = frozenset((*_CATALOG, "email", "firstname", "lastname", "group_id", "store_id", "website_id"))
TRANSACTIONS = frozenset(
    ("transaction_id", "parent_id", "order_id", "payment_id", "txn_id", "txn_type", "is_closed", "created_at")
)
SOURCES = frozenset(("source_code", "name", "enabled", "country_id", "postcode"))
SOURCE_ITEMS = frozenset(("sku", "source_code", "quantity", "status"))
TAX_RATES = frozenset(("id", "tax_country_id", "tax_region_id", "tax_postcode", "rate", "code"))
