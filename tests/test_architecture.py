"""The four stories of docs/architecture.md: what the page names exists, and one real run of each passes exactly through its files.

What counts is what stands on the call stack when something comes to be: a canonical document, a finding, a planned change, its request, a
row of one of the tables that hold results, a call that writes to the other system, a mail that is handed over. So the files of a story are
those on the way from an operator to one of these moments; what is called on the way and returns is a helper.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from layers import MAY
from sqlalchemy import event
from sqlalchemy.engine import Engine

if TYPE_CHECKING:
    from shop_and_books import ShopAndBooks

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "architecture.md"
TRACED = (f"{CHECKOUT}/include/magodoo/", f"{CHECKOUT}/plugins/")
CONNECTORS = "include/magodoo/connectors/"
MOST, MOST_WITH_CONNECTORS = 30, 35
WRITES = re.compile(r"/rest/|/(load|write|create|unlink|action_\w+|button_\w+|reconcile)$")
RESULTS = "insert into document|insert into finding|(insert into|update) (change|mail|mail_recipient)"
Functions = dict[str, set[str]]
"""The names of functions by the path of their file."""


def hops() -> dict[str, Functions]:
    """Return what the page lists, by the heading of the story."""
    found: dict[str, Functions] = {}
    story = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            story = line.removeprefix("## ")
        elif hop := re.match(r"\d+\. `([\w./]+\.py)`((?:,? `[\w.]+`)*):", line):
            names = re.findall(r"`([\w.]+)`", hop[2])
            found.setdefault(story, {}).setdefault(hop[1], set()).update(names)
    return found


STORIES = hops()
MEMO, DELIVERY, TOTAL, BACKFILL = STORIES


def defined(file: Path) -> set[str]:
    """Return the functions and classes of a file, methods with their class."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name for node in tree.body if isinstance(node, kinds)} | {
        f"{node.name}.{inner.name}"
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, kinds)
    }


@pytest.mark.parametrize("story", STORIES)
def test_every_file_and_function_of_the_page_exists(story: str) -> None:
    for name, functions in STORIES[story].items():
        assert functions <= defined(CHECKOUT / name), name
        assert functions or name.startswith("dags/"), name


@pytest.mark.parametrize("story", STORIES)
def test_a_story_passes_few_files(story: str) -> None:
    assert len([name for name in STORIES[story] if not name.startswith("dags/")]) <= MOST_WITH_CONNECTORS
    assert len([name for name in STORIES[story] if not name.startswith((CONNECTORS, "dags/"))]) <= MOST


def test_the_page_has_the_folders_and_the_arrows_of_the_layers() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Arrows\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.M)
    arrows = {name: set(re.findall(r"`(\w+)`", row)) for name, row in rows}
    packages = {name for name in MAY if (CHECKOUT / "include" / "magodoo" / name).is_dir()}
    folders = packages | {"dags", "magodoo_airflow", "magodoo_sandbox", "magodoo_devstack"}
    assert set(arrows) == folders
    assert arrows == {name: MAY[name] & folders - {"domain"} for name in folders}


class Passed:
    """The functions that were on the stack at the moments that count."""

    def __init__(self, order: int | None) -> None:
        self.order = str(order)
        self.functions: Functions = {}
        self.once: set[object] = set()

    def first(self, what: object) -> bool:
        """Return whether this is seen for the first time."""
        return what not in self.once and not self.once.add(what)  # type: ignore[func-returns-value]

    def here(self) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            name = code.co_qualname.partition(".<locals>")[0]
            if code.co_filename.startswith(TRACED) and not name.startswith("<") and not name.endswith(".__init__"):
                self.functions.setdefault(code.co_filename.removeprefix(f"{CHECKOUT}/"), set()).add(name)
            frame = frame.f_back


