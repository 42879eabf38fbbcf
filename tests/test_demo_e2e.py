"""The whole chain on a real Airflow over a small shop, from seed to summary: what `make demo` does.

With the sandbox Odoo, and (`make test-demo-odoo`) with a real Odoo 19 in its place: the result is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine, text

from magodoo import staging
from magodoo.stack import lifecycle, runner
from magodoo.stack.airflow import Api
from magodoo.stack.demo import story
from magodoo.stack.demo.summary import Summary
from magodoo.stack.environment import cluster_of
from magodoo.stack.layout import Layout
from magodoo.stack.live_odoo import HOME
from magodoo.stack.progress import Progress

CHECKOUT = Path(__file__).resolve().parents[1]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(1200),
]  # the start of Airflow and five rounds count for the first test


@dataclass
class Told:
    """The finished demo, still running."""

    layout: Layout
    summary: Summary
    api: Api
    database: Engine
    output: str


@pytest.fixture(scope="module", params=["sandbox", pytest.param("live", marks=pytest.mark.live_demo)])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    layout = Layout(tmp_path_factory.mktemp("demo"))
    live = request.param == "live"
    if live:  # provisioned once for all
        HOME.mkdir(parents=True, exist_ok=True)
        layout.odoo.parent.mkdir()
        layout.odoo.symlink_to(HOME)
    for folder in ("dags", "plugins"):
        (layout.checkout / folder).symlink_to(CHECKOUT / folder)
    console = Console(record=True, width=120)
    try:
        summary, state = story.tell(layout, Progress(console), orders=40, seed=12, live=live)
        database = staging.connect(cluster_of(layout, state).url("magodoo"))
        yield Told(layout, summary, lifecycle.api(state), database, console.export_text())
        database.dispose()
    finally:
        lifecycle.down(layout)
    assert runner.marked(layout) == []


def test_what_was_planted_is_found_and_nothing_else(told: Told) -> None:
    assert told.summary.comparison.missed == []
    assert told.summary.comparison.unexpected == []


def test_nothing_failed_and_the_last_run_changed_nothing(told: Told) -> None:
    assert told.summary.good
    assert told.summary.figures()["changes"]["failed"] == 0
    assert told.summary.figures()["second_run"] == {"changes": 0}


@pytest.mark.parametrize(
    "kind",
    [
        "odoo_order_import", "odoo_order_cancel", "odoo_invoice", "odoo_payment", "odoo_delivery", "odoo_tracking",
        "odoo_credit_note", "magento_invoice", "magento_shipment",
    ],
)  # fmt: skip
def test_documents_were_written_in_both_directions(told: Told, kind: str) -> None:
    assert told.summary.changes[kind, "done"] > 0


def test_what_was_written_is_matched_and_equal_to_the_cent(told: Told) -> None:
    query = text(
        """
        select c.kind, c.source_number, m.grand_total, o.grand_total, p.rule from change c
        left join pair p on p.instance = c.instance and p.kind = c.document_kind and p.ended_at is null
             and c.source_id = case c.target when 'odoo' then p.magento_id else p.odoo_id end
        left join document m on m.instance = p.instance and m.side = 'magento' and m.kind = p.kind
             and m.source_id = p.magento_id
        left join document o on o.instance = p.instance and o.side = 'odoo' and o.kind = p.kind and o.source_id = p.odoo_id
        where c.state = 'done' and c.kind in ('odoo_order_import', 'odoo_invoice', 'odoo_delivery', 'odoo_credit_note',
                                              'magento_invoice', 'magento_shipment')
        """
    )
    with told.database.connect() as connection:
        rows = connection.execute(query).all()
    assert rows
    assert [row for row in rows if row[2] is None or row[2] != row[3]] == []


def test_no_document_has_two_counterparts(told: Told) -> None:
    query = text(
        "select instance, kind, magento_id, count(*) from pair where ended_at is null group by 1, 2, 3 having count(*) > 1"
    )
    with told.database.connect() as connection:
        assert connection.execute(query).all() == []


def test_every_run_succeeded_and_every_dag_is_on(told: Told) -> None:
    assert told.api.import_errors() == []
    dags = told.api.dags()
    assert not [dag_id for dag_id, dag in dags.items() if dag["is_paused"]]
    assert [run for dag_id in dags for run in told.api.runs(dag_id) if run.state == "failed"] == []


def test_the_mails_arrived(told: Told) -> None:
    mails = [file.read_text(errors="replace") for file in told.layout.mail.glob("*.eml")]
    assert len(mails) >= told.summary.mails > 0
    assert any("accounting@example.com" in mail for mail in mails)


def test_the_data_docs_can_be_opened(told: Told) -> None:
    assert list(told.layout.var.glob("data_docs/*/*/index.html"))


def test_the_summary_lies_in_its_file_and_the_steps_were_told(told: Told) -> None:
    assert json.loads((told.layout.demo / "summary.json").read_text()) == told.summary.figures()
    steps = story.STEPS + (2 if told.summary.odoo.startswith("Odoo 19") else 0)
    for number in range(1, steps + 1):
        assert f"[{number}/{steps}]" in told.output
