"""Run a preflight: check every part of an instance, report what was found and what to do, and store the result."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from magodoo.errors import MagodooError
from magodoo.ledger import duties
from magodoo.preflight import accounting, demands, deployment, magento, mappings, odoo, results
from magodoo.preflight.results import CheckLine, Outcome, Status
from magodoo.preflight.subject import Check, Subject

Checks = Sequence[tuple[str, Check]]

MAGENTO: Checks = (*magento.CHECKS, *mappings.SHOP_CHECKS)
ODOO: Checks = (*odoo.CHECKS, *mappings.CHECKS, *accounting.CHECKS, *demands.CHECKS)


def run(subject: Subject) -> list[CheckLine]:
    """Return one line per check, in the order in which problems are best fixed, and store them when the staging schema is there.

    Nothing is written to Magento or Odoo. A check that cannot run becomes an error line and stops no other check.
    """
    lines = _group(subject, deployment.STAGING_CHECKS)
    is_staged = lines[0].status is not Status.ERROR
    lines += _group(subject, deployment.CHECKS)
    lines += _group(subject, MAGENTO) if subject.magento_client else [_unopened(subject, MAGENTO, "magento")]
    lines += _group(subject, ODOO) if subject.odoo_client else [_unopened(subject, ODOO, "odoo")]
    if is_staged:
        with subject.engine.begin() as connection:
            duties.record_settings(connection, subject.instance, subject.settings.changed_by)
            results.record(connection, subject.instance, subject.kinds, lines, subject.now())
    return lines


def _group(subject: Subject, checks: Checks) -> list[CheckLine]:
    """Return the lines of a group's checks, up to the first that finds its system unreachable."""
    lines = []
    for name, check in checks:
        outcome = _outcome(subject, check)
        lines.append(outcome.line(subject.instance.id, name))
        if outcome.ends:
            break
    return lines


def _outcome(subject: Subject, check: Check) -> Outcome:
    try:
        return check(subject)
    except MagodooError as problem:
        outcome = Outcome()
        outcome.refuse(f"the check was not possible: {problem}", problem.hint or "mend this and run preflight again")
    except SQLAlchemyError as problem:
        outcome = Outcome()
        outcome.refuse(f"what is staged cannot be read ({type(problem).__name__})", "mend the staging database first")
    return outcome


def _unopened(subject: Subject, checks: Checks, system: str) -> CheckLine:
    why, todo = subject.unopened.get(system, ("it was not opened", "correct the Airflow connection"))
    return CheckLine(subject.instance.id, checks[0][0], Status.ERROR, why, todo)