@contextmanager
def passed(
    monkeypatch: pytest.MonkeyPatch, order: int | None, document: tuple[str, str] | None = None, rows: str = RESULTS
) -> Iterator[Passed]:
    """Note what is passed until the block ends.

    order: whose findings and changes count. document: side and kind of the canonical documents that count. rows: the statements that count, where they touch a row.
    """
    from magodoo.extract.canonical import CanonicalDocument
    from magodoo.ledger.planned import PlannedChange, Prepared
    from magodoo.pipeline.window import Window
    from magodoo.reconcile.finding import Finding

    noted = Passed(order)

    def made(cls: type, counts: Callable[[Any], bool]) -> None:
        first: Callable[..., None] = cls.__init__  # type: ignore[misc]

        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            first(self, *args, **kwargs)
            if counts(self):
                noted.here()

        patch.setattr(cls, "__init__", init)

    def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        path = str(request.url).partition("?")[0]
        if request.method != "GET" and WRITES.search(path):
            noted.here()
        return sent(session, request, **options)

    def execute(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        counts = re.match(rf"\s*(with\b.*?)?({rows})\b", statement, re.DOTALL) and cursor.rowcount
        if counts and ("insert into document" not in statement or noted.first("document")):
            noted.here()

    sent = requests.Session.send
    with monkeypatch.context() as patch:
        made(CanonicalDocument, lambda it: document == (it.side, it.kind) and noted.first(document))
        made(Finding, lambda it: it.order_key == noted.order)
        made(PlannedChange, lambda it: it.order_key == noted.order)
        made(Prepared, lambda it: it.planned.order_key == noted.order)
        made(Window, lambda it: True)
        patch.setattr(requests.Session, "send", send)
        event.listen(Engine, "after_cursor_execute", execute)
        try:
            yield noted
        finally:
            event.remove(Engine, "after_cursor_execute", execute)


def airflow(**conf: Any) -> dict[str, Any]:
    """What Airflow hands to a task, as far as the operators read it."""
    return {"run_id": "manual__1", "dag_run": SimpleNamespace(conf=conf, run_type="manual"), "partition_key": None}


def chain(pair: ShopAndBooks, *kinds: str) -> None:
    """One round by the operators; Great Expectations is left out, which takes most of a minute and has tests of its own."""
    from magodoo_airflow.operators import chain as operators
    from magodoo_airflow.operators.changes import BY_KIND

    for side in ("magento", "odoo"):
        operators.ExtractOperator(task_id=side, instance="us", side=side).run_step(pair.context(), airflow())
    operators.ReconcileOperator(task_id="reconcile", instance="us").run_step(pair.context(), airflow())
    operators.QualityOperator(task_id="quality", instance="us").run_step(pair.context(), airflow())
    for kind, operator in BY_KIND.items():
        if kind.value in kinds:
            operator(task_id=kind.value, instance="us").run_step(pair.context(), airflow())


@pytest.fixture(autouse=True)
def _without_expectations(monkeypatch: pytest.MonkeyPatch) -> None:
    from magodoo.quality import suites

    monkeypatch.setattr(suites, "run", lambda *_: ())


def compare(story: str, noted: Passed) -> None:
    """The files are the same, and every function of the page was passed."""
    listed = {name: functions for name, functions in STORIES[story].items() if not name.startswith("dags/")}
    assert set(noted.functions) == set(listed)
    never = {name: functions - noted.functions[name] for name, functions in listed.items()}
    assert not any(never.values()), never


def test_a_credit_memo_until_its_credit_note(pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    order = pair.order()
    pair.shop.invoice(order)
    pair.shop.ship(order)
    pair.chain()
    pair.shop.refund(order)
    with passed(monkeypatch, order, ("magento", "credit_memo")) as noted:
        chain(pair, "odoo_credit_note")
    assert len(pair.notes(order)) == 1
    compare(MEMO, noted)


def test_a_delivery_until_its_shipment(pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    order = pair.order(payment="cashondelivery")
    pair.chain()
    pair.deliver(order, tracking=["1Z100"])
    with passed(monkeypatch, order, ("odoo", "shipment")) as noted:
        chain(pair, "magento_shipment")
    assert [track["track_number"] for track in pair.shipments(order)[0]["tracks"]] == ["1Z100"]
    compare(DELIVERY, noted)


def test_a_total_that_differs_until_its_mail(
    pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from magodoo_airflow.hooks import smtp
    from magodoo_airflow.operators import chain as operators

    order = pair.order(payment="card")
    pair.shop.invoice(order)
    pair.enter_order(order)

    def dearer(entries: list[Any]) -> None:
        entries[0].price += 1
        entries[0].net += entries[0].quantity
        entries[0].base_net += entries[0].quantity

    pair.books.invoice(pair.histories[order], pair.invoices(order)[0]["entity_id"], change=dearer)
    for side in ("magento", "odoo"):
        operators.ExtractOperator(task_id=side, instance="us", side=side).run_step(pair.context(), airflow())
    at_airflow(pair, monkeypatch, tmp_path)
    with passed(monkeypatch, order) as noted:
        monkeypatch.setattr(smtp, "smtp_client", lambda _: MailServer(noted))
        operators.ReconcileOperator(task_id="reconcile", instance="us").run_step(pair.context(), airflow())
        operators.QualityOperator(task_id="quality", instance="us").run_step(pair.context(), airflow())
        counts = operators.SendMailsOperator(task_id="mail", instance="us").execute(airflow())
    assert counts["sent"] == 1
    compare(TOTAL, noted)


class MailServer:
    """Client and hook of a mail server, as far as they are used; taking a mail is a moment that counts."""

    from_email = "sales@example.com"

    def __init__(self, noted: Passed) -> None:
        self.noted = noted

    def __enter__(self) -> tuple[MailServer, MailServer]:
        return self, self

    def __exit__(self, *_: object) -> None:
        pass

    sock = object()

    def has_extn(self, name: str) -> bool:
        return False

    def mail(self, sender: str, options: object) -> tuple[int, bytes]:
        return 250, b""

    def rcpt(self, recipient: str) -> tuple[int, bytes]:
        return 250, b""

    def docmd(self, command: str) -> tuple[int, bytes]:
        return 354, b""

    def send(self, content: bytes) -> None:
        self.noted.here()

    def getreply(self) -> tuple[int, bytes]:
        return 250, b""

    def rset(self) -> tuple[int, bytes]:
        return 250, b""


def at_airflow(pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The settings file and the staging connection, for what opens them itself."""
    (folder / "magodoo.yaml").write_text("instances:\n  us: {magento_connection: shop, odoo_connection: books}\n")
    monkeypatch.setenv("MAGODOO_SETTINGS", str(folder / "magodoo.yaml"))
    url = pair.engine.url.render_as_string(hide_password=False).replace("postgresql+psycopg2", "postgres")
    monkeypatch.setenv("AIRFLOW_CONN_MAGODOO_STAGING", url)


def test_a_backfill_from_its_form(pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from magodoo_airflow.operators import backfill
    from magodoo_airflow.operators import chain as operators

    at_airflow(pair, monkeypatch, tmp_path)
    now = datetime.now(UTC)
    form = {"start": f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}", "end": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    with passed(monkeypatch, None, rows="(insert into|update) run") as noted:
        (chunk,) = backfill.BackfillChunksOperator(
            task_id="chunks", instance="us", hours=24, documents=["order"], **form
        ).execute(airflow())
        for side in ("magento", "odoo"):
            operators.ExtractOperator(task_id=side, instance="us", side=side).run_step(pair.context(), airflow(**chunk))
        operators.ReconcileOperator(task_id="reconcile", instance="us").run_step(pair.context(), airflow(**chunk))
        backfill.BackfillProgressOperator(task_id="progress", instance="us", chunk=chunk).execute(airflow())
    compare(BACKFILL, noted)
