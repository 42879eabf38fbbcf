"""The whole chain on a real Airflow over a small shop, from seed to summary: what `make demo` does.

With the sandbox Odoo, and (`make test-demo-odoo`) with a real Odoo 19 in its place: the result is the same.
"""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from by_hand import BACKFILL, CHAIN, INSTANCE, PATIENCE, Hand
from rich.console import Console
from sqlalchemy import Engine, text

from magodoo import staging
from magodoo.errors import FixConfiguration
from magodoo_devstack import lifecycle, runner
from magodoo_devstack.airflow import Api, RunFailed
from magodoo_devstack.demo import story
from magodoo_devstack.demo.chain import KEY_FORMAT
from magodoo_devstack.demo.summary import Summary
from magodoo_devstack.environment import cluster_of
from magodoo_devstack.layout import Layout
from magodoo_devstack.live_odoo import HOME
from magodoo_devstack.progress import Progress

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
    (layout.checkout / "dags").symlink_to(CHECKOUT / "dags")
    console = Console(record=True, width=120)
    try:
        summary, state = story.run(layout, Progress(console), orders=40, seed=12, live=live)
        database = staging.connect(cluster_of(layout, state).url("magodoo"))
        yield Told(layout, summary, lifecycle.api(state), database, console.export_text())
        database.dispose()
    finally:
        lifecycle.down(layout)
    assert runner.marked(layout) == []


def test_exactly_the_planted_findings_are_found(told: Told) -> None:
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


def test_written_documents_are_matched_and_equal_to_the_cent(told: Told) -> None:
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


def test_the_expected_mails_arrived(told: Told) -> None:
    mails = [file.read_text(errors="replace") for file in told.layout.mail.glob("*.eml")]
    assert len(mails) >= told.summary.mails > 0
    assert any("accounting@example.com" in mail for mail in mails)


def test_a_statement_is_made_read_signed_by_name_and_mailed(told: Told) -> None:
    """The DAG by hand for the last month; then what an accountant does, over HTTP."""
    (instance,) = {dag_id.split("__")[1] for dag_id in told.api.dags() if dag_id.startswith("sales_load__")}
    month = f"{datetime.now(UTC).replace(day=1) - timedelta(days=1):%Y-%m}"
    run = told.api.trigger(f"sales_statement__{instance}", conf={"month": month})
    told.api.wait(f"sales_statement__{instance}", run_id=run, seconds=180)
    pages, session = f"{told.api.url}/magento/statement/{instance}/{month}", told.api.session
    page = session.get(pages, headers={"accept": "text/html"}, timeout=60)
    assert page.status_code == 200
    fields = dict(re.findall(r'name="(token|statement|seen)" value="(\w+)"', page.text))
    sent = session.post(
        f"{pages}/sign",
        data={**fields, "note": "seen by the test", "for_the_others": "seen by the test"},
        timeout=60,
        allow_redirects=False,
    )
    assert sent.status_code == 303, sent.text
    signed = session.get(pages, headers={"accept": "text/html"}, timeout=60).text
    assert "Signed by" in signed and "admin" in signed
    assert session.get(f"{pages}/statement.pdf", timeout=60).content.startswith(b"%PDF-")
    rows = list(
        csv.DictReader(io.StringIO(session.get(f"{pages}/documents.csv", timeout=60).content.decode("utf-8-sig")))
    )
    # The shop's thirty days may begin so late in the last month that nothing of it was invoiced then.
    nothing = ("There was nothing in this month.", "cannot be read")  # what was planted unreadable may be all of it
    assert any(words in page.text for words in (("Magento&#39;s total",) if rows else nothing))
    with told.database.connect() as connection:
        kept = connection.execute(
            text("select signed_by, hash, cast(body as jsonb) -> 'documents' ->> 'count' as n from statement")
        ).one()
    assert (kept.signed_by, kept.n) == ("admin", f"{len(rows)}"), "none, where the last month ended before the cut-over"
    assert kept.hash in signed
    (mail,) = [
        message for file in told.layout.mail.glob("*.eml")
        if f"statement of {month}" in (message := email.message_from_bytes(file.read_bytes(), policy=email.policy.default))["subject"]
    ]  # fmt: skip
    assert {part.get_filename() for part in mail.iter_attachments()} == {
        f"statement-{instance}-{month}.csv", f"statement-{instance}-{month}.pdf",
    }  # fmt: skip


def test_the_data_docs_can_be_opened(told: Told) -> None:
    assert list(told.layout.var.glob("data_docs/*/*/index.html"))


def test_the_demo_writes_its_summary_file_and_prints_its_steps(told: Told) -> None:
    assert json.loads((told.layout.demo / "summary.json").read_text()) == told.summary.figures()
    steps = story.STEPS + (2 if told.summary.odoo.startswith("Odoo 19") else 0)
    for number in range(1, steps + 1):
        assert f"[{number}/{steps}]" in told.output


# What a person does with the runs afterwards. What stands is a fixed point: whatever is run again must leave it as it is.


@pytest.fixture(scope="module")
def hand(told: Told) -> Hand:
    if told.summary.odoo != "sandbox":
        pytest.skip("which calls were made is known of the sandbox only")
    return Hand(told.layout, told.api, told.database)


