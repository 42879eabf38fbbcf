"""What is matched already: nothing is adopted twice, and what has its counterpart is nobody's duplicate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import text

from magodoo.vocabulary import Kind, Side

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context

_MATCHED = {
    side: f"select {side}_id from pair where instance = :instance and kind = :kind and {side}_id = any(:ids) and ended_at is null"
    for side in Side
}


def matched(context: Context, side: Side, kind: Kind, ids: Iterable[int]) -> set[int]:
    """Which of these ids of one side are matched with a document of the other."""
    values = {"instance": context.instance.id, "kind": kind.value, "ids": [str(number) for number in ids]}
    with context.engine.connect() as connection:
        return {int(number) for (number,) in connection.execute(text(_MATCHED[side]), values)}
