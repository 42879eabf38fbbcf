"""One operator per kind of change. Each carries out what the ledger has released of its kind; the protocol is shared.

    from magodoo_airflow.operators.changes import OdooInvoiceOperator

    with DAG("my_invoices", schedule="@hourly"):
        OdooInvoiceOperator(task_id="invoices", instance="us", limit=200)

An operator never writes what the gate has not released, what waits for approval, or what `observe` mode keeps in the house.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.exceptions import AirflowException

from magodoo.domain.kinds import ChangeKind
from magodoo_airflow.links import ChangesLink, SalesPageLink
from magodoo_airflow.operators.step import StepOperator

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context as PipelineContext


class ChangeOperator(StepOperator):
    """Carries out the released changes of one kind, effectively once.

    Each is usable on its own in any DAG; which changes it carries out stands in the ledger, so that clearing it, or two of it at
    once, writes nothing twice. It stops on request after the call in hand (`on_kill`); what it has leased is taken up by the
    next run. Transient failures are tried again (`retries`, 2 unless given), what only a person can mend is not.

    :param instance: instance id (templated)
    :param orders: only these orders' changes (Magento order entity ids, templated); None: all that are due
    :param limit: at most so many changes in this task
    :param dry: show the exact calls in the log, write nothing (templated)

    Returns counts: applied, refused, failed, uncertain, put_back (its target was away, or what it builds on is not there yet),
    changed (planned anew), lost (another worker had the order), and of what stays: waiting_approval, held, observe; of a dry
    run would_write and what stays. A refused document is a finding, not a failure of the task; a change that failed for want of
    a right or a setting fails the task, after the others went.
    """

    template_fields: Sequence[str] = ("instance", "orders", "dry")
    operator_extra_links = (ChangesLink(), SalesPageLink())
    needs = ("magento", "odoo")
    kind: ClassVar[ChangeKind]

    def __init__(
        self,
        *,
        orders: list[str] | str | None = None,
        limit: int | None = None,
        dry: bool | str = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("pool", f"magodoo_{self.kind.target.value}")
        super().__init__(**kwargs)
        self.orders, self.limit, self.dry = orders, limit, dry

    def story(self, pipeline: PipelineContext, context: Any) -> Any:
        from magodoo.pipeline import load
        from magodoo_airflow.preflight import permit

        permit(pipeline)
        dry = str(self.dry).lower() in ("true", "1")
        counts = load.run(pipeline, kinds=(self.kind,), order_keys=self.orders, limit=self.limit, dry_run=dry)
        if counts.get("failed"):
            raise AirflowException(
                f"[{self.instance}] {counts['failed']} {self.kind.value} changes failed: see the page Changes"
            )
        return counts


class OdooOrderImportOperator(ChangeOperator):
    """Makes the sale order of a Magento order in Odoo: partner, lines, tax, shipping, discount; confirmed or quotation.

    Example::

        OdooOrderImportOperator(task_id="orders", instance="us", limit=200)
    """

    kind = ChangeKind.ORDER_IMPORT


class OdooOrderCancelOperator(ChangeOperator):
    """Cancels in Odoo what Magento cancelled, if nothing is invoiced or done.

    Example::

        OdooOrderCancelOperator(task_id="cancellations", instance="us")
    """

    kind = ChangeKind.ORDER_CANCEL


class OdooInvoiceOperator(ChangeOperator):
    """Makes and posts the customer invoice of a Magento invoice, equal to the cent.

    Example::

        OdooInvoiceOperator(task_id="invoices", instance="us", limit=200)
    """

    kind = ChangeKind.ODOO_INVOICE


class OdooPaymentOperator(ChangeOperator):
    """Registers the payment that the provider captured, in the method's journal.

    Example::

        OdooPaymentOperator(task_id="payments", instance="us", pool="bank_hours")
    """

    kind = ChangeKind.ODOO_PAYMENT


class OdooDeliveryOperator(ChangeOperator):
    """Validates the delivery of a Magento shipment for its quantities; the rest becomes a backorder.

    Example::

        OdooDeliveryOperator(task_id="deliveries", instance="us", orders=["41", "42"])
    """

    kind = ChangeKind.ODOO_DELIVERY


class OdooTrackingOperator(ChangeOperator):
    """Writes a shipment's tracking numbers on its delivery.

    Example::

        OdooTrackingOperator(task_id="tracks_to_odoo", instance="{{ params.instance }}")
    """

    kind = ChangeKind.ODOO_TRACKING


class OdooCreditNoteOperator(ChangeOperator):
    """Makes and posts the credit note of a Magento credit memo.

    Example::

        OdooCreditNoteOperator(task_id="credit_notes", instance="us", dry="{{ params.dry_run }}")
    """

    kind = ChangeKind.ODOO_CREDIT_NOTE


class OdooRefundPaymentOperator(ChangeOperator):
    """Registers the provider's refund as an outbound payment.

    Example::

        OdooRefundPaymentOperator(task_id="refunds", instance="us", retries=0)
    """

    kind = ChangeKind.ODOO_REFUND_PAYMENT


class OdooStockReturnOperator(ChangeOperator):
    """Takes refunded goods back to stock, where the policy says so.

    Example::

        OdooStockReturnOperator(task_id="returns", instance="us", limit=50)
    """

    kind = ChangeKind.ODOO_STOCK_RETURN


class MagentoInvoiceOperator(ChangeOperator):
    """Makes the Magento invoice of an invoice that Odoo posted or saw paid.

    Example::

        MagentoInvoiceOperator(task_id="shop_invoices", instance="us", limit=100)
    """

    kind = ChangeKind.MAGENTO_INVOICE


class MagentoShipmentOperator(ChangeOperator):
    """Makes the Magento shipment of a delivery done in Odoo, with tracks.

    Example::

        MagentoShipmentOperator(task_id="shop_shipments", instance="us", trigger_rule="all_done")
    """

    kind = ChangeKind.MAGENTO_SHIPMENT


class MagentoTrackingOperator(ChangeOperator):
    """Adds a delivery's tracking numbers to its Magento shipment.

    Example::

        MagentoTrackingOperator(task_id="tracks_to_shop", instance="us", orders="{{ dag_run.conf.orders }}")
    """

    kind = ChangeKind.MAGENTO_TRACKING


class MagentoCreditMemoOperator(ChangeOperator):
    """Makes the offline Magento credit memo of a paid Odoo credit note.

    Example::

        MagentoCreditMemoOperator(task_id="shop_credit_memos", instance="us", dry=True)
    """

    kind = ChangeKind.MAGENTO_CREDIT_MEMO


BY_KIND: dict[ChangeKind, type[ChangeOperator]] = {
    operator.kind: operator
    for operator in (
        OdooOrderImportOperator,
        OdooOrderCancelOperator,
        OdooInvoiceOperator,
        OdooPaymentOperator,
        OdooDeliveryOperator,
        OdooTrackingOperator,
        OdooCreditNoteOperator,
        OdooRefundPaymentOperator,
        OdooStockReturnOperator,
        MagentoInvoiceOperator,
        MagentoShipmentOperator,
        MagentoTrackingOperator,
        MagentoCreditMemoOperator,
    )
}