@pytest.mark.by_hand
def test_clearing_every_task_of_every_dag_at_once_leaves_everything_as_it_is(hand: Hand) -> None:
    before = hand.end_state()
    runs = [hand.last_good(dag_id) for dag_id in (*CHAIN, f"sales_refresh__{INSTANCE}")]
    assert all(hand.clear(run.dag_id, run.run_id) for run in runs)
    for run in runs:
        assert hand.api.wait(run.dag_id, run_id=run.run_id, seconds=PATIENCE).state == "success"
    assert hand.end_state() == before


@pytest.mark.by_hand
@pytest.mark.parametrize("kind", ["odoo_order_import", "odoo_invoice", "magento_shipment"])
def test_clearing_the_task_that_wrote_writes_nothing_twice(hand: Hand, kind: str) -> None:
    before, dag_id = hand.end_state(), f"sales_load__{INSTANCE}"
    run = hand.ran(dag_id, kind)
    assert hand.clear(dag_id, run.run_id, [kind])
    hand.api.wait(dag_id, run_id=run.run_id, seconds=PATIENCE)
    assert hand.returned(dag_id, run.run_id, kind)["applied"] == 0
    assert hand.end_state() == before


@pytest.mark.by_hand
def test_every_dag_triggered_by_hand_without_a_window_says_what_it_does(hand: Hand) -> None:
    """All at once: with the schedule's runs, two and more runs of the chain work side by side."""
    before = hand.end_state()
    dag_ids = sorted(hand.api.dags().keys() - {BACKFILL})
    runs = {dag_id: hand.api.trigger(dag_id) for dag_id in (*dag_ids, *CHAIN)}
    for dag_id, run_id in runs.items():
        assert hand.api.wait(dag_id, run_id=run_id, seconds=PATIENCE).state == "success", dag_id
    assert "from the watermark on" in hand.log(CHAIN[0], runs[CHAIN[0]], "extract")
    with pytest.raises(FixConfiguration, match="400"):
        hand.api.trigger(BACKFILL)
    assert hand.end_state() == before


@pytest.mark.by_hand
def test_airflows_own_backfill_reads_its_windows_and_moves_no_watermark(hand: Hand) -> None:
    before = hand.end_state()
    first = (datetime.now(UTC) - timedelta(days=2)).replace(hour=6, minute=0, second=0, microsecond=0)
    keys = [(first + timedelta(minutes=15 * number)).strftime(KEY_FORMAT) for number in range(3)]
    for dag_id in CHAIN[:2]:
        hand.backfill(dag_id, first, first + timedelta(minutes=30))
    for dag_id in CHAIN[:2]:
        hand.wait_for_backfill(dag_id, keys)
    with hand.database.connect() as connection:
        windows = connection.execute(
            text("select stage, count(*) from run where window_from >= :first and window_to = window_from + interval '15 minutes'"
                 " and ok group by 1 order by 1"), {"first": first}
        ).all()  # fmt: skip
    assert [tuple(row) for row in windows] == [("magento_extract", 3), ("odoo_extract", 3)]
    assert hand.end_state() == before


@pytest.mark.by_hand
def test_airflows_own_backfill_of_one_side_triggers_nothing(hand: Hand) -> None:
    before = hand.end_state()
    first = (datetime.now(UTC) - timedelta(days=3)).replace(hour=6, minute=0, second=0, microsecond=0)
    hand.backfill_by_command(CHAIN[0], first, first)
    hand.wait_for_backfill(CHAIN[0], [first.strftime(KEY_FORMAT)])
    assert hand.api.runs(CHAIN[2], first.strftime(KEY_FORMAT)) == []
    assert hand.end_state() == before


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z", "before it starts"),
        ("2999-01-01T00:00:00Z", "2999-01-02T00:00:00Z", "future"),
        ("2001-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "wider than ten years"),
    ],
)
def test_a_backfill_with_a_bad_window_fails_at_once_and_says_why(hand: Hand, begin: str, end: str, said: str) -> None:
    run_id = hand.api.trigger(BACKFILL, conf={"from": begin, "to": end})
    with pytest.raises(RunFailed, match=said):
        hand.api.wait(BACKFILL, run_id=run_id, seconds=PATIENCE)
    assert hand.states(BACKFILL, run_id)["chunks"] == "failed"


@pytest.mark.by_hand
def test_a_stopped_backfill_resumes_and_finds_the_same(hand: Hand) -> None:
    before = hand.end_state()
    end = datetime.now(UTC).replace(microsecond=0)
    conf = {
        "from": (end - timedelta(days=3)).isoformat(),
        "to": end.isoformat(),
        "dry_run": False,
    }
    run_id = hand.api.trigger(BACKFILL, conf=conf)
    hand.wait_for_chunk(BACKFILL, run_id, 0)
    hand.stop(BACKFILL, run_id)
    assert hand.clear(BACKFILL, run_id)
    names = [hand.wait_for_chunk(BACKFILL, run_id, chunk) for chunk in range(3)]
    # The first one was done before it was stopped and is counted once.
    assert [name.split(": ")[1].split(", ")[0] for name in names] == [f"{done} of 3 chunks" for done in (1, 2, 3)]
    assert hand.api.wait(BACKFILL, run_id=run_id, seconds=PATIENCE).state == "success"
    told = hand.returned(BACKFILL, run_id, "report")
    assert (told["chunks"], told["chunks_done"], told["documents_changed"], told["changes_done"]) == (3, 3, 0, 0)
    assert told["documents_read"] > 0
    assert re.search(rf"{BACKFILL}</a>.*by hand.*chunks 3, chunks done 3", hand.page("?instance=us"))
    assert hand.end_state() == before
