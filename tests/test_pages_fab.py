"""FAB's roles on a live api-server: who reads one instance sees nothing of another and acts for no other, on the pages and in Airflow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import fab_roles
import pages_double
import pytest
from compose_stack import ComposeStack
from fab_roles import Rights
from pages_sales import keep_statement, staged_sales
from sqlalchemy import Engine, text

from magodoo.timestamps import utc_now
from magodoo_devstack.airflow import Api
from magodoo_devstack.postgres import Cluster

GIVE_RIGHTS = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "give-rights.md"
DATA_DOC = "<html>the docs of a run</html>"
PLACES = {
    "name": "orders", "instance": "us", "month": "2026-10", "side": "magento", "kind": "invoice", "source_id": "i5", "finding_id": "1",
    "change_id": "2", "quarantine_id": "1", "path": "run-1/index.html",
}  # fmt: skip
QUERIES = {"/statement/us/2026-10/documents": "?currency=USD&kind=invoice&line=x"}
OF_US = re.compile(
    r"Customer \d|customer\d+@|0000000\d\d|INV/2026|S0000\d|SKU-1|Magento said no|no right to post|docs of a run"
)
ACTING = (
    "sales_load",
    "sales_quality",
    "sales_statement",
    "sales_approval",
    "sales_backfill",
    "magento_extract",
    "preflight",
)
FORMS: dict[str, dict[str, str]] = {
    "/finding/1/mute": {"until": f"{(utc_now() + timedelta(days=3)).date()}", "reason": "known"},
    "/match": {"instance": "us", "kind": "invoice", "magento_id": "i9", "odoo_id": "is9"},
    "/changes/approve": {"change": "1"},
    "/change/1/reject": {"reason": "known"},
    "/change/2/release": {"reason": "known"},
    "/statement/us/2026-10/prepare": {"statement": "1", "seen": "x"},
    "/statement/us/2026-10/sign": {"statement": "1", "seen": "x"},
}
WRITTEN = "select (select count(*) from decision) as decisions, (select string_agg(state || approval || verdict, ',' order by id) from change) as changes"

NEED_MORE = {
    "/api/v2/backfills", "/api/v2/connections/enqueue-test", "/api/v2/config", "/ui/dashboard/historical_metrics_data", "/ui/structure/structure_data",
    "/ui/teams",
}  # lists of Airflow that answer only about one DAG, or are switched off  # fmt: skip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


@dataclass
class Running:
    """The stack, its staged sales, and two people: one with every right in `us`, one with every right in `eu`."""

    stack: ComposeStack
    engine: Engine
    website: set[tuple[str, str]]
    us: Api
    eu: Api

    def page(self, person: Api, path: str) -> Any:
        person.dags()
        return person.session.get(f"{person.url}/magento{path}", headers={"Accept": "text/html"}, timeout=120)

    def send(self, person: Api, path: str) -> Any:
        person.dags()
        token = fab_roles.form_token(person, self.stack.variables["AIRFLOW_SECRET_KEY"])
        return person.session.post(
            f"{person.url}/magento{path}", data={"token": token, **FORMS[path]}, timeout=120, allow_redirects=False
        )

    def written(self) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(WRITTEN)).one()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, postgres: Cluster) -> Iterator[Running]:
    stack = ComposeStack(tmp_path_factory.mktemp("fab"), postgres)
    stack.make_databases()
    stack.settings.write_text(pages_double.SETTINGS.format())
    docs = stack.folder / "shared" / "data_docs" / "us" / "run-1"
    docs.mkdir(parents=True)
    (docs / "index.html").write_text(DATA_DOC)
    try:
        assert stack.start("airflow-init").wait(900) == 0, stack.log("airflow-init")[-3000:]
        stack.airflow("dags", "reserialize")
        stack.airflow("sync-perm", "--include-dags")
        stack.start("airflow-apiserver")
        stack.healthy("airflow-apiserver")
        with staged_sales(postgres.url("magodoo")) as engine:
            with engine.begin() as connection:
                keep_statement(connection, utc_now())
            website = fab_roles.of_the_website(stack.api)
            people = {
                name: fab_roles.person(stack.api, name, website | Rights(name).look() | all_rights(name))
                for name in ("us", "eu")
            }
            yield Running(stack, engine, website, people["us"], people["eu"])
    finally:
        stack.stop()


def all_rights(instance: str) -> set[tuple[str, str]]:
    return set().union(*(Rights(instance).trigger(dag) for dag in ACTING))


def addresses() -> list[str]:
    from magodoo_airflow.pages.app import app

    paths = [route.path for route in app.routes if "GET" in getattr(route, "methods", ())]
    return sorted({re.sub(r"\{(\w+)(:path)?\}", lambda found: PLACES[found[1]], path) for path in paths})


def test_a_reader_of_one_instance_sees_nothing_of_another_on_any_page_or_file(running: Running) -> None:
    seen = 0
    for path in addresses():
        own, other = (running.page(person, path + QUERIES.get(path, "")) for person in (running.us, running.eu))
        assert own.status_code == 200, f"{path}: {own.status_code}"
        seen += bool(OF_US.search(own.text))
        assert other.status_code in (200, 404), f"{path}: {other.status_code}"
        assert not OF_US.search(other.text), path
        if re.search(r"/us\b|/\d+$", path):
            assert other.status_code == 404, path
    assert seen >= 10, "the pages hold what is looked for"


@pytest.mark.parametrize(
    "listing", ["/list/orders", "/list/orders.csv", "/findings.csv", "/changes.csv", "/changes", "/runs"]
)
def test_a_filter_on_another_instance_gives_nothing(running: Running, listing: str) -> None:
    answer = running.page(running.eu, f"{listing}?instance=us")
    assert answer.status_code in (200, 404) and not OF_US.search(answer.text)


def test_no_form_acts_for_another_instance(running: Running) -> None:
    before = running.written()
    refused = {path: running.send(running.eu, path).status_code for path in FORMS}
    assert set(refused.values()) <= {403, 404}, refused
    assert running.written() == before


@pytest.mark.parametrize("dag", ACTING)
def test_no_dag_of_another_instance_can_be_triggered(running: Running, dag: str) -> None:
    body = {"logical_date": None, "conf": {}}
    running.eu.dags()
    answers = {
        name: running.eu.session.post(
            f"{running.eu.url}/api/v2/dags/{name}/dagRuns", json=body, timeout=120
        ).status_code
        for name in (f"{dag}__eu", f"{dag}__us", "sales_upkeep")
    }
    own = 400 if dag == "sales_backfill" else 200  # it may, and its form lacks the window
    assert answers == {f"{dag}__eu": own, f"{dag}__us": 403, "sales_upkeep": 403}


def test_the_rights_of_a_form_are_those_of_the_table_and_separate(running: Running) -> None:
    """Each of the five rights, given alone with the right to look, sends its form and no other's."""
    forms = {
        "settle": ("/finding/1/mute", "/match"), "approve": ("/changes/approve", "/change/1/reject"), "release": ("/change/2/release",),
        "sign": ("/statement/us/2026-10/sign",),
    }  # fmt: skip
    for right, own in forms.items():
        given = documented()[right]
        who = fab_roles.person(running.stack.api, f"who may {right}", running.website | Rights("us").look() | given)
        answers = {path: running.send(who, path).status_code for path in FORMS if path not in own}
        if right == "settle":
            answers.pop("/statement/us/2026-10/prepare")
        assert set(answers.values()) == {403}, (right, answers)
        assert {running.send(who, path).status_code for path in own} <= {303, 409}, right


