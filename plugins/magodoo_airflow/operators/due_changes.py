"""Which kinds of change are due: the tasks of the others are skipped, so that an idle run costs two tasks."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseBranchOperator

from magodoo_airflow.operators.step import StepOperator


class DueChangesOperator(StepOperator, BaseBranchOperator):
    """Branches to the tasks whose id is the kind of a change that may be carried out now, and to `always`.

    :param always: task ids that run in any case
    """

    inherits_from_skipmixin = True

    def __init__(self, *, always: tuple[str, ...] = ("loaded",), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.always = always

    def choose_branch(self, context: Any) -> list[str]:
        from magodoo.pipeline import load

        return [*self.tell(context, load.due_kinds), *self.always]

    def execute(self, context: Any) -> Any:
        return self.do_branch(context, self.choose_branch(context))
