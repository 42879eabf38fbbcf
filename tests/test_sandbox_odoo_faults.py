"""The sandbox Odoo over HTTP: faults on demand, the control routes, and what a client sees of them."""

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

from magodoo_sandbox.odoo import OdooDatabase, RunningSandbox
from magodoo_sandbox.serving import free_port

CONTROL = {"X-Sandbox-Key": "test"}


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: RunningSandbox) -> Iterator[RunningSandbox]:
    yield served
    served.faults.clear()
    served.app.log.clear()
    served.app.counts.clear()


def post(sandbox: RunningSandbox, model: str, method: str, key: str = "sync-key", **body: Any) -> requests.Response:
    headers = {"Authorization": f"bearer {key}"}
    return requests.post(f"{sandbox.url}/json/2/{model}/{method}", json=body, headers=headers, timeout=10)


def rpc(
    sandbox: RunningSandbox, model: str, method: str, *args: Any, request: int = 1, **kwargs: Any
) -> dict[str, Any]:
    params = {
        "service": "object",
        "method": "execute_kw",
        "args": ["odoo", 5, "sync-key", model, method, list(args), kwargs],
    }
    body = {"jsonrpc": "2.0", "method": "call", "id": request, "params": params}
    return requests.post(f"{sandbox.url}/jsonrpc", json=body, timeout=10).json()


def partners(sandbox: RunningSandbox, name: str) -> int:
    return int(sandbox.db.call("res.partner", "search_count", domain=[["name", "=", name]]))


def create(sandbox: RunningSandbox, name: str) -> requests.Response:
    return post(sandbox, "res.partner", "create", vals_list=[{"name": name}])


