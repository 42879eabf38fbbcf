"""External ids (`module.name`) of records, looked up both ways with the rights of a restricted user.

From record to name takes one call per model (`get_external_id`). From name to record there is no public batch call for a user without the
right to read `ir.model.data`: `check_object_reference` takes one name, 13 ms each, so names are looked up in parallel. Where an
administrator granted reading `ir.model.data`, one search answers for all. A caller may pass the records it expects: those are confirmed
from record to name, and only the rest is looked up by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc
from magodoo.connectors.odoo.validation import is_id
from magodoo.errors import FixDocument, Forbidden, Unreadable, UnreadableRecord

BATCH = 1000
SCANNED = 10_000
"""Ids per request in the search for records that a search does not return."""
MISSING = "External ID not found"  # never translated
MAY_NOT_BE_READ = (
    "may not be read: a record rule hides it from the user of the connection, or it belongs to another company"
)
Believed = Mapping[str, tuple[str, int]]
"""(model, database id) by external id, as last read."""


class ExternalIds:
    """Finds the external ids of records, and the records of external ids."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def of(self, model: str, ids: Iterable[int]) -> dict[int, str]:
        """Return the external id by database id, of records that have one; of several, Odoo returns the first."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        answer = self._rpc.call(model, "get_external_id", ids=wanted)
        if not isinstance(answer, dict) or not all(id.isascii() and id.isdigit() for id in answer):
            raise Unreadable("a mapping of external ids was expected", system="odoo", call=f"{model}.get_external_id")
        return {int(id): str(name) for id, name in answer.items() if name}

    def find(
        self, names: Sequence[str], believed: Believed | None = None, *, hidden: dict[str, str] | None = None
    ) -> dict[str, int]:
        """Return the database id of each external id that exists, regardless of its model.

        Args:
            names: External ids, with their module. Raises ValueError for one without.
            believed: Records that the names referred to when they were last read. They are verified in Odoo too.
            hidden: Filled with the names whose record exists but may not be read by this user, and the reason. Without it UnreadableRecord is
                raised for the first of them.
        """
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            if "." not in name:
                raise ValueError(f"an external id needs its module: {name!r}")
        if "ir.model.data" not in self._rpc.denied and len(wanted) > 1:
            try:
                return dict(pair for part in _parts(wanted) for pair in self._searched(part))
            except Forbidden:
                self._rpc.denied.add("ir.model.data")
        confirmed = self._confirmed({name: believed[name] for name in wanted if name in believed}) if believed else {}
        rest = [name for name in wanted if name not in confirmed]
        answers = dict(zip(rest, self._rpc.in_parallel(self._asked, rest), strict=True))
        found = confirmed | {name: id for name, (_, id) in answers.items() if id}
        doubtful: dict[str, list[str]] = {}
        for name, (model, id) in answers.items():
            if model and not id:
                doubtful.setdefault(model, []).append(name)
        unseen = {name: (model, id) for model, own in doubtful.items() for name, id in self._named(model, own).items()}
        for name, (model, id) in unseen.items():
            self._set_apart(name, model, id, found, hidden)
        return found

    def add(self, rows: list[Row], named: Sequence[tuple[str, str]]) -> None:
        """Set `external_id` of every record at the paths ("" when it has none): one call per model."""
        holders: dict[str, list[Row]] = {}
        for path, model in named:
            holders.setdefault(model, []).extend(_at(rows, path.split(".") if path else []))
        for model, records in holders.items():
            names = self.of(model, (record["id"] for record in records))
            for record in records:
                record["external_id"] = names.get(record["id"], "")

    def _confirmed(self, believed: Believed) -> dict[str, int]:
        """Return the ids of the names that their expected record carries now: one call per model."""
        by_model: dict[str, list[int]] = {}
        for model, id in believed.values():
            by_model.setdefault(model, []).append(id)
        carried = {(model, id): name for model, ids in by_model.items() for id, name in self.of(model, ids).items()}
        return {name: record[1] for name, record in believed.items() if carried.get(record) == name}

    def _asked(self, name: str) -> tuple[str, int]:
        """Return (model, id) of an external id: "" and 0 where it does not exist in Odoo; id 0 where this user cannot find the record.

        The record may also never have been created: Odoo caches the names of a load that was rolled back until the next name is created (measured
        on 19).
        """
        module, _, word = name.partition(".")
        try:
            answer = self._rpc.call(
                "ir.model.data", "check_object_reference", module=module, xml_id=word, context=ARCHIVED_TOO
            )
        except FixDocument as problem:
            if MISSING in str(problem):
                return "", 0
            raise
        if isinstance(answer, list) and len(answer) == 2 and (is_id(answer[1]) or not answer[1]):
            return str(answer[0]), int(answer[1] or 0)
        raise Unreadable("a reference was expected", system="odoo", call="ir.model.data.check_object_reference")

    def _set_apart(self, name: str, model: str, id: int, found: dict[str, int], hidden: dict[str, str] | None) -> None:
        """Classify a record that a search does not return: add it to `hidden` where it may not be read, to `found` where it can be read by now.

        A name whose record is deleted is left out.
        """
        try:
            if self._rpc.call(model, "read", ids=[id], fields=["id"]):
                found[name] = id
        except (Forbidden, UnreadableRecord):
            why = f"{model} {name} {MAY_NOT_BE_READ}"
            if hidden is None:
                raise UnreadableRecord(why, system="odoo") from None
            hidden[name] = why

    def _named(self, model: str, names: Sequence[str]) -> dict[str, int]:
        """Return the ids of the names whose record a search does not return, searching from the newest record backwards.

        Names are read from records: that ignores record rules and Odoo's cache.
        """
        newest = self._rpc.call(model, "search", domain=[], order="id desc", limit=1, context=ARCHIVED_TOO)
        first = (newest[0] if newest else 0) + 1
        left, found = set(names), dict[str, int]()
        while beyond := self.of(model, range(first, first + SCANNED)):
            found |= {name: id for id, name in beyond.items() if name in left}
            first = max(beyond) + 1
        for last in range((newest[0] if newest else 0), 0, -SCANNED):
            if not left - set(found):
                break
            found |= {
                name: id for id, name in self._unseen(model, max(1, last - SCANNED + 1), last).items() if name in left
            }
        return found

    def _unseen(self, model: str, first: int, last: int) -> dict[int, str]:
        """Return the external ids, by id, of records that a search does not return, between two ids, both included."""
        domain: list[Any] = [["id", ">=", first], ["id", "<=", last]]
        seen = self._rpc.call(model, "search", domain=domain, context=ARCHIVED_TOO)
        return self.of(model, set(range(first, last + 1)) - set(seen))

    def _searched(self, names: list[str]) -> list[tuple[str, int]]:
        by_module: dict[str, list[str]] = {}
        for name in names:
            module, _, word = name.partition(".")
            by_module.setdefault(module, []).append(word)
        found: list[tuple[str, int]] = []
        for module, words in by_module.items():
            domain: list[Any] = [["module", "=", module], ["name", "in", words]]
            fields = ["name", "model", "res_id"]
            rows = self._rpc.search_read("ir.model.data", domain, fields)
            found += [(f"{module}.{row['name']}", row["res_id"]) for row in rows]
        return found


def _at(records: list[Row], path: list[str]) -> list[Row]:
    for field in path:
        below: list[Row] = []
        for record in records:
            value = record.get(field)
            below += value if isinstance(value, list) else [value] if isinstance(value, dict) else []
        records = below
    return [record for record in records if isinstance(record, dict) and isinstance(record.get("id"), int)]


def _parts(names: list[str]) -> list[list[str]]:
    return [names[start : start + BATCH] for start in range(0, len(names), BATCH)]
