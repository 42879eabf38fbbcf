"""Determine which kinds of change are due: the tasks of the others are skipped, so that an idle run costs two tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseBranchOperator

from magodoo_airflow.operators.step import StepOperator

if TYPE_CHECKING:
    from magodoo.context import Context


class DueChangesOperator(StepOperator, BaseBranchOperator):
    """Branch to the tasks whose id is the kind of a change that may be written now, and to `always`.

    Before the first `apply`, and after settings changed, a preflight is run: with errors nothing is written.
    `mail` is chosen when emails wait: a person is informed at once of what waits for approval.

    :param always: task ids that run in any case
    """

    needs = ("magento", "odoo")

    inherits_from_skipmixin = True

    def __init__(self, *, always: tuple[str, ...] = ("loaded",), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.always = always

    def choose_branch(self, context: Any) -> list[str]:
        """Return the ids of the tasks to run."""
        return [*self.run_in_context(context, self._due), *self.always]

    def _due(self, pipeline: Context) -> list[str]:
        from magodoo.notifications import outbox
        from magodoo.pipeline import load
        from magodoo_airflow.preflight import permit

        permit(pipeline)
        due = load.due_kinds(pipeline)
        with pipeline.engine.connect() as connection:
            return [*due, "mail"] if outbox.is_waiting(connection, pipeline.instance.id) else due

    def execute(self, context: Any) -> Any:
        """Run the chosen tasks and skip the others."""
        return self.do_branch(context, self.choose_branch(context))