def control(sandbox: RunningSandbox, verb: str, route: str, body: Any = None) -> Any:
    answer = requests.request(verb, f"{sandbox.url}/__sandbox__/{route}", json=body, headers=CONTROL, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_healthy_server_reports_its_version(sandbox: RunningSandbox) -> None:
    for path in ("/web/version", "/json/version"):
        assert requests.get(sandbox.url + path, timeout=5).json()["version"] == "19.0"
    assert requests.get(f"{sandbox.url}/web/health", timeout=5).status_code == 200
    refused = post(sandbox, "res.users", "context_get", key="wrong")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_status_before_the_effect_does_nothing_and_after_it_everything(sandbox: RunningSandbox, status: int) -> None:
    sandbox.faults.add("status", path="res.partner/create", status=status, times=1)
    assert create(sandbox, f"before {status}").status_code == status
    assert partners(sandbox, f"before {status}") == 0
    sandbox.faults.add("status_after", path="res.partner/create", status=status, times=1)
    assert create(sandbox, f"after {status}").status_code == status
    assert partners(sandbox, f"after {status}") == 1


@pytest.mark.parametrize(("kind", "made"), [("cut_before", 0), ("cut_after", 1)])
def test_a_cut_connection_leaves_the_outcome_open(sandbox: RunningSandbox, kind: str, made: int) -> None:
    sandbox.faults.add(kind, path="res.partner/create", times=1)
    with pytest.raises(requests.ConnectionError):
        create(sandbox, kind)
    assert partners(sandbox, kind) == made
    assert create(sandbox, kind).status_code == 200


def test_a_truncated_answer_breaks_off(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("truncate", path="search_read", times=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        post(sandbox, "res.country", "search_read", domain=[], fields=["name"])


def test_latency_delays_only_what_it_matches(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("latency", path="res.country/search", seconds=0.2, times=1)
    started = time.monotonic()
    post(sandbox, "res.lang", "search_count", domain=[])
    assert time.monotonic() - started < 0.2
    post(sandbox, "res.country", "search_count", domain=[])
    assert time.monotonic() - started >= 0.2


def test_a_stale_read_answers_as_before_over_both_transports(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("stale", path="res.partner/search_count")
    domain = [["name", "=", "late"]]
    first = post(sandbox, "res.partner", "search_count", domain=domain).json()
    rpc_first = rpc(sandbox, "res.partner", "search_count", domain, request=1)
    create(sandbox, "late")
    assert post(sandbox, "res.partner", "search_count", domain=domain).json() == first
    assert rpc(sandbox, "res.partner", "search_count", domain, request=2) == {**rpc_first, "id": 2}
    sandbox.faults.clear()
    assert post(sandbox, "res.partner", "search_count", domain=domain).json() == first + 1


def test_a_conflict_is_a_database_error_and_in_load_a_message(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("conflict", path="res.partner/(create|load)")
    refused = create(sandbox, "conflict")
    assert (refused.status_code, refused.json()["name"]) == (500, "psycopg2.errors.SerializationFailure")
    rows = [["m.conflict_1", "conflict"], ["m.conflict_2", "conflict"]]
    loaded = post(sandbox, "res.partner", "load", fields=["id", "name"], data=rows)
    expected = {"rows": {"from": 0, "to": 1}, "record": 0, "type": "error"}
    message = "could not serialize access due to concurrent update\n"
    assert loaded.status_code == 200
    assert loaded.json() == {"ids": False, "messages": [{**expected, "message": message}], "nextrow": 0}
    assert rpc(sandbox, "res.partner", "load", ["id", "name"], rows)["result"] == loaded.json()
    error = rpc(sandbox, "res.partner", "create", {"name": "conflict"})["error"]["data"]
    assert error["name"] == "psycopg2.errors.SerializationFailure"
    assert partners(sandbox, "conflict") == 0


def test_a_conflict_with_a_concurrent_write_is_resolved_by_loading_again(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("conflict_after", path="res.partner/load", times=1)
    context = {"mode": "update", "noupdate": True}
    body = {"fields": ["id", "name"], "data": [["m.twin", "twin"]], "context": context}
    assert post(sandbox, "res.partner", "load", **body).json()["ids"] is False
    [record] = post(sandbox, "res.partner", "load", **body).json()["ids"]
    assert sandbox.db.call("res.partner", "search", domain=[["name", "=", "twin"]]) == [record]


def test_a_database_that_is_down_answers_404(sandbox: RunningSandbox) -> None:
    sandbox.faults.add("database_down")
    answer = post(sandbox, "res.partner", "search_count", domain=[])
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "No database is selected" in answer.text
    assert rpc(sandbox, "res.partner", "search_count", [])["error"]["data"]["name"] == "psycopg2.OperationalError"


def test_faults_strike_the_nth_call_or_by_chance_with_a_seed(sandbox: RunningSandbox) -> None:
    control(sandbox, "POST", "faults", {"kind": "status", "path": "res.lang", "nth": 2, "status": 503})
    assert [post(sandbox, "res.lang", "search_count", domain=[]).status_code for _ in range(3)] == [200, 503, 200]
    control(sandbox, "DELETE", "faults")
    draws = []
    for _ in range(2):
        control(
            sandbox,
            "POST",
            "faults",
            {"kind": "status", "path": "res.lang", "probability": 0.5, "seed": 4, "status": 503},
        )
        draws.append([post(sandbox, "res.lang", "search_count", domain=[]).status_code for _ in range(8)])
        control(sandbox, "DELETE", "faults")
    assert draws[0] == draws[1] and set(draws[0]) == {200, 503}


def test_the_control_routes_need_their_key_and_name_a_wrong_fault(sandbox: RunningSandbox) -> None:
    assert requests.get(f"{sandbox.url}/__sandbox__/log", timeout=5).status_code == 403
    answer = requests.post(f"{sandbox.url}/__sandbox__/faults", json={"kind": "nope"}, headers=CONTROL, timeout=5)
    assert (answer.status_code, "no such fault" in answer.json()["message"]) == (400, True)


def test_the_log_counts_calls_by_model_and_method(sandbox: RunningSandbox) -> None:
    post(sandbox, "res.partner", "search_count", domain=[])
    rpc(sandbox, "res.partner", "search_count", [])
    create(sandbox, "logged")
    log = control(sandbox, "GET", "log")
    paths = ("/json/2/res.partner/search_count", "/jsonrpc/res.partner/search_count", "/json/2/res.partner/create")
    assert log["counts"] == {f"POST {path}": 1 for path in paths}
    assert [entry["status"] for entry in log["requests"]] == [200, 200, 200]


def test_records_can_be_deleted_and_edited_beside_the_pipeline(sandbox: RunningSandbox) -> None:
    values = {"move_type": "out_invoice", "partner_id": 1, "invoice_line_ids": [[0, 0, {"price_unit": 5}]]}
    [move] = control(
        sandbox, "POST", "run", {"model": "account.move", "method": "create", "with": {"vals_list": [values]}}
    )
    control(sandbox, "POST", "run", {"model": "account.move", "method": "action_post", "ids": [move]})
    assert control(sandbox, "POST", "delete", {"model": "account.move", "ids": [move]}) == [move]
    assert post(sandbox, "account.move.line", "search_count", domain=[["move_id", "=", move]]).json() == 0
    state = control(sandbox, "GET", "state")
    assert "account.move" not in state["tables"] or move not in [row["id"] for row in state["tables"]["account.move"]]


def test_the_clock_is_set_for_everybody(sandbox: RunningSandbox) -> None:
    control(sandbox, "POST", "clock", {"now": "2026-01-02T03:04:05+00:00"})
    [record] = create(sandbox, "early").json()
    control(sandbox, "POST", "clock", {"now": None})
    [row] = post(sandbox, "res.partner", "read", ids=[record], fields=["create_date"]).json()
    assert row["create_date"] == "2026-01-02 03:04:05"


def test_a_server_started_from_a_file_goes_back_to_it(tmp_path: Path) -> None:
    db = OdooDatabase()
    db.provision()
    db.call("res.partner", "create", vals_list=[{"name": "from the file"}])
    db.save_file(tmp_path / "state.json")
    port = free_port()
    options = ["--port", str(port), "--state", str(tmp_path / "state.json")]
    keys = {"MAGODOO_SANDBOX_KEY": "test", "MAGODOO_SANDBOX_SYNC_KEY": "s", "MAGODOO_SANDBOX_ADMIN_KEY": "a"}
    started = time.monotonic()
    program = [sys.executable, "-m", "magodoo_sandbox.odoo", *options]
    with subprocess.Popen(program, env={**os.environ, "PYTHONPATH": "include", **keys}) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            while not _answers(url) and time.monotonic() - started < 20:
                time.sleep(0.05)
            body = {"domain": [["name", "in", ["from the file", "later"]]]}
            headers = {"Authorization": "bearer s"}
            requests.post(
                f"{url}/json/2/res.partner/create", json={"vals_list": [{"name": "later"}]}, headers=headers, timeout=5
            )
            count = f"{url}/json/2/res.partner/search_count"
            assert requests.post(count, json=body, headers=headers, timeout=5).json() == 2
            assert requests.post(f"{url}/__sandbox__/reset", headers=CONTROL, timeout=5).json() is True
            assert requests.post(count, json=body, headers=headers, timeout=5).json() == 1
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/web/health", timeout=1).ok
    except requests.ConnectionError:
        return False
