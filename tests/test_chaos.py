"""The chaos campaign's own parts: its verdict, its plan, what it counts and writes. `make chaos` runs it on the whole stack."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chaos import __main__ as page
from chaos import campaign, disturbances
from chaos.campaign import Campaign, Totals
from chaos.stage import Stage
from chaos.verdict import ZERO, Verdict, judge
from faults import history
from faults.history import History
from faults.stage import POLICY
from faults.worker import chain
from load_lab import Lab, lab

from magodoo_devstack.postgres import Cluster


@pytest.fixture
def made(new_staging: Callable[[], str], postgres: Cluster) -> Iterator[Lab]:
    url = new_staging()
    with lab(url, **POLICY) as made:
        yield made
    postgres.drop_database(url.rsplit("/", 1)[1])


def paid_and_shipped(made: Lab) -> History:
    """An order whose invoice, payment and shipment were made in Magento."""
    order = made.order({"A": 2}, payment="card")
    items = {item: 2 for item in made.items(order).values()}
    return History(order, "card", "magento", [made.shop.invoice(order)], [made.shop.ship(order, items)])


def run(made: Lab, *orders: History) -> None:
    chain(made.context, [str(each.order) for each in orders])
    made.load()


def row_of(made: Lab, model: str, domain: list[Any]) -> Any:
    (found,) = made.records(model, "id", domain)
    return made.db.tables[model][found["id"]]


def double_the_order(made: Lab, order: History) -> None:
    (sale,) = history.sales_of(made, order)
    (partner,) = made.records("sale.order", "partner_id", [["id", "=", sale["id"]]])
    number = made.shop.order(order.order)["increment_id"]
    values = {"partner_id": partner["partner_id"][0], "client_order_ref": number}
    made.db.call("sale.order", "create", vals_list=[values])


def take_the_invoice_away(made: Lab, order: History) -> None:
    made.db.models["account.move"].erase(
        made.db.env("admin"), [row_of(made, "account.move", [["move_type", "=", "out_invoice"]])["id"]]
    )


def change_the_amount(made: Lab, order: History) -> None:
    made.shop.tables.invoices[order.invoices[0]]["grand_total"] += Decimal(1)


def change_the_quantity(made: Lab, order: History) -> None:
    made.shop.tables.shipments[order.shipments[0]]["items"][0]["qty"] = 1


def make_the_invoice_a_draft(made: Lab, order: History) -> None:
    row_of(made, "account.move", [["move_type", "=", "out_invoice"]])["state"] = "draft"


def make_the_order_a_draft(made: Lab, order: History) -> None:
    row_of(made, "sale.order", [])["state"] = "draft"


def make_the_payment_a_draft(made: Lab, order: History) -> None:
    row_of(made, "account.payment", [])["state"] = "draft"


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (double_the_order, "duplicates"),
        (take_the_invoice_away, "lost"),
        (change_the_amount, "wrong"),
        (change_the_quantity, "wrong"),
        (make_the_invoice_a_draft, "stuck"),
        (make_the_order_a_draft, "stuck"),
        (make_the_payment_a_draft, "stuck"),
    ],
)
def test_a_doubled_lost_wrong_or_half_done_document_is_detected(
    made: Lab, damage: Callable[[Lab, History], None], kind: str
) -> None:
    order = paid_and_shipped(made)
    run(made, order)
    assert judge(made, [order]) == Verdict()
    damage(made, order)
    verdict = judge(made, [order])
    assert getattr(verdict, kind) > 0, verdict
    assert verdict.lines


def test_what_was_not_written_yet_is_lost(made: Lab) -> None:
    verdict = judge(made, [paid_and_shipped(made)])
    assert (verdict.lost, verdict.duplicates, verdict.wrong) == (1, 0, 0)


class ChainInProcess:
    """A stage whose chain is run here, and whose disturbances are the test's own."""

    def __init__(self, made: Lab, works: bool = True) -> None:
        self.made, self.works, self.orders = made, works, list[str]()
        self.backups: list[Path] = []
        self.mended = 0

    def run_chain(self) -> str:
        if self.works:
            self.orders = [str(number) for number in self.made.shop.tables.orders]
            chain(self.made.context, self.orders)
            self.made.load()
        return "" if self.works else "the extract failed"

    def mend(self) -> None:
        self.mended += 1

    writes = Stage.writes


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """No disturbance but those of this test, none waited for."""
    struck: Counter[str] = Counter()

    def strike(name: str, strikes: bool) -> Any:
        def disturb(*_: Any) -> bool:
            struck[name] += 1
            return strikes

        return disturb

    monkeypatch.setattr(disturbances, "DURING", {"one": strike("one", True), "none there": strike("none there", False)})
    monkeypatch.setattr(disturbances, "BEFORE", {"before": strike("before", True)})
    monkeypatch.setattr(disturbances, "back_up", lambda stage: stage.backups.append(Path("backup")))
    monkeypatch.setattr(campaign, "LATEST", 0)
    return struck