def documented() -> dict[str, set[tuple[str, str]]]:
    """The permissions of FAB that docs/how-to/give-rights.md names for each right."""
    rows = [line.strip("| ").split(" | ") for line in GIVE_RIGHTS.read_text(encoding="utf-8").splitlines()]
    return {
        cells[0]: set(re.findall(r"`(can_\w+)` on `(DAG[^`]+)`", cells[3]))
        for cells in rows
        if len(cells) == 4 and "`can_" in cells[3]
    }


def test_the_views_of_airflow_that_show_every_instance_are_those_of_the_page(running: Running) -> None:
    """Of all lists of Airflow, asked by somebody who may read everything but the DAGs of the other instance."""
    admin = running.stack.api
    for dag in ("sales_load__us", "sales_quality__us"):
        admin.trigger(dag)
    admin.call("POST", "connections", json={"connection_id": "magento_us", "conn_type": "magento"})
    admin.call("POST", "variables", json={"key": "of_the_instance_us", "value": "1"})
    admin.call("POST", "pools", json={"name": "pool_of_us", "slots": 1})
    reads = {right for right in fab_roles.of_role(admin, "Admin") if right[0] in ("can_read", "menu_access")}
    curious = fab_roles.person(admin, "curious", (reads - fab_roles.ALL_DAGS) | Rights("eu").look())
    curious.dags()
    showing, answers = set(), {}
    for path in lists_of_airflow(admin):
        answer = curious.session.get(f"{admin.url}{path}", timeout=120)
        assert answer.status_code < 500, path
        answers[path] = answer.status_code
        if answer.ok and re.search(r'_us\b|\bus/|/us\b|"us"', answer.text):
            showing.add(path)
    assert {path for path, status in answers.items() if status != 200} == NEED_MORE, answers
    named = set(re.findall(r"^\| [^|]+ \| `(/[\w/]+)` \|", GIVE_RIGHTS.read_text(encoding="utf-8"), re.MULTILINE))
    assert showing == named


def lists_of_airflow(admin: Api) -> list[str]:
    """Every address of Airflow's REST API and of its own pages that is asked without naming a DAG."""
    from airflow.api_fastapi.core_api.routes.ui import ui_router

    public = admin.session.get(f"{admin.url}/openapi.json", timeout=120).json()["paths"]
    paths = [path for path, methods in public.items() if "get" in methods and path.startswith("/api/v2")]
    paths += [route.path for route in ui_router.routes if "GET" in getattr(route, "methods", ())]
    return [path for path in paths if "{" not in path and "/auth/log" not in path]
