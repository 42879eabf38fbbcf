"""Replaying recorded exchanges against a sandbox Odoo: a story plays them in order and keeps what differed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from magodoo_sandbox.odoo import OdooDatabase
from magodoo_sandbox.odoo.transport import Answer, handle, parse

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings" / "odoo"
KEYS = {"sync": "key-of-sync", "admin": "key-of-admin", "limited": "key-of-limited"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Story:
    """A database and the recordings of one folder. `differences[name]` is empty where the sandbox answered the same."""

    def __init__(self, folder: str, db: OdooDatabase) -> None:
        self.folder, self.db = folder, db
        self.differences: dict[str, list[str]] = {}
        for login, key in KEYS.items():
            db.give_keys(**{login: key})

    def recording(self, name: str) -> dict[str, Any]:
        return parse((RECORDINGS / self.folder / f"{name}.json").read_bytes())

    def play(
        self, name: str, user: str = "sync", *, ignore: Iterable[str] = (), shape: bool = False, key: str | None = None
    ) -> Any:
        """Sends the recorded request. `ignore` leaves out members of these names, `shape` compares types only."""
        recording = self.recording(name)
        answer = self.send(recording["request"], f"bearer {KEYS[user]}" if key is None else key)
        expected = recording["response"]
        found = [] if answer.status == expected["status"] else [f"status {answer.status}, not {expected['status']}"]
        if answer.kind.split(";")[0] != expected["content_type"].split(";")[0]:
            found.append(f"{answer.kind}, not {expected['content_type']}")
        got: Any = None
        if "json" in expected and "json" in answer.kind:
            got = parse(answer.content)
            found += compare(expected["json"], got, {"debug", *ignore}, shape)
        elif expected.get("text") and expected["text"] != answer.content.decode():
            found.append(f"text {answer.content.decode()!r}")
        self.differences[name] = found
        return got

    def send(self, request: dict[str, Any], authorization: str) -> Answer:
        body = request["body"]
        raw = b"" if body is None else body.encode() if isinstance(body, str) else _body(body)
        if isinstance(body, dict) and "<raw>" in body:
            raw = body["<raw>"].encode()
        headers = {name.lower(): value for name, value in request["headers"].items()}
        if authorization:
            headers["authorization"] = authorization
        return handle(self.db, request["method"], request["path"], headers, raw)

    def at(self, moment: str) -> None:
        """Sets the clock: `2026-11-22 09:04:37`."""
        self.db.now = datetime.fromisoformat(moment).replace(tzinfo=UTC)

    def do(self, model: str, method: str, ids: Any = None, context: Any = None, **arguments: Any) -> Any:
        """A call as the administrator makes it, to bring about the state that a recording needs."""
        return self.db.call(model, method, ids=ids, context=context, **arguments)

    def next_id(self, **models: int) -> None:
        """The id that the next record of a model gets; `account_move=54` speaks of account.move."""
        for model, number in models.items():
            self.db.store.next_ids[model.replace("_", ".")] = number


def _body(body: dict[str, Any]) -> bytes:
    text = json.dumps(body, default=float)
    for login, key in KEYS.items():
        text = text.replace(f"<API_KEY:{login}>", key).replace(f"<PASSWORD:{login}>", key)
    return text.encode()


def compare(expected: Any, got: Any, ignore: set[str], shape: bool, path: str = "") -> list[str]:
    """What differs, as `path: expected, not got`. Times differ only in their form."""
    if isinstance(expected, dict) and isinstance(got, dict):
        names = [name for name in {**expected, **got} if name not in ignore]
        missing = [f"{path}.{name} is there on one side only" for name in names if (name in expected) != (name in got)]
        both = [name for name in names if name in expected and name in got]
        return missing + [d for n in both for d in compare(expected[n], got[n], ignore, shape, f"{path}.{n}")]
    if isinstance(expected, list) and isinstance(got, list):
        if shape:
            return compare(expected[0], got[0], ignore, shape, f"{path}[0]") if expected and got else []
        lengths = [] if len(expected) == len(got) else [f"{path}: {len(expected)} entries, not {len(got)}"]
        pairs = enumerate(zip(expected, got, strict=False))
        return lengths + [d for i, (a, b) in pairs for d in compare(a, b, ignore, shape, f"{path}[{i}]")]
    return [] if _same(expected, got, shape) else [f"{path}: {expected!r}, not {got!r}"]


def _same(expected: Any, got: Any, shape: bool) -> bool:
    if type(expected) is not type(got):
        # False stands for every empty value, so a shape may have it where the recording has text
        return shape and (expected is False or got is False)
    if isinstance(expected, str) and _MOMENT.fullmatch(expected):
        return bool(_MOMENT.fullmatch(got))
    if isinstance(expected, Decimal):
        return shape or abs(expected - got) < Decimal("0.000001")
    return shape or expected == got
