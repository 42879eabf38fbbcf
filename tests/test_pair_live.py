"""The acceptance on a real pair: a live Magento and a live Odoo 19 that a running Airflow connects (`make test-pair`).

Two Airflow connections, one settings file, the provisioning that preflight lists. Each side holds documents that the other lacks; after
one run in `apply` they agree or a finding says why not, and a second run changes nothing. What came of it is read from the two
systems; only what was reported stands in the pipeline's tables.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from subprocess import CompletedProcess

import pytest
from live_shop import FIXED_APART, LiveShop, missing_login
from pair_live import INSTANCE, Deployment, Lacking, People, Row, connections, deployment, settings_file
from pair_orders import (
    TYPED,
    both,
    invoice_to_race_for,
    memo_to_race_for,
    only_authorised,
    only_in_magento,
    only_in_odoo,
)

from magodoo.connectors.magento import MagentoClient
from magodoo.connectors.odoo.client import OdooClient
from magodoo.context import Context
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixDocument
from magodoo.ledger import checkpoints
from magodoo.pipeline import extract, load, quality, reconcile
from magodoo.settings import read_settings
from magodoo_devstack.live_odoo import live_odoo

pytestmark = [
    pytest.mark.live_pair,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(bool(missing_login()), reason=f"not run: {missing_login()}"),
]


@dataclass
class Accepted:
    """The pair after its one run, and what was seen on the way."""

    people: People
    deployment: Deployment
    tested: dict[str, Row] = field(default_factory=dict)
    unprepared: CompletedProcess[str] | None = None
    prepared: CompletedProcess[str] | None = None
    after_one: dict[str, tuple[Row, Row]] = field(default_factory=dict)
    other_company: dict[str, list[Row]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accepted]:
    folder = tmp_path_factory.mktemp("pair")
    shop = LiveShop()
    shop.provision()
    with live_odoo() as odoo, pytest.MonkeyPatch.context() as environ:
        environ.setenv("MAGODOO_DATA_DOCS", str(folder / "docs"))
        people = People(shop, odoo)
        for enter in (only_in_magento, only_in_odoo, both):
            enter(people)
        if os.environ.get("MAGENTO_SQL"):
            only_authorised(people)
        people.enter_twin("whole")
        lacking = Lacking(people)
        lacking.take_away()
        with deployment(folder, settings_file(folder, people.begun), environ) as stack:
            made = Accepted(people, stack, other_company=people.of_other_company())
            for name, fields in connections(people).items():
                stack.connect(name, **fields)
                made.tested[name] = stack.press_test(name, **fields)
            made.unprepared = stack.preflight()
            lacking.give_back()
            made.prepared = stack.preflight()
            stack.chain.switch_on()
            stack.chain.run_first()
            stack.chain.settle()
            made.after_one = {name: people.account(name) for name in people.orders}
            yield made


def test_the_connections_test_button_knows_both_systems(pair: Accepted) -> None:
    for name, answer in pair.tested.items():
        assert answer["status"], (name, answer)


@pytest.mark.parametrize(
    ("check", "todo"),
    [
        ("Odoo: delivery key", "Settings, Technical, Fields: x_magento_key"),
        ("Mappings: service products", "take SHIPDISC out of the archive"),
        ("Mappings: taxes", "take 'DE 19%' out of the archive"),
        ("Books: payment journals", "set an outstanding (clearing) account"),
    ],
)
def test_preflight_lists_missing_prerequisites(pair: Accepted, check: str, todo: str) -> None:
    assert pair.unprepared is not None
    assert pair.unprepared.returncode == 1
    told = pair.unprepared.stdout
    assert re.search(rf"^error\s+us\s+{check}", told, re.MULTILINE), told
    assert todo in " ".join(told.split()), told


def test_preflight_passes_once_everything_is_prepared(pair: Accepted) -> None:
    assert pair.prepared is not None
    assert pair.prepared.returncode == 0, pair.prepared.stdout + pair.prepared.stderr
    assert not re.search(r"^error ", pair.prepared.stdout, re.MULTILINE), pair.prepared.stdout


BOTH = ("whole", "transfer", "kinds", "coupon", "euro", "virtual", "parts", "refunded", "euro refunded", "billed", "billed by hand",
        "billed kinds", "billed apart", "delivered in part", "late track", "typed number", "apart", "apart refunded")  # fmt: skip


@pytest.mark.parametrize("name", BOTH)
def test_after_one_run_both_systems_hold_the_same_documents(pair: Accepted, name: str) -> None:
    shop, books = pair.after_one[name]
    assert shop == books, reported(pair, name)
    assert any(shop.values()), "nothing was compared"


def test_of_a_bundle_that_ships_separately_the_parts_left(pair: Accepted) -> None:
    """Both ways: the parcels of the shop as it lists them, and Odoo's delivery as the parts that Magento ships."""
    people = pair.people
    assert people.pieces_sent(people.orders["apart"]) == [{"LIVE-A": 2, "LIVE-B": 1, FIXED_APART: 1}, {"LIVE-B": 3}]
    (shipment,) = people.in_magento(people.orders["billed apart"])[Kind.SHIPMENT]
    assert int(shipment["total_qty"]) == 9, "2 and 4 parts of the one, 1 and 2 of the other"


