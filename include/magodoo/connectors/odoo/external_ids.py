"""External ids (`module.name`): the names that we gave records, both ways, with the rights of a restricted user.

From record to name is one call per model (`get_external_id`). From name to record there is no public batch call for a
user without the right to `ir.model.data`: `check_object_reference` takes one name, 13 ms each, so names are asked in
parallel. Where an administrator granted reading `ir.model.data`, one search answers for all. Who believes to know what the
names stand for says so: that is confirmed from record to name, and only the rest is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from magodoo.connectors.odoo.record_trees import Row, TreeReader
from magodoo.connectors.odoo.rpc import expect_rows
from magodoo.connectors.odoo.validation import is_id
from magodoo.errors import FixDocument, Forbidden, Unreadable, UnreadableRecord

BATCH = 1000
SCANNED = 10_000
"""Ids of one question for records that a search does not show."""
MISSING = "External ID not found"  # never translated
MAY_NOT_BE_READ = (
    "may not be read: a record rule hides it from the user of the connection, or it belongs to another company"
)
Believed = Mapping[str, tuple[str, int]]
"""(model, database id) by external id, as it was seen at some time."""


class ExternalIds(TreeReader):
    """Adds names of records to the reads."""

    _may_search_names: bool | None = None

    def external_ids(self, model: str, ids: Iterable[int]) -> dict[int, str]:
        """The external id of each record that has one; of several Odoo gives the first."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        answer = self.call(model, "get_external_id", ids=wanted)
        if not isinstance(answer, dict) or not all(id.isascii() and id.isdigit() for id in answer):
            raise Unreadable("a mapping of external ids was expected", system="odoo", call=f"{model}.get_external_id")
        return {int(id): str(name) for id, name in answer.items() if name}

    def by_external_ids(
        self, names: Sequence[str], believed: Believed | None = None, *, hidden: dict[str, str] | None = None
    ) -> dict[str, int]:
        """The database id of each name that exists, whatever its model; names without a record are left out.

        believed: the records that names stood for when they were last seen. Odoo has the last word on them, too.

        hidden: is given the names whose record exists and may not be seen by this user, and why. Without it
        UnreadableRecord is raised for the first of them.
        """
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            if "." not in name:
                raise ValueError(f"an external id needs its module: {name!r}")
        if self._may_search_names is not False and len(wanted) > 1:
            try:
                pairs = [pair for part in _parts(wanted) for pair in self._searched(part)]
            except Forbidden:
                self._may_search_names = False
            else:
                self._may_search_names = True
                return dict(pairs)
        confirmed = self._confirmed({name: believed[name] for name in wanted if name in believed}) if believed else {}
        rest = [name for name in wanted if name not in confirmed]
        answers = dict(zip(rest, self.in_parallel(self._asked, rest), strict=True))
        found = confirmed | {name: id for name, (_, id) in answers.items() if id}
        doubtful: dict[str, list[str]] = {}
        for name, (model, id) in answers.items():
            if model and not id:
                doubtful.setdefault(model, []).append(name)
        unseen = {name: (model, id) for model, own in doubtful.items() for name, id in self._named(model, own).items()}
        for name, (model, id) in unseen.items():
            self._set_apart(name, model, id, found, hidden)
        return found

    def name_rows(self, rows: list[Row], named: Sequence[tuple[str, str]]) -> None:
        """Give every record at the paths its `external_id` ("" when it has none): one call per model."""
        holders: dict[str, list[Row]] = {}
        for path, model in named:
            holders.setdefault(model, []).extend(_at(rows, path.split(".") if path else []))
        for model, records in holders.items():
            names = self.external_ids(model, (record["id"] for record in records))
            for record in records:
                record["external_id"] = names.get(record["id"], "")

    def _confirmed(self, believed: Believed) -> dict[str, int]:
        """Those of the names that their record carries now: one call per model."""
        by_model: dict[str, list[int]] = {}
        for model, id in believed.values():
            by_model.setdefault(model, []).append(id)
        carried = {
            (model, id): name for model, ids in by_model.items() for id, name in self.external_ids(model, ids).items()
        }
        return {name: record[1] for name, record in believed.items() if carried.get(record) == name}

    def _asked(self, name: str) -> tuple[str, int]:
        """(model, id) that Odoo knows the name for: "" and 0 without; 0 alone where the record is not there for this user.

        The last may be a record that never came to be: Odoo keeps the names that a load had given before it was rolled back until the
        next name is given (measured on 19).
        """
        module, _, word = name.partition(".")
        try:
            answer = self.call(
                "ir.model.data", "check_object_reference", module=module, xml_id=word, context={"active_test": False}
            )
        except FixDocument as problem:
            if MISSING in str(problem):
                return "", 0
            raise
        if isinstance(answer, list) and len(answer) == 2 and (is_id(answer[1]) or not answer[1]):
            return str(answer[0]), int(answer[1] or 0)
        raise Unreadable("a reference was expected", system="odoo", call="ir.model.data.check_object_reference")

    def _set_apart(self, name: str, model: str, id: int, found: dict[str, int], hidden: dict[str, str] | None) -> None:
        """Put a record that a search does not show where it belongs: `hidden` where it exists and may not be read, `found` where it
        has come to be seen; a name whose record is gone is left out.
        """
        try:
            if self.call(model, "read", ids=[id], fields=["id"]):
                found[name] = id
        except (Forbidden, UnreadableRecord):
            why = f"{model} {name} {MAY_NOT_BE_READ}"
            if hidden is None:
                raise UnreadableRecord(why, system="odoo") from None
            hidden[name] = why

    def _named(self, model: str, names: Sequence[str]) -> dict[str, int]:
        """Those of the names that a record has which a search does not show, from the newest record back: names are read from there.

        A name says its record without the rules of records and without what Odoo remembers.
        """
        newest = self.call(model, "search", domain=[], order="id desc", limit=1, context={"active_test": False})
        first = (newest[0] if newest else 0) + 1
        left, found = set(names), dict[str, int]()
        while beyond := self.external_ids(model, range(first, first + SCANNED)):
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
        """The names by id of what is not shown between two ids, both included."""
        domain: list[Any] = [["id", ">=", first], ["id", "<=", last]]
        seen = self.call(model, "search", domain=domain, context={"active_test": False})
        return self.external_ids(model, set(range(first, last + 1)) - set(seen))

    def _searched(self, names: list[str]) -> list[tuple[str, int]]:
        by_module: dict[str, list[str]] = {}
        for name in names:
            module, _, word = name.partition(".")
            by_module.setdefault(module, []).append(word)
        found: list[tuple[str, int]] = []
        for module, words in by_module.items():
            domain: list[Any] = [["module", "=", module], ["name", "in", words]]
            fields = ["name", "model", "res_id"]
            rows = expect_rows(
                self.call("ir.model.data", "search_read", domain=domain, fields=fields), "ir.model.data.search_read"
            )
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
