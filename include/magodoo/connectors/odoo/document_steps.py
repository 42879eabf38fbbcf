"""Steps of documents in Odoo (docs/facts/pair.md#3 to #6): a method brings records to another state, called once for many of them.

Every step may be repeated: what is done already is detected and left alone. A batch that is refused is split until the refused record is
alone. Nothing of a refused call was done: one call is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from magodoo.connectors.odoo.rpc import Rpc
from magodoo.errors import FixDocument, MagodooError


@dataclass(frozen=True)
class Done:
    """Result of a batch by database id: the records that are in the wanted state now, and why the others are not."""

    ids: list[int] = field(default_factory=list)
    refused: dict[int, MagodooError] = field(default_factory=dict)


def advance(
    rpc: Rpc,
    model: str,
    method: str,
    ids: Sequence[int],
    *,
    pending: tuple[str, ...],
    wanted: tuple[str, ...],
    context: dict[str, Any] | None = None,
    expected: Any = None,
) -> Done:
    """Call `method` on the records that are still `pending`, then read back which are in a `wanted` state.

    `expected` is the only answer that means success, where there is one. A refusal of several records is retried in halves; a refused single
    record is returned in `refused`, unless another writer has brought it to a wanted state.
    """
    before = _states(rpc, model, ids)
    todo = [id for id in ids if before.get(id) in pending]
    refused: dict[int, MagodooError] = {}

    def act(part: list[int]) -> None:
        answer = rpc.write_call(model, method, ids=part, context=context)
        if expected is not None and answer is not expected:
            raise FixDocument(_question(answer), system="odoo", call=f"{model}.{method}")

    _in_halves(act, todo, refused)
    after = _states(rpc, model, ids)
    ready = [id for id in ids if after.get(id) in wanted]
    for id in ids:
        if id in ready:
            refused.pop(id, None)
        elif id not in refused:
            state = f"is {after[id]}" if id in after else "does not exist"
            refused[id] = FixDocument(f"record {id} {state}", system="odoo", call=f"{model}.{method}")
    return Done(ready, refused)


def _states(rpc: Rpc, model: str, ids: Sequence[int]) -> dict[int, str]:
    return {row["id"]: str(row["state"]) for row in rpc.records(model, ids, ["state"])}


def _in_halves(act: Callable[[list[int]], None], part: list[int], refused: dict[int, MagodooError]) -> None:
    if not part:
        return
    try:
        act(part)
    except FixDocument as problem:
        if len(part) == 1:
            refused[part[0]] = problem
            return
        middle = len(part) // 2
        _in_halves(act, part[:middle], refused)
        _in_halves(act, part[middle:], refused)


def _question(answer: Any) -> str:
    asked = answer.get("res_model") if isinstance(answer, dict) else None
    return f"Odoo asks a question instead of doing it ({asked})" if asked else "Odoo did not say that it is done"
