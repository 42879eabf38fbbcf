"""What becomes of the changes that require one which ended undone, and of their order (the edges: `magodoo.dependencies`)."""

from __future__ import annotations

from sqlalchemy import Connection, text

from magodoo.dependencies import Change, requires
from magodoo.vocabulary import OPEN_STATES, ChangeKind


def supersede(connection: Connection, instance: str, order_key: str, ended: Change) -> int:
    """Supersede what requires a change that ended undone, and what requires that in turn; return how many.

    Whichever run takes them up next would refuse them for good: they would be written before what comes first. What only waits
    while another is open keeps its verdict and its approval.
    """
    rows = connection.execute(
        text(
            "select id, kind, source_id from change where instance = :instance and order_key = :order and state = any(:open)"
            " order by step for update"
        ),
        {"instance": instance, "order": order_key, "open": [state.value for state in OPEN_STATES]},
    )
    undone, ids = [ended], []
    for change_id, kind, source_id in rows:  # by step: what is required comes first
        change = (ChangeKind(kind), source_id)
        if any(requires(change, earlier) for earlier in undone):
            undone.append(change)
            ids.append(change_id)
    statement = (
        "update change set state = 'superseded', finished_at = now(), reason = :reason"
        " where id = any(:ids) and state in ('planned', 'approved')"
    )
    reason = f"an earlier change of the order was not made ({ended[0].value}): planned anew"
    return connection.execute(text(statement), {"ids": ids, "reason": reason}).rowcount if ids else 0


def reconcile_again(connection: Connection, instance: str, order_key: str) -> None:
    """Make the next reconcile take up the order."""
    connection.execute(
        text(
            "update order_work set staged_version = nextval('content_version')"
            " where instance = :instance and order_key = :order"
        ),
        {"instance": instance, "order": order_key},
    )
