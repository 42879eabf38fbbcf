"""Approval in Airflow: changes that wait are listed, a person answers under *Required Actions*, the ledger records the answer.

    with DAG("my_approvals", schedule="@hourly"):
        waiting = WaitingChangesOperator(task_id="waiting", instance="us")
        answer = ApproveChangesOperator(task_id="approve", changes=waiting.output)
        DecideChangesOperator(task_id="decide", instance="us", changes=waiting.output, answer=answer.output)

An approval is recorded in the ledger for named changes: the load waits for no task, the page *Changes* records the same, and a
change that was planned anew meanwhile is another change that nobody has approved.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from magodoo_airflow.links import ChangesLink, SalesPageLink
from magodoo_airflow.operators.step import StepOperator
from magodoo_airflow.retries import ANSWER_HOURS, WAITING_RETRIES

if TYPE_CHECKING:
    from magodoo.context import Context as PipelineContext

APPROVE, REJECT, LATER = "Approve", "Reject", "Later"
SHORTEST_REASON = 3


class WaitingChangesOperator(StepOperator):
    """List the changes that wait for a person; skipped (with what follows) when there are none.

    :param most: at most so many changes at a time; the others are listed by the next run

    Returns `{"ids": [...], "subject": str, "table": str}`: the table of these changes and their sums, in Markdown.
    """

    def __init__(self, *, most: int = 200, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return ids, subject and table of the changes. Raises AirflowSkipException when none waits."""
        from magodoo.ledger import approvals

        with pipeline.engine.begin() as connection:
            found = approvals.waiting_for_a_person(connection, pipeline.instance, self.most, pipeline.now())
        if not found:
            raise AirflowSkipException(f"[{self.instance}] no change waits for approval")
        subject = f"[{self.instance}] {len(found)} changes wait for approval: {approvals.sums_in_words(found)}"
        return {"ids": [row.id for row in found], "subject": subject, "table": approvals.table(found)}


class ApproveChangesOperator(HITLOperator):
    """Show the table of changes and their sums, and wait for Approve, Reject (with a reason) or Later.

    :param changes: what WaitingChangesOperator returned
    :param hours: after so long without an answer it is *Later*: the next run lists what waits then
    """

    operator_extra_links = (ChangesLink(), SalesPageLink())

    def __init__(self, *, changes: Any, hours: int = ANSWER_HOURS, **kwargs: Any) -> None:
        source = f"ti.xcom_pull(task_ids='{changes.operator.task_id}')"
        super().__init__(
            subject=f"{{{{ {source}['subject'] }}}}",
            body=f"{{{{ {source}['table'] }}}}",
            options=[APPROVE, REJECT, LATER],
            defaults=LATER,
            params={"reason": Param("", type="string", title="Reason", description="needed to reject")},
            response_timeout=timedelta(hours=hours),
            **WAITING_RETRIES | kwargs,
        )
        self.set_upstream(changes.operator)


class DecideChangesOperator(StepOperator):
    """Record the answer in the ledger, with the name of the person; changes that have changed state meanwhile are left alone.

    :param changes: what WaitingChangesOperator returned (templated)
    :param answer: what ApproveChangesOperator returned (templated)

    Returns `{"approved": n, "rejected": n, "left": n}`.
    """

    template_fields: Sequence[str] = ("instance", "changes", "answer")

    def __init__(self, *, changes: Any, answer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.changes, self.answer = changes, answer

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return the counts. Raises AirflowFailException for an answer without a name and for a rejection without a reason."""
        from magodoo.ledger import decisions, duties

        ids = [int(number) for number in self.changes["ids"]]
        (chosen,) = self.answer["chosen_options"]
        reason = str((self.answer.get("params_input") or {}).get("reason") or "").strip()
        if chosen == LATER:
            return {"approved": 0, "rejected": 0, "left": len(ids)}
        who = str((self.answer.get("responded_by_user") or {}).get("name") or "")
        if not who:
            raise AirflowFailException(f"[{self.instance}] an answer without a name is none")
        if chosen == REJECT and len(reason) < SHORTEST_REASON:
            raise AirflowFailException(f"[{self.instance}] say why: nothing is rejected without a reason")
        with pipeline.engine.begin() as connection:
            why = (
                duties.why_not_decide(connection, pipeline.settings.instance(self.instance), ids, who)
                if chosen == APPROVE
                else None
            )
            if why:
                raise AirflowFailException(f"[{self.instance}] {why}")
            decide = decisions.approve if chosen == APPROVE else decisions.reject
            done = decide(connection, ids, who, reason, pipeline.now())
        return {
            "approved": done if chosen == APPROVE else 0,
            "rejected": done if chosen == REJECT else 0,
            "left": len(ids) - done,
        }
