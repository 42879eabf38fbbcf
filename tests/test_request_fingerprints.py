"""What the ledger stores of every kind of change is frozen, to the byte (`request_fingerprints.json`, planned in `request_forms.py`).

A request that changes, be it by one byte, plans every open change of its kind anew, and takes its approval away: it must never
happen by the way. A test here that fails shows the first difference. Where a request is changed on purpose (and the changelog
says so), write the file again:

    MAGODOO_FREEZE=requests python -m pytest tests/test_request_fingerprints.py

and look through its difference. The file holds `requests`, a line per change of the story (what the ledger stores, the SHA-256
of the stored texts of request and calls, both as canonical values, and what it waits for), and `kinds`, a line per kind of
change: what decides its place, its limits and its operator. In the calls, what stands in the request too is named by its path.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import request_forms
from ledger_changes import AnyRequest, a_change, an_instance, intent_of, recorded
from request_sources import sources
from sqlalchemy import Connection, text

from magodoo import staging
from magodoo.domain.kinds import EDGES, ChangeKind, requires, waits_for
from magodoo.domain.vocabulary import Kind
from magodoo.flows.planner import prepare_from
from magodoo.flows.sources import Sources
from magodoo.ledger import approvals
from magodoo.ledger.planned import PlannedChange
from magodoo.money import dump_json, parse_json
from magodoo.settings.model import Limits
from magodoo.timestamps import utc_now
from magodoo_airflow.operators.changes import BY_KIND

Row = dict[str, Any]
FROZEN = Path(__file__).with_name("request_fingerprints.json")
IS_FREEZING = os.environ.get("MAGODOO_FREEZE") == "requests"
LONG = 60  # characters from which on a value of the calls is named by its path in the request


@pytest.fixture(scope="module")
def rows(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The changes of the story as the file holds them."""
    with request_forms.a_pair(module_staging_url, tmp_path_factory.mktemp("docs")) as pair:
        stored = request_forms.plan_all(pair)
    counts: Counter[tuple[str, str]] = Counter()
    for row in stored:
        counts[row["form"], row["kind"]] += 1
        row["what"] = f"{row['form']} {row['kind']} {counts[row['form'], row['kind']]}"
    return [_frozen(row, stored) for row in stored]


@pytest.fixture(scope="module")
def kinds(new_staging: Callable[[], str]) -> list[Row]:
    """What each kind of change is, as the file holds it."""
    engine = staging.connect(new_staging())
    with engine.connect() as connection:
        limited = {kind: _limited(connection, kind) for kind in ChangeKind}
    engine.dispose()
    own = sources()
    return [{**_kind(kind), **limited[kind], "from_payload": _is_built_from_payload(own, kind)} for kind in ChangeKind]


@pytest.fixture(scope="module")
def frozen(rows: list[Row], kinds: list[Row]) -> dict[str, list[Row]]:
    """The file; written again first where that is asked for."""
    if IS_FREEZING:
        lists = ((f'"{name}": [', *_lines(each), "]") for name, each in (("requests", rows), ("kinds", kinds)))
        FROZEN.write_text("{" + ",\n".join("\n".join(each) for each in lists) + "}\n", encoding="utf-8")
    return dict(parse_json(FROZEN.read_bytes()))


def _lines(rows: list[Row]) -> list[str]:
    return [f"{dump_json(row)}," for row in rows[:-1]] + [dump_json(row) for row in rows[-1:]]


def _frozen(row: Row, stored: list[Row]) -> Row:
    request, calls = parse_json(row["request"]), parse_json(row["calls"])
    others = [other for other in stored if other["order_key"] == row["order_key"] and other is not row]
    return {
        **{name: value for name, value in row.items() if name not in ("request", "calls")},
        "bytes": hashlib.sha256(f"{row['request']}\n{row['calls']}".encode()).hexdigest(),
        "request": request,
        "calls": _folded(calls, dict(_long_values(request, "request"))),
        "waits_for": [other["what"] for other in others if waits_for(_change(row), _change(other))],
        "requires": [other["what"] for other in others if requires(_change(row), _change(other))],
    }


def _change(row: Row) -> tuple[ChangeKind, str]:
    return ChangeKind(row["kind"]), row["source_id"]


