"""Register the flows by kind of change: each adds its behaviour under its entry in the catalogue (`magodoo.domain.kinds`).

The catalogue names the module of each flow, so that a new flow is found without a list here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from magodoo.domain.kinds import ChangeKind

if TYPE_CHECKING:
    from magodoo.flows.order_plan import OrderPlan
    from magodoo.flows.sources import Sources
    from magodoo.ledger.behaviour import Writer
    from magodoo.ledger.planned import PlannedChange, Prepared


@dataclass(frozen=True)
class Flow:
    """Describe what a kind of change does.

    Attributes:
        plan: Add to an order's plan the changes of this kind that resolve its findings, and record why the others get none.
        prepare: Build the full request of a planned change.
        writer: Probe, check and write it.
        from_payload: The request is built from what Magento sent of the order, which retention or erasure may have blanked.
    """

    kind: ChangeKind
    plan: Callable[[OrderPlan], None]
    prepare: Callable[[Sources, PlannedChange], Prepared]
    writer: Writer
    from_payload: bool = False


_registered: dict[ChangeKind, Flow] = {}


def register(flow: Flow) -> None:
    """Register a flow under its kind; each flow file does so at its end."""
    _registered[flow.kind] = flow


@cache
def flows() -> Mapping[ChangeKind, Flow]:
    """Return every flow of the catalogue, in step order."""
    for kind in ChangeKind:
        import_module(f"magodoo.flows.{kind.entry.flow}")
    return {kind: _registered[kind] for kind in ChangeKind}


@cache
def writers() -> Mapping[ChangeKind, Writer]:
    """Return the writer of each kind, as the ledger's executor is handed them."""
    return {kind: flow.writer for kind, flow in flows().items()}
