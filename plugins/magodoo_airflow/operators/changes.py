"""One operator per kind of change. Each writes the changes of its kind that are released; the protocol is shared.

    from magodoo_airflow.operators.changes import OdooInvoiceOperator

    with DAG("my_invoices", schedule="@hourly"):
        OdooInvoiceOperator(task_id="invoices", instance="us", limit=200)

The kinds, the names of their operators and what these do: `magodoo.domain.kinds`.
An operator never writes a change that the gate has not released, that waits for approval, or whose kind is in `observe` mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.exceptions import AirflowException

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import RunOutcome
from magodoo_airflow.links import ChangesLink, SalesPageLink
from magodoo_airflow.operators.step import StepOperator

if TYPE_CHECKING:
    from magodoo.context import Context as PipelineContext


class ChangeOperator(StepOperator):
    """Write the released changes of one kind, effectively once.

    It can be used on its own in any DAG; the ledger decides which changes it writes, so that clearing it, or running it twice at once,
    writes nothing twice. It stops on request after the current call (`on_kill`); the changes that it has leased are taken over by the
    next run. Transient failures are retried (`retries`, 7 unless given), those that need a person are not.

    :param instance: instance id (templated)
    :param orders: only these orders' changes (Magento order entity ids, templated); None: all that are due
    :param limit: at most so many changes in this task
    :param dry: show the exact calls in the log, write nothing (templated)

    Returns counts: applied, refused, failed, uncertain, put_back (its target was unavailable, or a change that it requires is not done yet),
    changed (planned anew), lost (another worker had the order), and of the remaining changes waiting_approval, held, observe; of a dry
    run would_write and these three. A refused document is a finding, not a failure of the task; a change that failed for want of
    a right or a setting fails the task, after the others were written.
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

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return the counts. Raises AirflowException when a change failed because a right or a setting is missing."""
        from magodoo.pipeline import load
        from magodoo_airflow.preflight import permit

        permit(pipeline)
        dry = str(self.dry).lower() in ("true", "1")
        counts = load.run(pipeline, kinds=(self.kind,), order_keys=self.orders, limit=self.limit, dry_run=dry)
        if counts.get(RunOutcome.FAILED):
            raise AirflowException(
                f"[{self.instance}] {counts[RunOutcome.FAILED]} {self.kind.value} changes failed: see the page Changes"
            )
        return counts


def _operator(kind: ChangeKind) -> type[ChangeOperator]:
    """Return the operator of a kind of change, with name and description from the catalogue."""
    name = kind.entry.operator
    example = f'Example::\n\n    {name}(task_id="{kind.value}", instance="us", limit=200)'
    return type(
        name, (ChangeOperator,), {"kind": kind, "__doc__": f"{kind.entry.does}\n\n{example}\n", "__module__": __name__}
    )


BY_KIND: dict[ChangeKind, type[ChangeOperator]] = {kind: _operator(kind) for kind in ChangeKind}
globals().update({operator.__name__: operator for operator in BY_KIND.values()})


def __getattr__(name: str) -> type[ChangeOperator]:
    """Raise AttributeError for names that no kind has; declares the operators importable by name for type checkers."""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
