"""Every persisted value has a label, and pages, emails and CSV files show it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Any

import pages_double
import pytest
from mailed import UI, US, found, planned
from sqlalchemy import Engine, text

from magodoo.domain import labels
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Approval, ChangeState, FindingType, Kind, Rule, Severity, Side, Verdict
from magodoo.notifications import alerts, outbox
from magodoo.staging import connect
from magodoo.timestamps import utc_now

TABLES: Mapping[type[StrEnum], Mapping[str, str]] = {
    Side: labels.SIDES, Kind: labels.KINDS, Severity: labels.SEVERITIES, FindingType: labels.FINDING_TYPES, ChangeKind: labels.CHANGE_KINDS,
    ChangeState: labels.CHANGE_STATES, Verdict: labels.VERDICTS, Approval: labels.APPROVALS, Rule: labels.MATCHING_RULES,
}  # fmt: skip
STORED = {value for table in (*labels.UNIQUE, labels.MATCHING_RULES) for value in table if "_" in value}


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    """A staging database with a finding of each type and a change of each kind, state, verdict and approval."""
    made = connect(staging_url)
    for number, type_ in enumerate(FindingType):
        severity = list(Severity)[number % len(Severity)]
        found(made, type_, severity=severity, kind=list(Kind)[number % len(Kind)], who=list(labels.OWNERS)[number % 3])
    for number, kind in enumerate(ChangeKind):
        planned(made, kind=kind, target=kind.target, document_kind=list(Kind)[number % len(Kind)])
    changed = [{"state": state} for state in ChangeState] + [{"verdict": verdict} for verdict in Verdict]
    for number, values in enumerate([*changed, *({"approval": approval} for approval in Approval)]):
        planned(made, source_id=f"other {number}", **values)
    yield made
    made.dispose()


@pytest.fixture
def browser(engine: Engine, staging_url: str, tmp_path: Path) -> Iterator[Any]:
    with pages_double.client(tmp_path, staging_url, "viewer") as made:
        yield made


def _read(page: str) -> str:
    """Return the text of a page that a reader sees, without markup, field values and the exact calls."""
    return re.sub(r"<[^>]*>", "\n", page.split("<h2>The exact calls</h2>")[0])


def _stored_values_in(shown: str) -> list[str]:
    return sorted(value for value in STORED if re.search(rf"\b{value}\b", shown))


@pytest.mark.parametrize("vocabulary", TABLES, ids=lambda each: each.__name__)
def test_every_enum_member_has_a_label(vocabulary: type[StrEnum]) -> None:
    assert set(TABLES[vocabulary]) == set(vocabulary)
    assert all(text and "_" not in text for text in TABLES[vocabulary].values())


def test_a_value_of_two_vocabularies_has_one_label() -> None:
    for one, other in combinations(labels.UNIQUE, 2):
        shared = one.keys() & other.keys()
        assert {value: one[value] for value in shared} == {value: other[value] for value in shared}


def test_lists_show_labels(browser: Any) -> None:
    findings = _read(browser.get("/findings?tab=all&columns=kind").text)
    changes = _read(browser.get("/changes?columns=document_kind").text)
    changes += _read(browser.get("/changes?tab=superseded").text)
    assert _stored_values_in(findings + changes) == []
    for shown, tables in (
        (findings, (labels.FINDING_TYPES, labels.SEVERITIES, labels.KINDS, labels.OWNERS)),
        (changes, (labels.CHANGE_KINDS, labels.CHANGE_STATES, labels.VERDICTS, labels.APPROVALS, labels.KINDS)),
    ):
        assert [one for table in tables for one in table.values() if one not in shown] == []


def test_the_pages_of_a_finding_and_of_a_change_show_labels(browser: Any, engine: Engine) -> None:
    for path, table in (("finding", "finding"), ("change", "change")):
        with engine.connect() as connection:
            ids = connection.execute(text(f"select id from {table}")).scalars().all()
        for each in ids:
            assert _stored_values_in(_read(browser.get(f"/{path}/{each}").text)) == []


def test_emails_show_labels_in_lower_case(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("update finding set severity = 'warning'"))
        alerts.queue_findings(connection, US, UI, utc_now())
        alerts.queue_changes(connection, US, UI, utc_now())
        mails = list(outbox.waiting(connection))
    read = "\n".join(
        _read(part) for mail in mails for part in (mail.subject, mail.html, re.sub(r"https?://\S+", "", mail.plain))
    )
    assert _stored_values_in(read) == []
    shown = [labels.in_sentence(value) for value in (*FindingType, *ChangeKind, *Kind)]
    assert [one for one in shown if one not in read] == []


def test_a_csv_file_of_a_page_has_labels_of_document_states_and_owners_and_else_stored_values(browser: Any) -> None:
    rows = browser.get("/findings.csv?tab=all").text
    assert [value for value in FindingType if value not in rows] == []
    assert [owner for owner in labels.OWNERS.values() if f",{owner}," not in rows] == []