def test_a_campaign_counts_what_struck_and_finds_nothing_wrong(
    made: Lab, quiet: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = [("", ["one", "none there"]), ("before", ["one"])]
    monkeypatch.setattr(disturbances, "plan", lambda number, dice: iter(rounds[:number]))
    stage = ChainInProcess(made)
    (*_, totals) = Campaign(stage, seed=3, report=lambda line: None).run(2)  # type: ignore[arg-type]
    assert totals.verdict == Verdict(), str(totals.verdict)
    assert (totals.rounds, totals.orders, stage.mended) == (2, len(stage.orders), 2)
    assert (totals.struck, totals.missed) == (Counter(one=2, before=1), Counter({"none there": 1}))
    assert quiet == totals.struck + totals.missed
    assert totals.calls == len(stage.writes()) > totals.orders


def test_what_stays_wrong_is_counted_once(made: Lab, quiet: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    stage = ChainInProcess(made)
    made_campaign = Campaign(stage, seed=3, report=lambda line: None)  # type: ignore[arg-type]
    rounds = made_campaign.run(2)
    next(rounds)
    monkeypatch.setattr(campaign, "MOST_RUNS", 1)
    monkeypatch.setattr(campaign, "CALM", 1)
    double_the_order(made, made_campaign.orders[0])
    *_, totals = rounds
    assert [getattr(totals.verdict, name) for name in ZERO] == [1, 0, 0, 1]  # doubled; and the second one is a draft
    assert totals.rounds == 2


def test_a_chain_that_never_succeeds_is_stuck(made: Lab, quiet: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "MOST_RUNS", 2)
    monkeypatch.setattr(campaign, "CALM", 1)
    stage = ChainInProcess(made, works=False)
    *_, totals = Campaign(stage, seed=1, report=lambda line: None).run(1)  # type: ignore[arg-type]
    assert totals.verdict.lost == totals.orders
    assert totals.verdict.stuck == 1
    assert totals.failed_runs == totals.runs
    assert "the extract failed" in totals.verdict.lines[-1]


def test_an_error_of_a_disturbance_ends_the_campaign(
    made: Lab, quiet: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would count as a round in which nothing happened."""

    def broken(*_: Any) -> bool:
        raise FileNotFoundError("umount")

    monkeypatch.setattr(disturbances, "DURING", {"broken": broken})
    with pytest.raises(FileNotFoundError):
        next(Campaign(ChainInProcess(made), seed=1, report=lambda line: None).run(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(1, 6))
def test_thirty_rounds_have_every_disturbance_at_least_three_times(seed: int) -> None:
    planned = list(disturbances.plan(30, random.Random(seed)))
    during = Counter(name for _, names in planned for name in names)
    before = Counter(name for name, _ in planned if name)
    assert len(planned) == 30
    assert set(during) == set(disturbances.DURING) and min(during.values()) >= 3
    assert set(before) == set(disturbances.BEFORE) and min(before.values()) >= 3


def test_a_process_that_ended_was_not_killed() -> None:
    stage = SimpleNamespace(backups=[])
    assert disturbances.kill(0) is False
    assert disturbances.kill(2**22 + 1) is False
    assert disturbances.restore_a_backup(stage, random.Random(1), lambda: None) is False  # type: ignore[arg-type]


@pytest.mark.parametrize("felt", [True, False])
def test_a_full_disk_counts_when_the_database_felt_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, felt: bool
) -> None:
    log = tmp_path / "postgres.log"
    log.write_text("of an earlier one: No space left on device\n")

    def pass_time(seconds: float) -> None:
        log.write_text(log.read_text() + ("PANIC: No space left on device\n" if felt else "LOG: checkpoint\n"))

    monkeypatch.setattr(disturbances, "time", SimpleNamespace(sleep=pass_time))
    done: list[str] = []
    disk = SimpleNamespace(fill=lambda: done.append("filled"), free=lambda: done.append("freed"))
    stage: Any = SimpleNamespace(layout=SimpleNamespace(log=tmp_path), disk=disk)
    assert disturbances.fill_disk(stage, random.Random(1)) is felt
    assert done == ["filled", "freed"]


OF = page.Circumstances("abc1234", "make chaos ROUNDS=30 SEED=1", datetime(2026, 12, 1, tzinfo=UTC), 51.2, "2 cores")


def test_the_evidence_names_commit_command_counts_and_verdict() -> None:
    totals = Totals(rounds=30, orders=150, verdict=Verdict(duplicates=1, lines=["000000012 orders: two"]))
    totals.struck["task killed"] = 7
    text = page.table(totals.as_json(), OF)
    for part in (
        "commit abc1234", "1 December 2026", "51 minutes", "`make chaos ROUNDS=30 SEED=1`", "| rounds | 30 |", "| task killed | 7 |",
        "| duplicates | **1** |", "| lost | **0** |", "- 000000012 orders: two",
    ):  # fmt: skip
        assert part in text
    for name in (*disturbances.DURING, *disturbances.BEFORE):
        assert f"| {name} |" in text


def test_the_page_of_evidence_has_a_place_for_a_campaign_and_another_text_has_none() -> None:
    there = page.PAGE.read_text(encoding="utf-8")
    assert "\n\nnew\n\n" in page.replaced(there, "new")
    assert page.replaced(page.replaced(there, "new"), "newer") == page.replaced(there, "newer")
    with pytest.raises(ValueError, match="no place"):
        page.replaced("# Nothing", "new")
