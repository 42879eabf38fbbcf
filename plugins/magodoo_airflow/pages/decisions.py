"""Decisions of a person on a page: mute, confirm, approve, reject, release, plan again. Each is recorded with their name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from magodoo.domain.vocabulary import Kind
from magodoo.ledger import decisions as decisions_module
from magodoo.ledger import duties
from magodoo.reconcile import repository
from magodoo.reconcile.repository import Pairs
from magodoo.settings.read import read_with_problems
from magodoo.staging import sales_lines
from magodoo.staging.work_queue import WorkQueue
from magodoo.timestamps import utc_now
from magodoo_airflow.pages import records
from magodoo_airflow.pages.access import FormText, Right, Writer, writer
from magodoo_airflow.pages.connection import staging
from magodoo_airflow.pages.rendering import record_address

decisions = APIRouter()
Who = Annotated[Writer, Depends(writer)]
_LONGEST_MUTE = timedelta(days=366)


@decisions.post("/finding/{finding_id}/mute")
def mute(
    request: Request, who: Who, finding_id: int, until: Annotated[date, Form()], reason: FormText = ""
) -> Response:
    """Mute a finding until the end of a day (UTC), with a reason."""
    end = datetime.combine(until, time.max, UTC)
    if not utc_now() < end < utc_now() + _LONGEST_MUTE:
        raise HTTPException(400, "The end date must lie within the next year.")
    with staging() as connection:
        _finding(connection, who, finding_id)
        repository.mute(connection, finding_id, who.name, _checked_reason(reason), end)
    return _back(request, f"/finding/{finding_id}")


@decisions.post("/finding/{finding_id}/unmute")
def unmute(request: Request, who: Who, finding_id: int) -> Response:
    """Unmute a finding."""
    with staging() as connection:
        _finding(connection, who, finding_id)
        repository.unmute(connection, finding_id, who.name)
    return _back(request, f"/finding/{finding_id}")


def _finding(connection: Connection, who: Writer, finding_id: int) -> records.Row:
    found = records.finding(connection, finding_id)
    if found is None:
        raise HTTPException(404, f"There is no finding {finding_id}.")
    who.must(Right.SETTLE, [found["instance"]])
    return found


@decisions.post("/match")
def confirm_match(
    request: Request,
    who: Who,
    instance: FormText,
    kind: Annotated[Kind, Form()],
    magento_id: FormText,
    odoo_id: FormText,
) -> Response:
    """Record that a person confirmed two documents of one order as counterparts; the next run reconciles the order again."""
    who.must(Right.SETTLE, [instance])
    with staging() as connection:
        magento = records.document(connection, instance, "magento", kind.value, magento_id)
        odoo = records.document(connection, instance, "odoo", kind.value, odoo_id)
        if (
            not magento
            or not odoo
            or not magento.head["order_key"]
            or magento.head["order_key"] != odoo.head["order_key"]
        ):
            raise HTTPException(409, "Only two documents of the same order can be matched.")
        if magento.pair or odoo.pair:
            raise HTTPException(409, "One of them has a counterpart by now: open the page again.")
        order = magento.head["order_key"]
        Pairs(connection, instance).confirm(kind, order, magento_id, odoo_id, who.name, utc_now())
        _reconcile_again(connection, instance, order)
    return _back(request, record_address(magento.head))


@decisions.post("/match/{pair_id}/undo")
def undo_match(request: Request, who: Who, pair_id: int) -> Response:
    """End a match that a person confirmed by mistake; the next run reconciles the order again."""
    with staging() as connection:
        pair = records.confirmed_pair(connection, pair_id)
        if pair is None:
            raise HTTPException(409, "This is no match that a person confirmed: open the page again.")
        who.must(Right.SETTLE, [pair["instance"]])
        repository.separate(connection, pair_id, who.name, utc_now())
        _reconcile_again(connection, pair["instance"], pair["order_key"])
    return _back(request, record_address(pair, "magento", pair["magento_id"]))


def _reconcile_again(connection: Connection, instance: str, order_key: str) -> None:
    WorkQueue(connection, instance).bump([order_key])
    sales_lines.refresh(connection, instance, [order_key])


@decisions.post("/changes/approve")
def approve_several(request: Request, who: Who, change: Annotated[list[int], Form()]) -> Response:
    """Approve the ticked changes. Those that have changed state meanwhile are left alone and shown again."""
    with staging() as connection:
        known = records.instances_of_changes(connection, change)
        who.must(Right.APPROVE, sorted(set(known.values())))
        _must_be_another(connection, who, known)
        decisions_module.approve(connection, list(known), who.name, "", utc_now())
    return _back(request, "/changes?tab=waiting")


@decisions.post("/change/{change_id}/{verb}")
def decide(request: Request, who: Who, change_id: int, verb: str, reason: FormText = "") -> Response:
    """Approve, reject, release (what the gate holds) or plan again one change. Raises 409 when its state does not allow it."""
    if verb not in _VERBS:
        raise HTTPException(404, f"A change takes {', '.join(_VERBS)}.")
    act, needs_reason, right = _VERBS[verb]
    reason = _checked_reason(reason) if needs_reason else reason.strip()
    with staging() as connection:
        known = records.instances_of_changes(connection, [change_id])
        who.must(right, known.values())
        if verb in ("approve", "release"):
            _must_be_another(connection, who, known)
        if not act(connection, [change_id], who.name, reason, utc_now()):
            raise HTTPException(409, f"Change {change_id} is not in a state for this: open the page again.")
    return _back(request, f"/change/{change_id}")


def _must_be_another(connection: Connection, who: Writer, changes: Mapping[int, str]) -> None:
    """Raise 403 for a person who changed the settings that these changes follow from; `changes` are instances by id."""
    instances = read_with_problems().settings.instances
    for instance in sorted(set(changes.values()) & set(instances)):
        ids = [id_ for id_, of in changes.items() if of == instance]
        if why := duties.why_not_decide(connection, instances[instance], ids, who.name):
            raise HTTPException(403, why)


_VERBS: dict[str, tuple[Callable[[Connection, list[int], str, str, datetime], int], bool, Right]] = {
    "approve": (decisions_module.approve, False, Right.APPROVE),
    "reject": (decisions_module.reject, True, Right.APPROVE),
    "release": (
        lambda connection, ids, who, reason, _: decisions_module.release_by_person(connection, ids, who, reason),
        True,
        Right.RELEASE,
    ),
    "reopen": (lambda connection, ids, who, *_: decisions_module.reopen(connection, ids, who), False, Right.APPROVE),
}


def _checked_reason(reason: str) -> str:
    """Return the reason that a person gave. Raises 400 for one under three characters."""
    if len(reason.strip()) < 3:
        raise HTTPException(400, "Say why: a reason of at least three letters is kept with it.")
    return reason.strip()[:1000]


def _back(request: Request, address: str) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{address}", status_code=303)
