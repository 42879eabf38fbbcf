"""The sandbox shop answers as the recorded Magento 2.4.7 did: 400 exchanges and their amounts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from recorded_magento import RECORDINGS, call, differences, open_shop, place, recorded

from magodoo_sandbox.magento import MagentoShop, render
from magodoo_sandbox.magento.server import MagentoApp

STORIES = recorded("stories.json")
READS = recorded("reads.json")
TAXES = recorded("taxes.json")
TRANSITIONS = recorded("transitions.json")

SEQUENCES = (
    (r"/order/\d+/invoice|/V1/invoices$", "invoices"),
    (r"/order/\d+/ship", "shipments"),
    (r"/refund$|/V1/creditmemo$", "creditmemos"),
    (r"/shipment/track$", "tracks"),
    (r"/invoices/comments$", "invoice_comments"),
    (r"/shipment/\d+/comments$", "shipment_comments"),
    (r"/creditmemo/\d+/comments$", "creditmemo_comments"),
)


def expect_number(shop: MagentoShop, step: dict[str, Any]) -> None:
    """Let the next document get the number that the recorded shop gave it."""
    answer = step["answer"]
    entity_id = answer.get("entity_id") if isinstance(answer, dict) else answer
    body = step.get("body")
    is_update = isinstance(body, dict) and "entity_id" in (body.get("entity") or {})
    if step["method"] != "POST" or step["status"] != 200 or is_update or not str(entity_id).isdigit():
        return
    for path, sequence in SEQUENCES:
        if re.search(path, step["path"]):
            shop.tables.counters[sequence] = int(entity_id) - 1


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"order {story['place']['order_id']}")
def test_everything_that_was_done_to_an_order_is_answered_as_recorded(
    story: dict[str, Any], replayed: Callable[[str, int], None]
) -> None:
    replayed("Magento", len(story["steps"]))
    shop = open_shop()
    app = MagentoApp(shop)
    order_id = place(shop, story["place"])
    if "invoice" in story["before"]:
        shop.invoice(order_id)
    wrong = []
    for number, step in enumerate(story["steps"]):
        expect_number(shop, step)
        shop.now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC) + timedelta(seconds=number)
        status, answer = call(app, step)
        lines = differences(step["answer"], answer)
        if status != step["status"]:
            lines = [f"status {step['status']} recorded, {status} got: {answer}"]
        wrong += [f"{step['name']}{line}" for line in lines]
    assert wrong == []


@pytest.fixture(scope="module")
def snapshot() -> MagentoApp:
    """The recorded shop as it was when its lists were read."""
    shop = MagentoShop.load(RECORDINGS / "snapshot.json")
    shop.accounts.add_integration("token")
    readonly = {"Magento_Sales::actions_view", "Magento_Sales::sales_invoice", "Magento_Sales::shipment"}
    shop.accounts.add_integration("readonly", resources=readonly | {"Magento_Sales::sales_creditmemo"})
    shop.accounts.add_integration("nothing", resources=set())
    return MagentoApp(shop)


@pytest.mark.parametrize("case", READS, ids=lambda case: case["name"])
def test_a_call_is_answered_as_recorded(
    snapshot: MagentoApp, case: dict[str, Any], replayed: Callable[[str, int], None]
) -> None:
    replayed("Magento", 1)
    name = case["name"]
    prefixes = {"acl_": "readonly", "auth_missing": "nothing", "auth_no": "", "auth_bearer_bad": "wrong"}
    token = next((token for prefix, token in prefixes.items() if name.startswith(prefix)), "token")
    sizes = {"limits_enabled": {}, "limits_max": {"max_page_size": 50}, "limits_filters": {"complex_array": 3}}
    limits = next((size for prefix, size in sizes.items() if name.startswith(prefix)), None)
    snapshot.shop.limits = {} if limits is None else {"enabled": 1, **limits}

    status, answer = call(snapshot, case, token)

    assert status == case["status"]
    assert differences(case["answer"], answer) == []


@pytest.mark.parametrize("case", TAXES, ids=lambda case: case["name"])
def test_amounts_are_those_recorded_in_every_tax_mode_and_currency(case: dict[str, Any]) -> None:
    shop = open_shop(case["mode"])
    app = MagentoApp(shop)
    order_id = place(shop, case["place"])
    wrong = []
    for invoice in case["invoices"]:
        items = {row["order_item_id"]: str(row["qty"]) for row in invoice["items"]}
        shop.tables.counters["invoices"] = invoice["entity_id"] - 1
        made = shop.tables.invoices[shop.invoice(order_id, items)]
        wrong += [f"invoice{line}" for line in differences(invoice, served(made))]
    for memo in case["creditmemos"]:
        body = memo["body"] if memo["body"] is not None else {}
        path = f"/rest/V1/order/{order_id}/refund"
        shop.tables.counters["creditmemos"] = memo["recorded"]["entity_id"] - 1
        status, made = call(app, {"method": "POST", "path": path, "body": body})
        assert status == 200, made
        lines = differences(memo["recorded"], served(shop.tables.creditmemos[int(made)]))
        wrong += [f"creditmemo{line}" for line in lines]
    order = served(render.order(shop.order(order_id)))
    order.pop("billing_address")
    order["extension_attributes"].pop("shipping_assignments")
    wrong += [f"order{line}" for line in differences(case["order"], order)]
    assert wrong == []


def served(row: dict[str, Any]) -> Any:
    """A row as a client parses it."""
    return json.loads(render.to_json(render.public(row)))


@pytest.mark.parametrize("story", TRANSITIONS, ids=lambda story: f"order {story['place']['order_id']}")
def test_states_quantities_and_stamps_move_as_recorded(story: dict[str, Any]) -> None:
    shop = open_shop()
    app = MagentoApp(shop)
    order_id = place(shop, story["place"])
    wrong = []
    for number, step in enumerate(story["steps"]):
        before = shop.order(order_id)["updated_at"]
        shop.now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC) + timedelta(seconds=number)
        if step["write"]:
            wrong += replay(shop, app, step)
        wrong += [f"{step['step']}{line}" for line in state_differences(shop, order_id, step, before)]
    assert wrong == []


def replay(shop: MagentoShop, app: MagentoApp, step: dict[str, Any]) -> list[str]:
    method, path = step["write"]["request"].split(" ")
    request = {"method": method, "path": f"/rest{path}", "body": step["write"]["body"], **step["write"]}
    expect_number(shop, {**request, "answer": step["write"]["response"]})
    status, answer = call(app, request)
    wanted = step["write"]["status"], step["write"]["response"]
    return [] if status == wanted[0] and not differences(wanted[1], answer) else [f"{step['step']}: {answer}"]


def state_differences(shop: MagentoShop, order_id: int, step: dict[str, Any], before: str) -> list[str]:
    order = shop.order(order_id)
    found = [
        f".{column}: {value} recorded, {order.get(column)} got"
        for column, value in step["order"].items()
        if column != "updated_at" and differences(value, number(order.get(column)))
    ]
    for wanted, item in zip(step["items"], order["items"], strict=True):
        quantities = [column for column in wanted if column.startswith("qty_")]
        found += [f" {column}" for column in quantities if wanted[column] != number(item[column])]
    if step["write"] and step["order_updated_at_moved"] != (order["updated_at"] != before):
        found.append(f" updated_at moved: {step['order_updated_at_moved']} recorded")
    for kind in ("invoices", "shipments", "creditmemos"):
        if len(step[kind]) != len(list(shop.tables.documents(kind).of_order(order_id))):
            found.append(f" number of {kind}")
    return found


def number(value: Any) -> Any:
    return (int(value) if value == int(value) else float(value)) if isinstance(value, Decimal) else value


def test_enough_exchanges_are_replayed() -> None:
    exchanges = sum(len(story["steps"]) for story in STORIES) + len(READS)
    assert exchanges > 350
