"""Which record of a refused batch is to blame, whatever Odoo says in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magodoo.connectors.odoo.bulk_load import BulkLoad, LoadResult, Table
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.errors import UnreadableRecord

HIDDEN = "Sorry, sync (id=5) doesn't have 'read' access to:\n- Contact (res.partner)"


class Loads(BulkLoad):
    """Answers as Odoo does: a batch is refused as a whole if one of its records is `bad`, with the messages of `words`."""

    def __init__(self, bad: set[str], words: str) -> None:
        super().__init__(Rpc(OdooConnection("http://127.0.0.1:9", "d", "k", 1)))
        self.bad, self.words, self.calls = bad, words, 0

    def load(self, model: str, fields: Sequence[str], rows: Table, create_or_ignore: bool = True) -> LoadResult:
        self.calls += 1
        wrong = [place for place, row in enumerate(rows) if row[0] in self.bad]
        if not wrong:
            return LoadResult([int(row[1]) for row in rows], [])
        single = [_message(place, f"{HIDDEN} {rows[place][0]}") for place in wrong]
        whole = _message(0, HIDDEN)
        said = {"each": single, "whole first": [whole, *single], "whole only": [whole], "nobody": []}[self.words]
        return LoadResult(None, said)


def _message(place: int, text: str) -> dict[str, Any]:
    return {"type": "error", "message": text, "rows": {"from": place, "to": place}}


@given(
    count=st.integers(1, 12),
    bad=st.sets(st.integers(0, 11)),
    words=st.sampled_from(["each", "whole first", "whole only", "nobody"]),
)
def test_only_invalid_records_are_refused_whatever_odoo_answers_for_the_batch(
    count: int, bad: set[int], words: str
) -> None:
    names = [f"magodoo.partner_{number}" for number in range(count)]
    wrong = {names[number] for number in bad if number < count}
    loaded = Loads(wrong, words).create(
        "res.partner", ("id", "ref"), [(name, str(place)) for place, name in enumerate(names)]
    )
    assert loaded.ids == {name: place for place, name in enumerate(names) if name not in wrong}
    assert set(loaded.refused) == wrong


def test_a_batch_with_one_refused_record_takes_three_calls() -> None:
    loads = Loads({"a.7"}, "whole first")
    loads.create("res.partner", ("id", "ref"), [(f"a.{number}", str(number)) for number in range(100)])
    assert loads.calls == 3


@pytest.mark.parametrize("words", ["each", "whole first", "whole only"])
def test_a_refusal_by_a_record_rule_is_recognised(words: str) -> None:
    loaded = Loads({"a.1"}, words).create("res.partner", ("id", "ref"), [("a.0", "1"), ("a.1", "2")])
    (problem,) = loaded.refused.values()
    assert isinstance(problem, UnreadableRecord)
