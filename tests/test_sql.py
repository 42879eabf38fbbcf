"""What the code's SQL shows, read off every string: who writes each table (docs/architecture.md, *Tables*), and whose clock it asks."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ENGINE, PLUGIN = CHECKOUT / "include" / "magodoo", CHECKOUT / "plugins" / "magodoo_airflow"
MIGRATIONS = ENGINE / "staging" / "migrations"

OWNERS: dict[str, set[str]] = {
    "agreement": {"staging/sales_lines"},
    "change": {"ledger/changes", "ledger/decisions", "ledger/leases"},
    "change_body": {"ledger/changes", "ledger/leases"},
    "decision": {"decision_log"},
    "document": {f"staging/{name}" for name in ("documents", "deletion", "line_linking", "order_linking", "since")},
    "erased": {"staging/retention"},
    "finding": {"reconcile/repository"},
    "line": {"staging/documents", "staging/line_linking"},
    "listed": {"staging/sales_lines"},
    "mail": {"notifications/outbox"},
    "mail_recipient": {"notifications/outbox"},
    "master": {"staging/master_data"},
    "order_lease": {"ledger/leases"},
    "order_work": {"staging/work_queue"},
    "pair": {"reconcile/repository"},
    "payload": {"staging/documents"},
    "preflight": {"preflight/results"},
    "quarantine": {"staging/quarantine"},
    "run": {"staging/runs"},
    "shipment_group": {"reconcile/repository"},
    "statement": {"statement/store"},
    "statement_document": {"statement/store"},
    "statement_filing": {"statement/store"},
    "unlisted": {"staging/sales_lines"},
    "watermark": {"staging/watermarks"},
}
WRITES = re.compile(r"\b(?:insert\s+into|update|delete\s+from|truncate|merge\s+into|copy)\s+(?:only\s+)?([\w{]+)", re.I)
BY_NAME = {"copy_rows", "erase_words"}  # functions that write the table whose name is their second argument
NAMED_ELSEWHERE = {
    "erasing",
    "pg_copy",
    "staging/documents",
    "staging/frames",
}  # by the caller; a temporary table in staging


def strings(tree: ast.Module) -> Iterator[str]:
    """The strings of a module that are no docstrings, an f-string as one with `{` for what is put in."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in inner | said:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def written(source: str) -> set[str]:
    """The tables that a module writes; `{` for one whose name is put in."""
    tree = ast.parse(source)
    tables = {name.lower() for sql in strings(tree) for name in WRITES.findall(sql)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in BY_NAME:
            named = node.args[1]
            tables.add(str(named.value) if isinstance(named, ast.Constant) else "{")
    return {"{" if name.startswith("{") else name for name in tables}


def tables() -> set[str]:
    """The tables that the migrations create, without the partitions."""
    made = [file.read_text(encoding="utf-8") for file in (MIGRATIONS / "versions").iterdir() if file.is_file()]
    return {name for sql in made for name in re.findall(r"create table (\w+)(?! partition of)\b", sql)}


def code() -> list[Path]:
    """The modules of the engine and of the Airflow package, without the migrations."""
    files = [*ENGINE.rglob("*.py"), *PLUGIN.rglob("*.py")]
    return sorted(file for file in files if not file.is_relative_to(MIGRATIONS))


def module(file: Path) -> str:
    """The name of a module in its package: `ledger/leases`."""
    return str(file.relative_to(ENGINE if file.is_relative_to(ENGINE) else PLUGIN).with_suffix(""))


def writers() -> dict[str, set[str]]:
    """The modules that write each table."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in code():
        for table in written(file.read_text(encoding="utf-8")):
            found[table].add(module(file))
    for file in ENGINE.rglob("*.sql"):
        if not file.is_relative_to(MIGRATIONS):
            for table in WRITES.findall(file.read_text(encoding="utf-8")):
                found[table].add(module(file))
    return dict(found)


def test_each_table_is_written_by_its_owner() -> None:
    found = writers()
    assert {name: found.get(name, set()) for name in sorted(tables())} == OWNERS


def test_an_owner_is_one_folder() -> None:
    for table, modules in OWNERS.items():
        assert len({module.partition("/")[0] for module in modules}) == 1, table


def test_a_name_that_is_put_into_a_statement_is_checked_where_it_is_given() -> None:
    assert writers()["{"] == NAMED_ELSEWHERE


def test_a_write_elsewhere_would_be_found() -> None:
    assert written('x = """UPDATE change\n SET state = 1"""') == {"change"}
    assert written('f(f"with a as (select {b}) Insert  into\\n mail (id) values (1)")') == {"mail"}
    assert written('erase_words(connection, "mail", columns, words)') == {"mail"}
    assert written('connection.execute(text(f"delete from {name}"))') == {"{"}
    assert not tables() & written('"""Update change."""\nx = "select 1 from change for update of change"')


def test_the_page_names_the_owners() -> None:
    page = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.partition("## Tables\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.M)
    assert {table: set(re.findall(r"`([\w/]+)`", modules)) for table, modules in rows} == OWNERS


CLOCKS = re.compile(
    r"\b((?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(\)|current_(?:date|time)\w*|localtime\w*)",
    re.I,
)
COUNTED_BY_THE_DATABASE = re.compile(r"\b(until|lease_until|not_before|written_at)\b")


def test_sql_gets_the_time_as_a_parameter() -> None:
    for file in code():
        if file != ENGINE / "ledger" / "leases.py":
            tree = ast.parse(file.read_text(encoding="utf-8"))
            assert not [sql for sql in strings(tree) if CLOCKS.search(sql)], file


def test_leases_and_waiting_times_are_counted_by_the_database() -> None:
    tree = ast.parse((ENGINE / "ledger" / "leases.py").read_text(encoding="utf-8"))
    lines = [line for sql in strings(tree) for line in sql.splitlines() if CLOCKS.search(line)]
    assert len(lines) >= 10
    assert [line for line in lines if not COUNTED_BY_THE_DATABASE.search(line)] == []


def test_only_timestamps_asks_the_machine_for_the_time() -> None:
    for file in code():
        if file != ENGINE / "timestamps.py":
            said = re.findall(
                r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.time)\(", file.read_text(encoding="utf-8")
            )
            assert not said, file
