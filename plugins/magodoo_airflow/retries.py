"""How often a task is tried again, and how long tasks and runs may take: everything that DAG files and operators go by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryPolicy, RetryRule
from airflow.sdk.definitions.retry_policy import RetryDecision
from airflow.sdk.exceptions import AirflowRuntimeError

from magodoo.errors import FixConfiguration, FixDocument, InvariantError, OutcomeUnknown, TransientError, Unreadable

REFUSALS = (FixConfiguration, FixDocument, Unreadable, InvariantError)
PASSING = (TransientError, OutcomeUnknown, OSError, AirflowRuntimeError)
TRIES_OF_THE_UNKNOWN = 3


class ByErrorClass(RetryPolicy):
    """Decide by the class of an error whether its task is tried again; a lost process raises none and is always tried again.

    A refusal is the same at the next try, so it fails the task at once. What passes (a system or a database that is away) has all the task's
    retries. An error that nobody foresaw has two.
    """

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Return FAIL, or DEFAULT for the task's own retries and backoff."""
        import psycopg2
        from sqlalchemy.exc import InterfaceError, OperationalError
        from sqlalchemy.exc import TimeoutError as NoConnectionFree

        name = type(exception).__name__
        if isinstance(exception, REFUSALS):
            return RetryDecision.fail(f"{name}: only a person can resolve it")
        away = (InterfaceError, OperationalError, NoConnectionFree, psycopg2.InterfaceError, psycopg2.OperationalError)
        if isinstance(exception, (*PASSING, *away)):
            return RetryDecision.default()
        if try_number >= TRIES_OF_THE_UNKNOWN:
            return RetryDecision.fail(f"{name}: the same after {try_number} tries")
        return RetryDecision.default()


STEP_RETRIES: dict[str, Any] = {
    "retries": 7,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": ByErrorClass(),
    "execution_timeout": timedelta(hours=2),
}
"""Of every task of ours: a lost worker or execution API may be away for 30 minutes. A mapped task needs it in `partial`: the scheduler
does not construct the operator, so its defaults do not apply."""

WAITING_RETRIES: dict[str, Any] = {
    **{name: value for name, value in STEP_RETRIES.items() if name != "execution_timeout"},
    "retry_policy": ExceptionRetryPolicy(
        [RetryRule(AirflowRuntimeError, RetryAction.DEFAULT)], default=RetryAction.FAIL
    ),
}
"""Of a task that waits for the run of another DAG, or for a person's answer, without a limit of its own: a run that failed has had its own retries."""

ANSWER_HOURS = 24
"""How long a request for approval waits for a person."""

RUN_TIMEOUT = timedelta(hours=6)
RUN_TIMEOUTS: Mapping[str, timedelta | None] = {"approval": None, "backfill": timedelta(days=14)}
"""Of the runs of certain DAGs, by kind: RUN_TIMEOUT is of all others. An approval may wait for a day, a backfill is as long as its window."""
