"""The operators of the chain: extract, reconcile, check, email, refresh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException
from more_itertools import chunked

from magodoo_airflow.links import DataDocsLink, SalesPageLink
from magodoo_airflow.operators.step import StepOperator

if TYPE_CHECKING:
    from magodoo.context import Context as PipelineContext


class ExtractOperator(StepOperator):
    """Read what changed on one side into staging.

    Without a window it reads from the committed watermark on. A backfill run (Airflow's own, or `conf` with `from` and
    `to`) reads exactly its window and moves no watermark.

    :param instance: instance id (templated)
    :param side: "magento" or "odoo"
    """

    def __init__(self, *, side: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side = side
        self.needs = (side,)  # type: ignore[misc]

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return the counts by kind of document."""
        from magodoo.pipeline import extract
        from magodoo_airflow.operators.windows import kinds_of, window_of

        window = window_of(context, pipeline.instance)
        self.log.info("[%s] %s: %s", self.instance, self.side, window or "from the watermark on")
        return extract.run(pipeline, self.side, window, kinds_of(context))


class DueOrdersOperator(StepOperator):
    """List the orders whose staged version is newer than their reconciled one, cut into chunks for mapped tasks.

    Returns a list of lists of order keys: one empty list where no order is due but rows of the sales lists are.
    `conf` may name `orders` to reconcile whatever their versions.
    """

    def __init__(self, *, chunk: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chunk = chunk  # None: the settings' `orders_per_task`

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return the chunks of order keys."""
        from magodoo.pipeline import reconcile, sales_lists

        named = (context["dag_run"].conf or {}).get("orders")
        orders = [str(order) for order in named] if named else reconcile.due(pipeline)
        size = self.chunk or pipeline.settings.orders_per_task
        chunks = list(chunked(orders, size))
        return chunks or ([[]] if sales_lists.due(pipeline) else [])


class ReconcileOperator(StepOperator):
    """Complete, match and compare orders, and plan changes; write pairs, findings and planned changes.

    :param orders: order keys (Magento order entity ids); usually mapped over the chunks of DueOrdersOperator
    """

    template_fields: Sequence[str] = ("instance", "orders")
    needs = ("magento", "odoo")

    def __init__(self, *, orders: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.orders = orders

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return the counts."""
        from magodoo.pipeline import reconcile

        return reconcile.run(pipeline, self.orders)


class QualityOperator(StepOperator):
    """Run the expectations, build the Data Docs, write the gate's verdict on every unchecked change, queue the emails.

    Returns `{"held_sides": [...], "released": n, "held": n, "failed_checks": [...], "mails": n}`.
    """

    operator_extra_links = (SalesPageLink(), DataDocsLink())

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return the failed checks and the counts."""
        from magodoo.pipeline import quality

        return quality.run(pipeline)


class GateOperator(StepOperator):
    """Fail when a whole side is held, and name the checks; held documents alone do not fail it.

    It sends no email itself: the one that names the held side and the checks was queued by QualityOperator.

    :param checked: what QualityOperator returned (templated)
    """

    template_fields: Sequence[str] = ("instance", "checked")

    def __init__(self, *, checked: Any, **kwargs: Any) -> None:
        kwargs["on_failure_callback"] = None
        super().__init__(**kwargs)
        self.checked = checked

    def execute(self, context: Any) -> Any:
        """Return `checked`. Raises AirflowFailException when a side is held."""
        held = self.checked["held_sides"]
        if held:
            raise AirflowFailException(
                f"[{self.instance}] changes are held for {held}: {self.checked['failed_checks']}"
            )
        return self.checked


class SendMailsOperator(StepOperator):
    """Send the queued emails through Airflow's SMTP connection. What cannot be sent is kept and tried again."""

    def __init__(self, *, instance: str = "", **kwargs: Any) -> None:
        super().__init__(instance=instance, **kwargs)

    def execute(self, context: Any) -> Any:
        """Return the counts `sent` and `kept`."""
        from magodoo_airflow.notify import send_waiting

        sent = send_waiting(self.instance or None)
        self.log.info("mails: %s", sent)
        return sent


class RefreshOperator(StepOperator):
    """Read open and recently closed orders on both sides again, whatever their timestamps; mark deleted documents."""

    needs = ("magento", "odoo")

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return the counts."""
        from magodoo.pipeline import refresh

        return refresh.run(pipeline)
