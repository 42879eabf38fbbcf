"""Which changes of an order build on which others, and what becomes of them when those are not made."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from magodoo.vocabulary import ChangeKind

_K = ChangeKind

# What must be done before: an open change of one of these kinds on the same order holds a later one back. In the order of steps.
NEEDS: Mapping[ChangeKind, tuple[ChangeKind, ...]] = {
    _K.ORDER_CANCEL: (_K.ORDER_IMPORT,),
    _K.ODOO_INVOICE: (_K.ORDER_IMPORT,),
    _K.ODOO_PAYMENT: (_K.ORDER_IMPORT, _K.ODOO_INVOICE),
    _K.ODOO_DELIVERY: (_K.ORDER_IMPORT,),
    _K.ODOO_TRACKING: (_K.ORDER_IMPORT, _K.ODOO_DELIVERY),
    _K.ODOO_CREDIT_NOTE: (_K.ORDER_IMPORT, _K.ODOO_INVOICE, _K.ODOO_PAYMENT),
    _K.ODOO_REFUND_PAYMENT: (_K.ORDER_IMPORT, _K.ODOO_CREDIT_NOTE),
    _K.ODOO_STOCK_RETURN: (_K.ORDER_IMPORT, _K.ODOO_DELIVERY, _K.ODOO_CREDIT_NOTE),
    _K.MAGENTO_TRACKING: (_K.MAGENTO_SHIPMENT,),
    _K.MAGENTO_CREDIT_MEMO: (_K.MAGENTO_INVOICE,),
}


def plan_anew(connection: Connection, instance: str, order_key: str, kind: ChangeKind) -> int:
    """What needs a change of this kind, which ended undone, would be refused for good by whichever run takes it up next: its
    request would stand before a target that lacks what comes first. So would what needs that: a credit note's return must not
    be made when the invoice was not. Returns how many were superseded.
    """
    kinds = [kind]
    for each, needed in NEEDS.items():
        if not set(needed).isdisjoint(kinds):
            kinds.append(each)
    statement = (
        "update change set state = 'superseded', finished_at = now(), reason = :reason where instance = :instance"
        " and order_key = :order and kind = any(:kinds) and state in ('planned', 'approved')"
    )
    reason = f"an earlier change of the order was not made ({kind.value}): planned anew"
    values = {"instance": instance, "order": order_key, "kinds": [each.value for each in kinds[1:]], "reason": reason}
    return connection.execute(text(statement), values).rowcount


def reconcile_again(connection: Connection, instance: str, order_key: str) -> None:
    """Let the next reconcile look at the order."""
    connection.execute(
        text(
            "update order_work set staged_version = nextval('content_version')"
            " where instance = :instance and order_key = :order"
        ),
        {"instance": instance, "order": order_key},
    )