def _long_values(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(text, path) of the long values in a request; of equal ones the last is the outermost."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from _long_values(part, f"{path}.{name}")
    if isinstance(value, dict | list) and len(dump_json(value)) >= LONG:
        yield dump_json(value), path


def _folded(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict | list) and dump_json(value) in known:
        return f"= {known[dump_json(value)]}"
    if isinstance(value, dict):
        return {name: _folded(part, known) for name, part in value.items()}
    return [_folded(part, known) for part in value] if isinstance(value, list) else value


def difference(before: Any, now: Any, path: str = "") -> str:
    """Where two values differ first, with both; empty when they are equal to the digit."""
    if dump_json(before) == dump_json(now):
        return ""
    if isinstance(before, dict) and isinstance(now, dict):
        names = [*before, *(name for name in now if name not in before)]
        pairs = [(f"{path}.{name}".lstrip("."), before.get(name, "absent"), now.get(name, "absent")) for name in names]
        return next(
            (found for name, *both in pairs if (found := difference(*both, name))), f"{path}: null is not absent"
        )
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        both = enumerate(zip(before, now, strict=True))
        return next(found for at, pair in both if (found := difference(*pair, f"{path}[{at}]")))
    return f"{path}: was {dump_json(before)}, is {dump_json(now)}"


def compare(before: list[Row], now: list[Row]) -> list[str]:
    """What is different between two lists of frozen rows, a text for each row: bodies first, then the digests."""
    old, new = ({row["what"]: row for row in each} for each in (before, now))
    told = [f"{what}: is gone" for what in old if what not in new] + [
        f"{what}: is new" for what in new if what not in old
    ]
    for what in (what for what in old if what in new):
        a, b = (_bodies_first(row[what]) for row in (old, new))
        if found := difference(a, b):
            told.append(f"{what}: {found}")
    if not told and list(old) != list(new):
        told.append(f"planned in another order: {difference(list(old), list(new), 'requests')}")
    return told


def _bodies_first(row: Row) -> Row:
    bodies = {name: row[name] for name in ("request", "calls") if name in row}
    return {**bodies, **{name: row[name] for name in sorted(row) if name not in bodies}}


def test_stored_requests_are_unchanged(rows: list[Row], frozen: dict[str, list[Row]]) -> None:
    told = compare(frozen["requests"], rows)
    assert not told, "requests changed: open changes would be planned anew\n" + "\n".join(told)


def test_every_kind_is_frozen_in_several_forms(rows: list[Row]) -> None:
    counts = Counter(row["kind"] for row in rows)
    assert set(counts) == {kind.value for kind in ChangeKind}
    assert min(counts.values()) >= 2, counts


def test_the_digest_of_a_request_is_of_its_stored_value(rows: list[Row]) -> None:
    for row in rows:
        assert row["request_hash"] == hashlib.sha256(dump_json(row["request"]).encode()).hexdigest(), row["what"]


@pytest.mark.parametrize("kind", ChangeKind)
def test_one_altered_value_of_a_body_is_found_and_shown(rows: list[Row], kind: ChangeKind) -> None:
    """Whichever value of a request changes, and be it a number that becomes a text."""
    row = next(row for row in rows if row["kind"] == kind.value)
    for path, alter in _alterations(row["request"], ("request",)):
        other = copy.deepcopy(row)
        alter(other)
        (told,) = compare([row], [other])
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
        assert told.startswith(f"{row['what']}: {name}: was "), told


def _alterations(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """(path, function that alters a row there) of each single value in a request."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    for name, part in parts or ():
        yield from _alterations(part, (*path, name))
    if parts is None:

        def alter(row: Row) -> None:
            place: Any = row
            for part in path[:-1]:
                place = place[part]
            place[path[-1]] = str(value) if type(value) is int else f"{value}x"

        yield path, alter


def test_a_request_of_the_product_that_changes_is_found(
    rows: list[Row], frozen: dict[str, list[Row]], staging_url: str
) -> None:
    """The same row once more through the ledger, with one more key in its request: its bytes, its digest and its body differ."""
    row = next(row for row in frozen["requests"] if row["kind"] == ChangeKind.ODOO_INVOICE.value)
    change = replace(a_change(), request=AnyRequest(row["request"], added=1))
    engine = staging.connect(staging_url)
    with engine.connect() as connection:
        recorded(connection, change)
        stored = connection.execute(text(request_forms.STATEMENT), {"after": 0}).mappings().one()
    engine.dispose()
    again = {**row, "request": parse_json(stored["request"]), "request_hash": stored["request_hash"]}
    assert compare([row], [again]) == [f'{row["what"]}: request.added: was "absent", is 1']
    assert stored["request_hash"] != row["request_hash"]


# What a kind of change is


def _kind(kind: ChangeKind) -> Row:
    edges = [edge for edge in EDGES if edge.later is kind]
    return {
        "what": kind.value,
        "name": kind.name,
        "target": kind.target.value,
        "step": kind.step,
        "edges": sorted(f"{edge.effect.name} {edge.earlier.value} {edge.scope.name}" for edge in edges),
        "operator": BY_KIND[kind].__name__,
        "place_of_its_operator": list(BY_KIND).index(kind),
    }


def _limited(connection: Connection, kind: ChangeKind) -> Row:
    """The limit of its amount, why it waits inside a closed period, and whether the numbering of a journal orders it."""
    recorded(connection, a_change(kind, date="2025-03-10"), a_change(kind, "2", "21", closed_period=True))
    approvals.review(
        connection, an_instance(limits=Limits(first_writes=0, document_amount=7, refund_amount=8)), utc_now()
    )
    statement = "select approval, approval_reason, series_day::text from change order by id"
    (large, closed) = connection.execute(text(statement)).all()
    connection.execute(text("delete from change_body"))
    connection.execute(text("delete from change"))
    connection.commit()
    named = {"7": "document_amount", "8": "refund_amount"}
    return {
        "limit": [large.approval, named[large.approval_reason.rsplit(" ", 1)[1]]],
        "closed_period": [closed.approval, closed.approval_reason],
        "series_day": large.series_day,
    }


def _is_built_from_payload(own: Sources, kind: ChangeKind) -> bool:
    """Whether nothing is requested once retention has blanked the order."""
    order = next(document for document in own.documents.values() if document.kind == Kind.ORDER)
    order.payload = {}
    intent = intent_of(kind, odoo_id=1, magento_id=1, tracks=["T"], items=[], method="card")
    plan = PlannedChange(kind, order.source_id, "n", Kind.ORDER, order.source_id, "n", 1, "USD", 1, intent)
    return any("blanked" in problem.message for problem in prepare_from(own, [plan])[0].problems)


def test_the_catalogue_of_kinds_is_unchanged(kinds: list[Row], frozen: dict[str, list[Row]]) -> None:
    told = compare(frozen["kinds"], kinds)
    assert not told, "\n".join(told)
