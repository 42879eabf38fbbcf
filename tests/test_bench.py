"""The benchmarks at their smallest: every contestant of ours does the work and gets the right result; time fails nothing.

The competitors (dlt, datacompy, odoorpc) are in an environment of their own that a test machine need not have: `make bench` runs
them. What needs a live Odoo 19 (odoo-read, load) is measured there too.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bench import (
    chain,
    contest,
    crowd,
    entry,
    extract,
    pages,
    pg_copy,
    quality,
    reconcile,
    report,
    sales,
    scale,
    shop,
    stage,
    statement,
)
from bench.contest import Contestant, WrongResult
from sqlalchemy import create_engine

from magodoo_devstack.airflow import Api
from magodoo_devstack.demo.chain import Chain
from magodoo_devstack.state import State
from magodoo_sandbox.magento import MagentoShop, RunningSandbox

SMALL = 1_000


def test_headers_with_lines_and_the_whole_step_agree(new_staging: Callable[[], str]) -> None:
    url = new_staging()
    sales.fill(url, SMALL)
    headers, lines, step = reconcile.headers(SMALL), reconcile.with_lines(SMALL), reconcile.step(url)
    assert headers.result["both"] == lines.result["pairs"] == step.result["pairs"] > SMALL / 3
    assert headers.result["differing"] > 0
    assert lines.result["findings"] == step.result["findings"]
    assert lines.result["changes"] == step.result["changes"] > 0


def test_the_checks_find_the_same_with_and_without_great_expectations(new_staging: Callable[[], str]) -> None:
    url = new_staging()
    sales.fill(url, SMALL)
    reconcile.step(url)
    contest.VAR.mkdir(parents=True, exist_ok=True)
    assert quality.ours(url).result == quality.selects(url).result


def test_the_ways_to_copy_rows_leave_the_same_rows(staging_url: str) -> None:
    results = [work(staging_url, 50).result for work in (pg_copy.ours, pg_copy.csv_module, pg_copy.psycopg_3)]
    assert results[0] == results[1] == results[2]


def test_staging_copy_and_to_sql_leave_the_same_rows(new_staging: Callable[[], str]) -> None:
    results = [work(new_staging(), 300).result for work in (stage.ours, stage.copy, stage.to_sql)]
    assert results[0] == results[1] == results[2]


def test_extraction_stages_every_document_of_the_shop(new_staging: Callable[[], str]) -> None:
    made = json.loads(shop.made(20).read_text(encoding="utf-8"))
    with RunningSandbox(MagentoShop.load(shop.made(20))) as running:
        took = extract.ours(running.url, running.token, new_staging())
    assert {name: told[0] for name, told in took.result.items()} == {name: len(made[name]) for name in took.result}


def test_a_month_is_explained_without_remainder(new_staging: Callable[[], str]) -> None:
    url = new_staging()
    pages.fill(url, 60)
    statement.into_october(url)
    found = statement.made(url).result
    assert (found["unexplained"], found["left"]) == (False, 0)
    assert found["documents"] > 60


def test_another_result_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([{"n": 1}, {"n": 2}])
    told = {"seconds": 1.0, "cpu": 1.0, "peak_mb": 1.0, "more": {}}
    monkeypatch.setattr(contest, "run", lambda *words, **options: {**told, "result": next(answers)})
    with pytest.raises(WrongResult, match="theirs"):
        contest.hold([Contestant("ours", "a:b"), Contestant("theirs", "c:d")], 1)


def test_a_ratio_is_measured_per_round_because_machine_speed_drifts() -> None:
    quick_then_slow, half = {"all_seconds": [1.0, 4.0, 2.0]}, {"all_seconds": [0.5, 2.0, 1.0]}
    assert contest.ratio(quick_then_slow, half) == 2.0
    assert contest.ratio(quick_then_slow, {"all_seconds": [0.25]}) == 4.0  # a contestant that runs less often


def test_a_contestant_that_hangs_is_killed() -> None:
    with pytest.raises(RuntimeError, match="longer than 2 s"):
        contest.run("signal:pause", {}, longest=2)


def test_linear_work_has_exponent_1_and_quadratic_work_2() -> None:
    assert scale.exponent({1000: 1.0, 2000: 2.0, 4000: 4.0}) == 1.0
    assert scale.exponent({1000: 1.0, 2000: 4.0, 4000: 16.0}) == 2.0


def test_the_work_of_stages_that_overlap_counts_once_and_only_until_the_document_is_there() -> None:
    at = [datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in range(10)]
    spans = [(at[5], at[9]), (at[0], at[3]), (at[2], at[4]), (at[2], at[3])]
    assert chain.worked(spans, at[1], at[7]) == 5.0


def test_the_orders_of_the_chain_can_be_invoiced_in_magento(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(chain, "VAR", tmp_path)
    layout, state = chain.layout_of_its_own(), State(demo=True)
    orders = chain.seed(layout, state, 5, 2)
    with RunningSandbox(MagentoShop.load(layout.demo / "magento.json")) as running:
        state.urls["magento"], state.secrets.magento_token = running.url, running.token
        found = chain.Running(Chain(Api("http://nobody", "", ""), []), state, create_engine("postgresql://"), orders)
        told = [found.invoice(order) for order in orders]
        assert [running.shop.tables.invoices[number]["order_id"] for number, _ in told] == orders
    assert all(total > 0 for _, total in told)


def test_the_page_says_what_the_results_say(tmp_path: Path) -> None:
    page, evidence, results = tmp_path / "page.md", tmp_path / "evidence.md", tmp_path / "results.json"
    for told in (page, evidence):
        told.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    entry.write("stage", entry.Entry(6.0, 0.5, {}, {}, 1000, 5), file=results)
    report.write(page, evidence, results)
    text = page.read_text(encoding="utf-8")
    assert "| stage | throughput, of to_sql's | 6 | ≥ 5 |  |" in text
    assert "| stage | throughput, of bare COPY's | 0.5 | ≥ 0.6 | missed |" in text
    assert "old" not in text and text.startswith("before") and text.endswith("after\n")
    assert "| stage | 1,000 | 5 |" in evidence.read_text(encoding="utf-8") and "| 1,000 |" not in text


def test_the_committed_page_is_made_from_the_committed_results() -> None:
    assert report.table(entry.read()) in report.PAGE.read_text(encoding="utf-8")
    assert report.machines(entry.read()) in report.EVIDENCE.read_text(encoding="utf-8")


def test_the_crowd_misbehaves_in_each_of_its_ways_and_leaves_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "CROWD", dict.fromkeys(crowd.CROWD, 2))
    asked: Counter[tuple[str, str, bytes]] = Counter()

    class Pages(BaseHTTPRequestHandler):
        """Answers each request with a page; of a form it takes the first byte."""

        def do_GET(self) -> None:
            asked["GET", self.path, b""] += 1
            body = b"x" * 100_000
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            asked["POST", self.path, self.rfile.read(1)] += 1
            self.send_error(408)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    monkeypatch.setattr(server, "handle_error", lambda *_: None)  # those who left
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        viewers = crowd.Crowd(f"http://127.0.0.1:{server.server_port}", "a token", 3)
        began = time.monotonic()
        asyncio.run(viewers.misbehave())
        took = time.monotonic() - began
    finally:
        server.shutdown()
        server.server_close()
    assert 3 <= took < 10
    assert asked["GET", "/magento/findings.csv?tab=all", b""] == 2, "each takes 100 s to read its file"
    assert asked["POST", "/magento/changes/approve", b"a"] >= 2
    assert {path for _, path, _ in asked} >= {f"/magento{page}" for page in crowd.PAGES}
    assert viewers.kinds["left"] > 2 and viewers.kinds["200"] > 2 and viewers.kinds["408"] >= 2
