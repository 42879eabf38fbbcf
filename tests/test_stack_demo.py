"""The demo's own parts: it judges strictly, hides the answers, and writes its summary in a fixed shape."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine, text

from magodoo import staging
from magodoo.errors import FixConfiguration
from magodoo.settings import read_settings
from magodoo_devstack.airflow import Api, Run
from magodoo_devstack.demo import comparison, shop, story
from magodoo_devstack.demo.chain import EXTRACTS, STAGES, Chain
from magodoo_devstack.demo.summary import Summary
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State
from magodoo_sandbox.seed.manifest import Manifest


@pytest.fixture
def database(staging_url: str) -> Iterator[Engine]:
    engine = staging.connect(staging_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, State, Manifest]:
    layout, state = Layout(tmp_path_factory.mktemp("demo")), State(demo=True)
    return layout, state, shop.seed(layout, state, orders=20, seed=3)


def find(database: Engine, **columns: object) -> None:
    values = {"instance": "us", "severity": "warning", "kind": "invoice", "message": "", "part": ""} | columns
    names = ", ".join(values)
    with database.begin() as connection:
        connection.execute(text(f"insert into finding ({names}) values ({', '.join(f':{n}' for n in values)})"), values)


def test_found_equals_planted_by_type_document_and_amounts(database: Engine) -> None:
    manifest = Manifest()
    manifest.add("total_mismatch", "invoice", "000000012", "12.50", "12.51")
    manifest.add("missing_in_magento", "invoice", "INV/2026/00007", None, "8")
    find(database, type="total_mismatch", magento_id="7", magento_number="000000012", odoo_id="3",
         odoo_number="INV/2026/00003", magento_amount=125000, odoo_amount=125100)  # fmt: skip
    find(database, type="missing_in_magento", odoo_id="4", odoo_number="INV/2026/00007", odoo_amount=80000)

    assert comparison.compare(manifest, database).equal


def test_a_cent_too_much_is_a_difference(database: Engine) -> None:
    manifest = Manifest()
    manifest.add("missing_in_odoo", "invoice", "000000012", "12.50")
    find(database, type="missing_in_odoo", magento_id="7", magento_number="000000012", magento_amount=125100)

    compared = comparison.compare(manifest, database)

    assert not compared.equal
    assert [entry.magento_amount for entry in compared.missed] == ["12.5"]
    assert [entry.magento_amount for entry in compared.unexpected] == ["12.51"]


def test_a_finding_that_is_resolved_by_now_was_found_all_the_same(database: Engine) -> None:
    manifest = Manifest()
    manifest.add("deleted", "shipment", "000000012", later=True)
    find(database, type="deleted", kind="shipment", magento_id="7", magento_number="000000012",
         resolved_at="2026-01-01T00:00:00Z")  # fmt: skip
    assert comparison.compare(manifest, database).equal


def test_only_changes_since_the_given_moment_count_as_the_second_run(database: Engine) -> None:
    def done(source: str) -> None:
        with database.begin() as connection:
            connection.execute(
                text(
                    "insert into change (instance, kind, target, step, order_key, source_id, document_kind, state, "
                    "request_hash, finished_at) values ('us', 'odoo_invoice', 'odoo', 1, '1', :source, 'invoice', "
                    "'done', 'h', clock_timestamp())"
                ),
                {"source": source},
            )

    done("1")
    moment = comparison.clock(database)
    assert comparison.changes(database, since=moment).total() == 0
    done("2")
    assert comparison.changes(database, since=moment) == Counter({("odoo_invoice", "done"): 1})
    assert comparison.changes(database) == Counter({("odoo_invoice", "done"): 2})


def good_summary() -> Summary:
    manifest = Manifest()
    manifest.add("total_mismatch", "invoice", "1", "1", "2")
    planted = frozenset(manifest.planted)
    return Summary(
        documents={"magento": {"order": 3}, "odoo": {"order": 2, "credit_memo": 1}},
        comparison=comparison.Comparison(planted, planted),
        changes=Counter({("odoo_invoice", "done"): 4, ("odoo_invoice", "refused"): 1}),
        second_run=Counter(),
        remaining=[("total_mismatch", "[a reason]", 1)],
        mails=2,
        airflow_url="http://localhost:8080",
        seconds={"install": 0, "start": 20.04, "chain": 50, "total": 70.06},
    )


def test_the_summary_file_has_the_agreed_shape(tmp_path: Path) -> None:
    good_summary().save(tmp_path / "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text()) == {
        "odoo": "sandbox",
        "documents": {"magento": {"order": 3}, "odoo": {"order": 2, "credit_memo": 1}},
        "planted": {"total_mismatch": 1},
        "found": {"total_mismatch": 1},
        "changes": {"applied": 4, "failed": 0, "refused": 1},
        "second_run": {"changes": 0},
        "mails": 2,
        "airflow_url": "http://localhost:8080",
        "seconds": {"install": 0, "start": 20.0, "chain": 50, "total": 70.1},
    }


def test_the_demo_passes_only_if_all_is_found_nothing_failed_and_the_last_run_wrote_nothing() -> None:
    good = good_summary()
    assert good.good
    assert not dataclasses.replace(good, comparison=comparison.Comparison(good.comparison.planted, frozenset())).good
    assert not dataclasses.replace(good, changes=Counter({("odoo_invoice", "uncertain"): 1})).good
    assert not dataclasses.replace(good, second_run=Counter({("odoo_invoice", "done"): 1})).good


def test_the_summary_page_shows_missed_findings() -> None:
    good = good_summary()
    console = Console(record=True, width=120)
    missed = dataclasses.replace(good, comparison=comparison.Comparison(good.comparison.planted, frozenset()))
    missed.show(console)
    page = console.export_text()
    assert "planted, not found: total_mismatch invoice 1" in page
    assert "[a reason]" in page


def test_the_expected_findings_are_in_no_file_while_the_chain_runs(seeded: tuple[Layout, State, Manifest]) -> None:
    layout, _, manifest = seeded
    assert manifest.planted and manifest.later
    assert {file.name for file in layout.var.rglob("*")} == {"demo", "magento.json", "odoo.json", "magodoo.yaml"}
    for file in layout.demo.iterdir():
        assert "will_ship_too_much" not in file.read_text(encoding="utf-8")


def test_switching_to_apply_changes_the_mode_and_nothing_else(seeded: tuple[Layout, State, Manifest]) -> None:
    layout = seeded[0]
    before = read_settings(layout.demo_settings).instances
    shop.switch_to_apply(layout)
    after = read_settings(layout.demo_settings).instances
    for name, instance in after.items():
        assert instance.mode.any_apply and not before[name].mode.any_apply
        assert instance.model_copy(update={"mode": before[name].mode}) == before[name]


def test_the_demo_never_removes_the_data_of_another_shop(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    State(settings=tmp_path / "real-shop.yaml").save(layout.stack / "stack.json")
    with pytest.raises(FixConfiguration, match="real-shop"):
        story.run(layout, Progress(Console(quiet=True)), orders=1, seed=1)
    assert (layout.stack / "stack.json").exists()


class RecordingApi(Api):
    """An Airflow in which every run succeeds at once."""

    def __init__(self, scheduled: dict[str, str], lost: int = 0) -> None:
        super().__init__("http://airflow.invalid", "", "")
        self.lost = lost
        self.scheduled = scheduled
        self.triggered: list[tuple[str, str | None]] = []
        self.waited: list[tuple[str, str | None]] = []

    def runs(self, dag_id: str, partition_key: str | None = None) -> list[Run]:
        if partition_key:
            self.lost -= 1
            return [] if self.lost >= 0 else [Run(dag_id, "asset_triggered", "running", partition_key, None)]
        key = self.scheduled.get(dag_id)
        return [Run(dag_id, f"scheduled__{key}", "success", key, 1.0)] if key else []

    def trigger(self, dag_id: str, partition_key: str | None = None, conf: object = None) -> str:
        self.triggered.append((dag_id, partition_key))
        return "manual"

    def wait(self, dag_id: str, **which: object) -> Run:
        self.waited.append((dag_id, str(which.get("partition_key"))))
        return Run(dag_id, "", "success", None, 1.0)


def test_every_round_of_the_chain_has_a_partition_of_its_own_and_waits_for_all_stages() -> None:
    api = RecordingApi({})
    chain = Chain(api, ["eu", "us"])
    first, second = chain.run(), chain.run()
    assert first != second
    assert api.triggered[:4] == [(f"{name}__{id_}", first) for name in EXTRACTS for id_ in ("eu", "us")]
    assert api.waited[:10] == [(f"{name}__{id_}", first) for name in (*EXTRACTS, *STAGES) for id_ in ("eu", "us")]


def test_the_first_round_is_the_one_that_the_scheduler_starts_by_itself() -> None:
    api = RecordingApi({f"{name}__us": "2026-11-22T16:15" for name in EXTRACTS})
    assert Chain(api, ["us"]).run_first() == "2026-11-22T16:15"
    assert api.triggered == []


def test_extracts_that_got_different_partitions_are_started_again_together() -> None:
    api = RecordingApi({"magento_extract__us": "2026-11-22T16:15", "odoo_extract__us": "2026-11-22T16:30"})
    key = Chain(api, ["us"]).run_first()
    assert api.triggered == [(f"{name}__us", key) for name in EXTRACTS]


def test_a_second_chain_of_an_airflow_takes_no_partition_of_the_first() -> None:
    """It would take the stages that ended long ago for those of its own run."""
    first = Chain(RecordingApi({}), ["us"]).run()
    api = RecordingApi({"odoo_extract__us": first})
    second = Chain(api, ["us"]).run()
    assert second != first
    assert api.triggered == [(f"{name}__us", second) for name in EXTRACTS]


def test_a_lost_trigger_costs_one_more_partition() -> None:
    api = RecordingApi({}, lost=1)
    told: list[str] = []
    key = Chain(api, ["us"], wake_up_seconds=0).run(told.append)
    assert len({partition for _, partition in api.triggered}) == 2
    assert api.triggered[-1] == ("odoo_extract__us", key)
    assert [which for which in api.waited if which[0] == "sales_load__us"] == [("sales_load__us", key)]
    assert any("once more" in line for line in told)
