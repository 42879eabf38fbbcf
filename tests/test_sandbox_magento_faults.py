"""Faults and control routes of the sandbox shop: what a client meets, and whether the write happened."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from magodoo_sandbox.faults import Faults
from magodoo_sandbox.magento import MagentoShop, RunningSandbox
from magodoo_sandbox.serving import free_port

KEY = {"X-Sandbox-Key": "test"}


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    shop = MagentoShop()
    shop.add_product("SKU-001", price="19.99")
    for _ in range(3):
        shop.place_order([("SKU-001", 4)], shipping_amount=5)
    with RunningSandbox(shop) as running:
        yield running


def ask(sandbox: RunningSandbox, method: str, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    return requests.request(method, f"{sandbox.url}/rest/V1/{path}", headers=headers, timeout=5, **options)


def invoice(sandbox: RunningSandbox) -> requests.Response:
    return ask(sandbox, "POST", "order/1/invoice", json={"items": [{"order_item_id": 1, "qty": 1}]})


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_cut_connection_does_not_reveal_whether_the_write_happened(sandbox: RunningSandbox, kind: str) -> None:
    sandbox.faults.add(kind, method="POST", times=1)
    with pytest.raises(requests.ConnectionError):
        invoice(sandbox)
    assert len(sandbox.shop.tables.invoices) == (1 if kind == "cut_after" else 0)
    assert invoice(sandbox).status_code == 200


@pytest.mark.parametrize(("kind", "made"), [("status", 0), ("status_after", 1)])
def test_an_error_can_come_before_or_after_the_effect(sandbox: RunningSandbox, kind: str, made: int) -> None:
    sandbox.faults.add(kind, path="/invoice$", status=504)
    answer = invoice(sandbox)
    assert answer.status_code == 504
    assert "<html>" in answer.text
    assert len(sandbox.shop.tables.invoices) == made


def test_too_many_requests_is_json_without_retry_after(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("status", status=429)
    answer = ask(sandbox, "GET", "orders/1")
    assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Requests"})
    assert "Retry-After" not in answer.headers


def test_maintenance_is_an_html_page(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("maintenance")
    answer = ask(sandbox, "GET", "orders/1")
    assert answer.status_code == 503
    assert "Service Temporarily Unavailable" in answer.text
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_truncated_body_ends_the_connection_early(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("truncate", method="GET")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(sandbox, "GET", "orders/1")


def test_a_stale_read_shows_the_state_before_the_write(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("stale", path="/orders/1$")
    invoice(sandbox)
    assert ask(sandbox, "GET", "orders/1").json()["state"] == "new"
    assert ask(sandbox, "GET", "invoices/1").status_code == 200
    sandbox.faults.clear()
    assert ask(sandbox, "GET", "orders/1").json()["state"] == "processing"


def test_latency_lets_the_write_finish_after_the_client_gave_up(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("latency", method="POST", seconds=0.3, times=1)
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{sandbox.url}/rest/V1/order/1/ship", json={}, headers=headers, timeout=0.05)
    assert len(sandbox.shop.tables.shipments) == 0
    time.sleep(0.5)
    assert len(sandbox.shop.tables.shipments) == 1


def test_a_request_that_is_held_has_its_effect_as_soon_as_it_is_let_go(sandbox: RunningSandbox) -> None:
    rule = sandbox.faults.add("latency", method="POST", seconds=600, times=1)
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{sandbox.url}/rest/V1/order/1/ship", json={}, headers=headers, timeout=0.2)
    assert ask(sandbox, "GET", "orders/1").status_code == 200  # nobody else is held
    assert (rule.struck, rule.ended, len(sandbox.shop.tables.shipments)) == (1, 0, 0)
    rule.seconds = 0
    deadline = time.monotonic() + 30
    while rule.ended < rule.struck and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (rule.ended, len(sandbox.shop.tables.shipments)) == (1, 1)


def test_only_the_nth_matching_request_is_struck() -> None:
    faults = Faults()
    faults.add("status", method="POST", path="/invoice$", nth=2)
    struck = [bool(faults.striking("POST", "/rest/V1/order/1/invoice")) for _ in range(3)]
    assert struck == [False, True, False]
    assert not faults.striking("GET", "/rest/V1/order/1/invoice")


def test_of_two_rules_of_a_kind_one_strikes_a_request_and_the_other_the_next() -> None:
    faults = Faults()
    rules = [faults.add("latency", path="/ship$", times=1) for _ in range(2)]
    assert [faults.striking("POST", "/rest/V1/order/1/ship").get("latency") for _ in range(3)] == [*rules, None]
    assert [rule.struck for rule in rules] == [1, 1]


def test_a_probability_with_a_seed_is_repeatable() -> None:
    def draw() -> list[bool]:
        faults = Faults()
        faults.add("status", probability=0.5, seed=7)
        return [bool(faults.striking("GET", "/")) for _ in range(20)]

    assert draw() == draw()
    assert 0 < sum(draw()) < 20


def test_control_routes_need_the_key(sandbox: RunningSandbox) -> None:
    assert requests.get(f"{sandbox.url}/__sandbox__/state", timeout=5).status_code == 403


def test_faults_are_added_listed_and_cleared_over_http(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.url}/__sandbox__/faults"
    rule = {"kind": "status", "method": "GET", "path": "/orders", "status": 500}
    assert requests.post(url, json=rule, headers=KEY, timeout=5).status_code == 200
    assert ask(sandbox, "GET", "orders/1").status_code == 500
    assert requests.get(url, headers=KEY, timeout=5).json()[0]["struck"] == 1
    requests.delete(url, headers=KEY, timeout=5)
    assert ask(sandbox, "GET", "orders/1").status_code == 200
    assert requests.post(url, json={"kind": "nonsense"}, headers=KEY, timeout=5).status_code == 400


def test_the_log_counts_requests(sandbox: RunningSandbox) -> None:
    ask(sandbox, "GET", "orders/1")
    ask(sandbox, "GET", "orders/1")
    log = requests.get(f"{sandbox.url}/__sandbox__/log", headers=KEY, timeout=5).json()
    assert log["counts"] == {"GET /rest/V1/orders/1": 2}
    assert [entry["status"] for entry in log["requests"]] == [200, 200]


def test_a_deleted_document_is_gone_from_every_list(sandbox: RunningSandbox) -> None:
    number = invoice(sandbox).json()
    url = f"{sandbox.url}/__sandbox__/delete"
    sent = {"kind": "invoices", "entity_id": int(number)}
    assert requests.post(url, json=sent, headers=KEY, timeout=5).json() is True
    assert ask(sandbox, "GET", f"invoices/{number}").status_code == 404
    query = "invoices?searchCriteria[filter_groups][0][filters][0][field]=order_id"
    query += "&searchCriteria[filter_groups][0][filters][0][value]=1"
    assert ask(sandbox, "GET", query).json()["total_count"] == 0


def test_the_back_office_can_act_through_the_control_route(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.url}/__sandbox__/run"
    sent = {"do": "invoice", "with": {"order_id": 2, "items": {"2": 1}}}
    assert requests.post(url, json=sent, headers=KEY, timeout=5).json() == 1
    state = requests.get(f"{sandbox.url}/__sandbox__/state", headers=KEY, timeout=5).json()
    assert state["invoices"][0]["order_id"] == 2


def test_the_program_serves_a_saved_state_and_goes_back_to_it(tmp_path: Path, sandbox: RunningSandbox) -> None:
    sandbox.shop.dump(tmp_path / "shop.json")
    port = free_port()
    command = [sys.executable, "-m", "magodoo_sandbox.magento", "--port", str(port)]
    command += ["--state", str(tmp_path / "shop.json")]
    keys = {"MAGODOO_SANDBOX_KEY": "k", "MAGODOO_SANDBOX_TOKEN": "t"}
    url, headers = f"http://127.0.0.1:{port}", {"Authorization": "Bearer t", "X-Sandbox-Key": "k"}
    with subprocess.Popen(command, env={**os.environ, **keys}) as program:
        try:
            for _ in range(200):
                try:
                    requests.get(f"{url}/__sandbox__/log", headers=headers, timeout=5)
                    break
                except requests.ConnectionError:
                    time.sleep(0.05)
            made = requests.post(f"{url}/rest/V1/order/1/invoice", json={}, headers=headers, timeout=5)
            assert made.json() == "1"
            requests.post(f"{url}/__sandbox__/reset", headers=headers, timeout=5)
            assert requests.get(f"{url}/rest/V1/invoices/1", headers=headers, timeout=5).status_code == 404
            assert requests.get(f"{url}/rest/V1/orders/1", headers=headers, timeout=5).json()["state"] == "new"
        finally:
            program.terminate()