def test_a_number_arrives_as_it_was_typed(pair: Accepted) -> None:
    people = pair.people
    (picking,) = people.in_odoo(people.orders["typed number"])["pickings"]
    assert picking["carrier_tracking_ref"] == TYPED
    order = people.orders["billed"]
    (shipment,) = people.in_magento(order)[Kind.SHIPMENT]
    assert [track["track_number"] for track in shipment["tracks"]] == [f"dhl {order} x"]


@pytest.mark.parametrize(
    ("name", "place"), [("whole", ("Austin", "Texas (US)", "US")), ("euro", ("Berlin", "Berlin (DE)", "DE"))]
)
def test_the_region_is_odoos_state_and_the_city_stays_the_city(
    pair: Accepted, name: str, place: tuple[str, str, str]
) -> None:
    assert pair.people.ships_to(pair.people.orders[name]) == place


@pytest.mark.skipif(not os.environ.get("MAGENTO_SQL"), reason="not run: MAGENTO_SQL is not given")
def test_money_that_is_only_authorised_is_named(pair: Accepted) -> None:
    (finding,) = [row for row in reported(pair, "only authorised") if row.get("type") == "capture_needed"]
    assert finding["kind"] == "order"
    assert not pair.people.in_magento(pair.people.orders["only authorised"])[Kind.INVOICE]


def test_documents_that_must_not_be_written_are_not(pair: Accepted) -> None:
    assert not pair.people.in_odoo(pair.people.orders["pending"])["sales"], (
        "a pending cheque is imported when it is paid"
    )
    assert not pair.people.in_odoo(pair.people.orders["cancelled"])["sales"]


def test_the_other_company_of_the_same_odoo_is_left_alone(pair: Accepted) -> None:
    """It holds an order with the number of one of the shop's; that one was imported all the same, into its own company."""
    assert [row["state"] for row in pair.other_company["sale.order"]] == ["sale"]
    assert pair.people.of_other_company() == pair.other_company
    assert len(pair.people.in_odoo(pair.people.orders["whole"])["sales"]) == 1


def test_every_remaining_difference_is_a_finding(pair: Accepted) -> None:
    """No change is left without an end, and no document differs unless a finding names its order."""
    left = "select kind, source_number, state, reason from change where state not in ('done', 'superseded')"
    assert pair.deployment.sql(left) == []
    differing = {name for name, (shop, books) in pair.after_one.items() if shop != books}
    assert differing == {"wrong price"}
    told = reported(pair, "wrong price")
    assert {(row["type"], row["kind"]) for row in told} >= {("total_mismatch", "invoice")}, told


def test_a_second_run_changes_nothing(pair: Accepted) -> None:
    before, known = pair.people.state(), changes(pair)
    pair.deployment.chain.run()
    pair.deployment.chain.settle()
    assert changes(pair) == known
    assert pair.people.state() == before
    assert {name: pair.people.account(name) for name in pair.people.orders} == pair.after_one


