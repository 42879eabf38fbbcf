"""The kinds of record that are read: model, domain and tree of fields. Names are those of 19.

A row is the nested dict of web_search_read: a many2one is a dict with `id` or False, an x2many a list of dicts, empty texts and dates are
False, times are UTC text without a zone (docs/facts/odoo-19.0.md#3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Tree = Mapping[str, Any]


def tree(names: str, **nested: Tree) -> dict[str, Any]:
    """Return a tree of plain names, separated by blanks, and nested trees."""
    return {**{name: {} for name in names.split()}, **{name: {"fields": below} for name, below in nested.items()}}


def with_key(transfer: Tree, field: str) -> dict[str, Any]:
    """Return the tree of a transfer with the field of the delivery key.

    The key is also read of the transfers that it continues or returns: Odoo copies the field.
    """
    links = {name: {"fields": {**transfer[name]["fields"], field: {}}} for name in ("backorder_id", "return_id")}
    return {**transfer, field: {}, **links}


def without(whole: Tree, paths: Iterable[str]) -> dict[str, Any]:
    """Return a tree without these dotted paths and what is below them."""
    left: dict[str, Any] = dict(whole)
    for path in paths:
        name, _, rest = path.partition(".")
        if not rest:
            left.pop(name, None)
        elif name in left:
            left[name] = {"fields": without(left[name]["fields"], [rest])}
    return left


COUNTRY = tree("code")
CURRENCY = tree("name decimal_places")
NAMED = tree("name")
CODED = tree("code name")
PRODUCT = tree("default_code type uom_id")
TAX = tree("name amount amount_type")
PARTNER = tree("name email phone vat is_company ref", country_id=COUNTRY, parent_id=NAMED)
ORDER_HEAD = tree("name client_order_ref")
SALE_LINE = tree("order_id")
LOCATION = tree("usage company_id")
CONTACT = {**PARTNER, **tree("street street2 zip city", state_id=CODED)}
CUSTOMER = {**PARTNER, **tree("", property_stock_customer=LOCATION)}

ORDER = tree(
    "name client_order_ref origin state date_order create_date write_date company_id amount_untaxed amount_tax "
    "amount_total invoice_status delivery_status locked invoice_ids picking_ids auto_purchase_order_id",
    currency_id=CURRENCY,
    partner_id=CUSTOMER,
    partner_invoice_id=CONTACT,
    partner_shipping_id=CONTACT,
    pricelist_id=NAMED,
    carrier_id=NAMED,
    warehouse_id=CODED,
    team_id=NAMED,
    order_line=tree(
        "name product_uom_qty qty_delivered qty_invoiced qty_to_invoice price_unit discount price_subtotal price_tax "
        "price_total is_delivery is_downpayment display_type invoice_status product_uom_id",
        product_id=PRODUCT,
        tax_ids=TAX,
    ),
)

ELECTRONIC = (
    "edi_blocking_level edi_error_message peppol_move_state nemhandel_move_state l10n_it_edi_state l10n_it_edi_header "
    "l10n_es_edi_verifactu_state l10n_hu_edi_state l10n_ro_edi_state l10n_pl_edi_status l10n_my_edi_state l10n_rs_edi_state "
    "l10n_tr_nilvera_send_status l10n_tw_edi_state l10n_hr_business_document_status l10n_hr_mer_document_status "
    "l10n_cl_dte_status l10n_co_dian_state l10n_br_last_edi_status l10n_uy_edi_cfe_state l10n_ar_afip_result"
)
"""Fields with the state of an electronic invoice, by module. Fields that the server does not have are not read."""

MOVE = tree(
    "name move_type state payment_state ref invoice_origin payment_reference invoice_date date invoice_date_due "
    "create_date write_date company_id invoice_currency_rate amount_untaxed amount_tax amount_total amount_residual "
    "amount_untaxed_signed amount_tax_signed amount_total_signed amount_residual_signed reversal_move_ids "
    + ELECTRONIC,
    currency_id=CURRENCY,
    partner_id=PARTNER,
    commercial_partner_id=NAMED,
    partner_shipping_id=tree("name", country_id=COUNTRY),
    fiscal_position_id=NAMED,
    invoice_cash_rounding_id=tree("name rounding"),
    invoice_payment_term_id=tree("name early_discount discount_percentage early_pay_discount_computation"),
    journal_id=CODED,
    team_id=NAMED,
    reversed_entry_id=tree("name ref"),
    invoice_line_ids=tree(
        "name quantity price_unit discount price_subtotal price_total balance display_type product_uom_id",
        product_id=PRODUCT,
        tax_ids=TAX,
        sale_line_ids=SALE_LINE,
    ),
    matched_payment_ids=tree("name state payment_type amount date memo", currency_id=NAMED, journal_id=CODED),
    reconciled_payment_ids=tree("name state payment_type amount date memo", currency_id=NAMED, journal_id=CODED),
)

DELIVERY_KEY = "x_magento_key"
"""Field of a transfer with the delivery key, unless the settings name another (`odoo.delivery_key_field`)."""

CONTINUED = tree(f"name {DELIVERY_KEY}")
PICKING = tree(
    "name state origin date_done scheduled_date create_date write_date company_id picking_type_code "
    f"carrier_tracking_ref note {DELIVERY_KEY}",
    partner_id=PARTNER,
    carrier_id=tree("name delivery_type"),
    sale_id=ORDER_HEAD,
    backorder_id=CONTINUED,
    return_id=CONTINUED,
    picking_type_id=tree("name", warehouse_id=CODED),
    move_ids=tree(
        "product_uom_qty quantity picked state to_refund origin_returned_move_id has_tracking product_uom",
        product_id=PRODUCT,
        sale_line_id=SALE_LINE,
        location_id=LOCATION,
        location_dest_id=LOCATION,
    ),
)

PAYMENT = tree(
    "name state payment_type partner_type amount date memo payment_reference is_reconciled create_date write_date "
    "company_id",
    currency_id=CURRENCY,
    partner_id=tree("name"),
    journal_id=CODED,
    payment_method_line_id=NAMED,
    move_id=tree("name date state"),
    reconciled_invoice_ids=tree("name ref move_type"),
)


@dataclass(frozen=True)
class Reading:
    """One kind of record: `named` are the paths whose records get an `external_id`, with the model of each.

    `order_paths` lead a domain to the sales order; payments have none and are found through their invoices.
    """

    model: str
    domain: tuple[Any, ...]
    tree: Tree
    named: tuple[tuple[str, str], ...]
    order_paths: tuple[str, ...]


_MOVE_NAMED = (
    ("", "account.move"),
    ("reversed_entry_id", "account.move"),
    ("invoice_line_ids", "account.move.line"),
    ("invoice_line_ids.sale_line_ids", "sale.order.line"),
    ("matched_payment_ids", "account.payment"),
    ("reconciled_payment_ids", "account.payment"),
)
_TO_ORDER = ("move_ids.sale_line_id.order_id", "sale_id")
_PEOPLE = tuple((name, "res.partner") for name in ("partner_id", "partner_invoice_id", "partner_shipping_id"))
_PICKING_NAMED = (("sale_id", "sale.order"), ("move_ids.sale_line_id", "sale.order.line"))


def beyond(end: str) -> tuple[Any, ...]:
    """Return the domain of transfers with the customer, or a transit location without a company (another company), at one end.

    The direction decides, never the operation type: the return of a drop shipment has the type `dropship` (docs/business-rules.md#deliveries).
    """
    foreign = ((f"{end}.usage", "=", "transit"), (f"{end}.company_id", "=", False))
    return ("|", (f"{end}.usage", "=", "customer"), "&", *foreign)


READINGS: dict[str, Reading] = {
    "order": Reading(
        "sale.order", (), ORDER, (("", "sale.order"), ("order_line", "sale.order.line"), *_PEOPLE), order_paths=("id",)
    ),
    "invoice": Reading(
        "account.move", (("move_type", "=", "out_invoice"),), MOVE, _MOVE_NAMED,
        order_paths=("invoice_line_ids.sale_line_ids.order_id",),
    ),
    "credit_memo": Reading(
        "account.move", (("move_type", "=", "out_refund"),), MOVE, _MOVE_NAMED,
        order_paths=("invoice_line_ids.sale_line_ids.order_id",),
    ),
    "shipment": Reading("stock.picking", beyond("location_dest_id"), PICKING, _PICKING_NAMED, order_paths=_TO_ORDER),
    "return": Reading("stock.picking", beyond("location_id"), PICKING, _PICKING_NAMED, order_paths=_TO_ORDER),
    "payment": Reading(
        "account.payment", (("partner_type", "=", "customer"),), PAYMENT,
        (("", "account.payment"), ("reconciled_invoice_ids", "account.move")), order_paths=(),
    ),
}  # fmt: skip
