"""Detects records that a record rule hides or that belong to another company, so that they affect one document and not all.

Odoo refuses a whole answer when one record below it may not be read, and silently leaves a hidden line out of a list (measured on 19). But a
search over the ids of a list (`in`, `!= False`) is not subject to the rules of the lines: it shows that something is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from magodoo.connectors.odoo.external_ids import MAY_NOT_BE_READ, SCANNED
from magodoo.connectors.odoo.record_kinds import Tree
from magodoo.connectors.odoo.record_trees import TreeReader
from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc
from magodoo.connectors.odoo.witnesses import Witnesses
from magodoo.errors import Forbidden, Unreadable, UnreadableRecord

NEARBY = 8
"""Lines of one document are created together: the id of a hidden one is close to those of the visible ones."""
UNRULED = frozenset({("sale.order", "order_line")})
"""(model, list) of lists that Odoo searches without applying the rules of their content (`auto_join`; `bypass_search_access` in 19): a
search shows whether one contains more than was read, however far its id is from the others.
"""

_PART = 5000


class Refused(NamedTuple):
    """Records that cannot be read completely: the reason by id, and the paths that lead to unreadable records."""

    reasons: dict[int, str]
    paths: list[str]


class _List(NamedTuple):
    """A list field of some holders: their model, the field (as in 19), its ids by holder, the top record by holder."""

    model: str
    field: str
    held: dict[int, list[int]]
    top_of: dict[int, int]


class Visibility:
    """Finds out what of the records the user of the connection may not read."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc, self._trees, self._witnesses = rpc, TreeReader(rpc), Witnesses(rpc)

    def visible(self, model: str, ids: Iterable[int]) -> set[int]:
        """Return which of the ids a search finds, in any company, archived or not."""
        wanted = sorted(set(ids))
        found: set[int] = set()
        for start in range(0, len(wanted), _PART):
            domain = [["id", "in", wanted[start : start + _PART]]]
            found.update(self._rpc.call(model, "search", domain=domain, context=ARCHIVED_TOO))
        return found

    def hidden(self, model: str, ids: Iterable[int]) -> dict[int, str]:
        """Return the reason, by id, for ids that exist but may not be read in this company. Deleted records are left out."""
        missing = set(ids)
        company = self._rpc.company_domain(model)
        if missing and company:
            domain = [*company, ["id", "in", sorted(missing)]]
            missing -= set(self._rpc.call(model, "search", domain=domain, context=ARCHIVED_TOO))
        seen = self.visible(model, missing) if missing else set()
        reasons = {id: _reason(model, id) for id in self._forbidden(model, sorted(missing - seen))}
        return reasons | {
            id: f"{model} {id} is not of company {self._rpc.company_id} any more" for id in seen if company
        }

    def hides(self, model: str) -> bool:
        """Return whether a model with few records has any that this user may not read in this company."""
        seen = set(self._rpc.call(model, "search", domain=[], context=ARCHIVED_TOO))
        beyond = max(seen, default=0) + SCANNED
        try:
            self._rpc.call(model, "read", ids=sorted(set(range(1, beyond)) - seen), fields=["id"])
        except (Forbidden, UnreadableRecord):
            return True
        return False

    def refused_below(self, model: str, tree: Tree, ids: Sequence[int]) -> Refused:
        """Return those of the records that refer to something unreadable: a customer, a product, an order.

        Raises Forbidden when a whole model below may not be read: that is a missing right, not a single record.
        """
        found = Refused({}, [])
        self._check_below(model, tree, {id: {id} for id in ids}, "", found)
        return found

    def read_whole(self, model: str, tree: Tree, domain: list[Any]) -> list[Row]:
        """Return the records of a domain, for callers that write next.

        Raises UnreadableRecord when any part of them may not be read, Unreadable when one of them is invalid.
        """
        found = self._trees.read(model, tree, domain)
        if found.flawed:
            raise Unreadable(found.flawed[0][1], system="odoo", call=model)
        for why in self.hidden_in_lists(model, tree, found.rows).values():
            raise UnreadableRecord(why, system="odoo", call=model)
        return found.rows

    def hidden_in_lists(self, model: str, tree: Tree, rows: Sequence[Row]) -> dict[int, str]:
        """Return, by id, why a list of a record is incomplete. `rows` are those of `TreeReader.read`."""
        if not rows:
            return {}
        tops = [row["id"] for row in rows]
        lists = list(self._lists(model, tree, {row["id"]: row for row in rows}, {id: id for id in tops}))
        reasons: dict[int, str] = {}
        for each, found in zip(lists, self._rpc.in_parallel(self._hidden_in, lists), strict=True):
            for holder, why in found.items():
                reasons.setdefault(each.top_of[holder], why)
        if model == "account.move":
            reasons = {**self._witnesses.unbalanced(tops), **reasons}
        if model == "sale.order":
            reasons = {**self._witnesses.unseen_documents(tops), **reasons}
        return reasons

    def _hidden_in(self, each: _List) -> dict[int, str]:
        """Return, by the holder's id, why its list is incomplete."""
        known = {id for items in each.held.values() for id in items}
        placed = self._witnesses.placed(each.model, each.field, each.held, known)
        return self._placed_out_of_sight(each, placed) | self._confirmed_hidden(each, self._suspected(each))

    def _placed_out_of_sight(self, each: _List, placed: Collection[int]) -> dict[int, str]:
        """Return the reasons by holder in whose list other records place something unreadable. What is seen elsewhere is not hidden."""
        if not placed:
            return {}
        relation = self._rpc.fields(each.model)[str(self._rpc.name_of(each.model, each.field))]["relation"]
        return {
            holder: _reason(relation, id)
            for id in self._forbidden(relation, sorted(set(placed) - self.visible(relation, placed)))
            for holder in self._witnesses.owners(each.model, each.field, each.held, id)
        }

    def _forbidden(self, model: str, ids: list[int]) -> list[int]:
        """Return which of these ids a read refuses. Ids that do not exist are not refused."""
        if not ids:
            return []
        try:
            self._rpc.call(model, "read", ids=ids, fields=["id"])
        except (Forbidden, UnreadableRecord):
            if len(ids) == 1:
                return ids
            middle = len(ids) // 2
            return [*self._forbidden(model, ids[:middle]), *self._forbidden(model, ids[middle:])]
        return []

    def _check_below(self, model: str, tree: Tree, tops: Mapping[int, set[int]], path: str, found: Refused) -> None:
        """Check one level of the tree; `tops` are the top records by id of the record on this level."""
        below = self._relations(model, tree)
        if not below or not tops:
            return
        asked = {field: str(self._rpc.name_of(model, field)) for field in below}
        rows = self._rpc.read(model, sorted(tops), list(asked.values()))
        for field, part in below.items():
            relation = self._rpc.fields(model)[asked[field]]["relation"]
            named: dict[int, set[int]] = defaultdict(set)
            for row in rows:
                for id in _named(row[asked[field]]):
                    named[id] |= tops[row["id"]]
            seen = self.visible(relation, named) if named and part else set(named)
            for id in sorted(set(named) - seen):
                found.reasons.update({top: _reason(relation, id) for top in named[id] if top not in found.reasons})
            if len(seen) < len(named):
                found.paths.append(f"{path}{field}")
            self._check_below(relation, part, {id: named[id] for id in seen}, f"{path}{field}.", found)

    def _relations(self, model: str, tree: Tree) -> dict[str, Tree]:
        """Return the stored relations of a tree that have a tree below, with it. Fields that this server does not have are omitted."""
        known = self._rpc.fields(model)
        found: dict[str, Tree] = {}
        for field, part in tree.items():
            facts = known.get(self._rpc.name_of(model, field) or "")
            if "fields" in part and facts is not None and facts.get("store", True):
                found[field] = part["fields"]
        return found

    def _lists(self, model: str, tree: Tree, records: Mapping[int, Row], top_of: dict[int, int]) -> Iterator[_List]:
        """Yield every stored list in the tree, with the records that hold it. Computed lists are skipped."""
        for field, part in tree.items():
            name = self._rpc.name_of(model, field)
            facts = self._rpc.fields(model).get(name or "", {})
            kind = facts.get("type")
            if kind not in ("one2many", "many2many", "many2one") or not records:
                continue
            held = {id: _records(row.get(field)) for id, row in records.items() if field in row}
            if kind != "many2one" and facts.get("store") and held:
                yield _List(model, field, {id: [_id(item) for item in items] for id, items in held.items()}, top_of)
            if "fields" in part:
                below = {_id(item): item for items in held.values() for item in items if isinstance(item, dict)}
                tops = {_id(item): top_of[id] for id, items in held.items() for item in items}
                yield from self._lists(facts["relation"], part["fields"], below, tops)

    def _suspected(self, each: _List) -> list[int]:
        """Return the holders whose list contains more than was read, according to Odoo's search."""
        name = str(self._rpc.name_of(each.model, each.field))
        if _is_unruled(each):
            known = sorted({id for items in each.held.values() for id in items})
            domain = [["id", "in", sorted(each.held)], [f"{name}.id", "not in", known]]
            return list(self._rpc.call(each.model, "search", domain=domain, context=ARCHIVED_TOO))
        empty = sorted(id for id, items in each.held.items() if not items)
        near = self._near(each) if self._rpc.fields(each.model)[name]["type"] == "one2many" else []
        conditions: list[list[Any]] = []
        if near:
            conditions.append([[name, "in", near]])
        if empty:
            conditions.append(["&", ["id", "in", empty], [name, "!=", False]])
        if not conditions:
            return []
        either = ["|", *conditions[0], *conditions[1]] if len(conditions) > 1 else conditions[0]
        domain = [["id", "in", sorted(each.held)], *either]
        return list(self._rpc.call(each.model, "search", domain=domain, context=ARCHIVED_TOO))

    @staticmethod
    def _near(each: _List) -> list[int]:
        known = {id for items in each.held.values() for id in items}
        around = {id + step for id in known for step in range(-NEARBY, NEARBY + 1)}
        return sorted(id for id in around - known if id > 0)

    def _confirmed_hidden(self, each: _List, holders: Sequence[int]) -> dict[int, str]:
        """Return the reasons by holder, for holders with something unreadable. A list may also leave records out by its own domain."""
        if not holders:
            return {}
        name = str(self._rpc.name_of(each.model, each.field))
        facts = self._rpc.fields(each.model)[name]
        suspected = each._replace(held={id: each.held[id] for id in holders if id in each.held})
        near = self._near(suspected) if facts["type"] == "one2many" else []
        reasons: dict[int, str] = {}
        for id in self._forbidden(facts["relation"], sorted(set(near) - self.visible(facts["relation"], near))):
            domain = [["id", "in", sorted(suspected.held)], [name, "in", [id]]]
            owners = self._rpc.call(each.model, "search", domain=domain, context=ARCHIVED_TOO)
            reasons |= {holder: _reason(facts["relation"], id) for holder in owners}
        for holder, items in suspected.held.items():
            sure = _is_unruled(each) or not items
            if holder not in reasons and sure and not self._seen_otherwise(facts, holder, items):
                reasons[holder] = f"{each.model} {holder}: what stands in {each.field} {MAY_NOT_BE_READ}"
        return reasons

    def _seen_otherwise(self, facts: Mapping[str, Any], holder: int, known: list[int]) -> bool:
        """Return whether further records of the holder are visible: its list has its own domain, or was just written."""
        inverse = facts.get("relation_field")
        if facts["type"] != "one2many" or not inverse:
            return False
        domain = [[inverse, "=", holder], ["id", "not in", known]]
        return bool(self._rpc.call(facts["relation"], "search", domain=domain, limit=1, context=ARCHIVED_TOO))


def _is_unruled(each: _List) -> bool:
    return (each.model, each.field) in UNRULED


def _reason(model: str, id: int) -> str:
    return f"{model} {id} {MAY_NOT_BE_READ}"


def _named(value: Any) -> list[int]:
    """Return the ids in a relation as `read` returns it: [id, name], False, or a list of ids."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str):
        return [value[0]]
    return value if isinstance(value, list) else []


def _records(value: Any) -> list[Any]:
    """Return the content of a row's relation as a list."""
    if isinstance(value, list):
        return value
    return [] if value is False or value is None else [value]


def _id(item: Any) -> int:
    return int(item["id"] if isinstance(item, dict) else item)