def test_no_run_failed(pair: Accepted) -> None:
    api = pair.deployment.api
    assert api.import_errors() == []
    assert [api.describe_failure(run) for dag in api.dags() for run in api.runs(dag) if run.state == "failed"] == []


def changes(pair: Accepted) -> list[Row]:
    """What was written, and to what."""
    return pair.deployment.sql(
        "select kind, source_id, state, target_id from change where state <> 'superseded' order by kind, source_id"
    )


def reported(pair: Accepted, name: str) -> list[Row]:
    return reported_of(pair, pair.people.orders[name])


def reported_of(pair: Accepted, order: int) -> list[Row]:
    """What is open about an order: findings and unfinished changes."""
    findings = "select type, kind, message from finding where order_key = :key and resolved_at is null"
    unfinished = "select kind, state, reason from change where order_key = :key and state not in ('done', 'superseded')"
    return [row for query in (findings, unfinished) for row in pair.deployment.sql(query, key=str(order))]


# Races: Airflow's own runs are paused, so that the moment of the write is known


@pytest.fixture(scope="module")
def paused(pair: Accepted) -> Accepted:
    for dag_id in pair.deployment.api.dags():
        pair.deployment.api.call("PATCH", f"dags/{dag_id}", json={"is_paused": True})
    pair.deployment.chain.settle()
    return pair


def worker(pair: Accepted, name: str) -> Context:
    settings = read_settings(pair.deployment.settings)
    return Context(
        settings=settings,
        instance=settings.instances[INSTANCE],
        engine=pair.deployment.engine,
        magento_client=MagentoClient(pair.people.shop.connection),
        odoo_client=OdooClient.connect(pair.people.odoo.connection("sync")),
        dag_run=name,
    )


def reconcile_order(pair: Accepted, name: str) -> None:
    extract.run(worker(pair, name), "magento")
    extract.run(worker(pair, name), "odoo")
    reconcile.run(worker(pair, name))
    quality.run(worker(pair, name))


@pytest.mark.parametrize("together", [False, True], ids=["just before", "at the same moment"])
@pytest.mark.parametrize(
    ("prepare", "route", "kind"),
    [(invoice_to_race_for, "invoice", Kind.INVOICE), (memo_to_race_for, "refund", Kind.CREDIT_MEMO)],
)
def test_another_writer_of_the_same_document_makes_no_second_one(
    paused: Accepted, prepare: Callable[[People], int], route: str, kind: Kind, together: bool
) -> None:
    """Two of our workers, and somebody else who writes between our last read of the order and our write, or with it."""
    people = paused.people
    order = prepare(people)
    reconcile_order(paused, "race")
    meeting, theirs = threading.Barrier(2), list[object]()

    def somebody_else() -> None:
        if together:
            meeting.wait(timeout=120)
        try:
            theirs.append(people.http.write("POST", f"/order/{order}/{route}", {}).body)
        except FixDocument as refusal:
            theirs.append(refusal)

    def at(point: str) -> None:
        if point != "checked" or theirs or other.ident:
            return
        other.start()
        if together:
            meeting.wait(timeout=120)
        else:
            other.join()

    other = threading.Thread(target=somebody_else)
    checkpoints.visit(at)
    try:
        with ThreadPoolExecutor(2) as pool:
            ours = list(pool.map(lambda name: load.run(worker(paused, name)), ["one", "two"]))
        if other.ident:
            other.join()
    finally:
        checkpoints.visit(None)
    assert theirs, f"nothing was written by us: {ours}, {reported_of(paused, order)}"
    reconcile_order(paused, "after")
    load.run(worker(paused, "after"))

    assert len(people.in_magento(order)[kind]) == 1, (ours, theirs)
    shop, books = people.account(next(name for name, number in people.orders.items() if number == order))
    assert (shop["invoices"], shop["notes"]) == (books["invoices"], books["notes"]), reported_of(paused, order)
    assert [row for row in reported_of(paused, order) if row.get("state") not in (None, "refused")] == []
