"""Some days of sales lived without and with faults (`make month` lives whole months, and proves that rows can be lost)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from months import run
from months.run import SHORT, Outcome


@pytest.fixture(scope="module")
def outcome(new_staging: Callable[[], str]) -> Outcome:
    def urls() -> run.Urls:
        return new_staging(), new_staging(), new_staging()

    return run.outcome(run.in_peace(SHORT, urls()), run.in_trouble(SHORT, urls()))


def test_a_month_with_faults_ends_in_the_same_state_as_one_without(outcome: Outcome) -> None:
    assert outcome.differences == []


def test_both_months_are_correct_by_the_systems_and_by_the_oracle(outcome: Outcome) -> None:
    assert outcome.complaints == []


def test_extracts_lose_no_row(outcome: Outcome) -> None:
    assert outcome.lost == []


def test_the_month_with_faults_had_faults(outcome: Outcome) -> None:
    counts = outcome.counts["trouble"]
    assert counts["runs_that_did_not_happen"] > 0
    assert counts["failed: extract magento"] > 0 and counts["failed: extract odoo"] > 0
    assert counts["late"] > 0
    assert counts["faults_that_struck"] > 2
    assert not [name for name in outcome.counts["peace"] if name.startswith("failed")]
