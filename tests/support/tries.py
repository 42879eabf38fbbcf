"""What Airflow makes of a task whose process raised an error: the task's retry policy decides first, then the number of its retries."""

from __future__ import annotations

from airflow.sdk import BaseOperator, RetryAction, TaskInstanceState


def state_after(task: BaseOperator, problem: BaseException, lost: int) -> TaskInstanceState:
    """Return the state of a task that `lost` so many tries before this one, as docs/operations.md#retries says."""
    policy = task.retry_policy
    assert policy is not None
    decision = policy.evaluate(problem, lost + 1, task.retries)
    tried_again = decision.action is not RetryAction.FAIL and lost < task.retries
    return TaskInstanceState.UP_FOR_RETRY if tried_again else TaskInstanceState.FAILED
