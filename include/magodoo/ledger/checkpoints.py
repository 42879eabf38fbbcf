"""Name the points of the chain at which the fault campaign kills a worker; in production they do nothing."""

from __future__ import annotations

from collections.abc import Callable

PLANNING = (
    "extracted",  # a page is in staging with its watermark, the next one is being read
    "planned",  # the plan is in the ledger, not committed
)
NAMES = (
    "claimed",  # orders leased, nothing read
    "probed",  # the target was searched, nothing written
    "checked",  # preconditions hold, lease renewed, the next call writes
    "written",  # written in the target, not yet recorded in the ledger
    "read_back",  # read back, not committed
    "committed",  # done in the ledger, leases not yet released
)

SETTLED = "settled"  # the ledger has recorded the outcome of a change that was not done

_visitor: Callable[[str], None] | None = None


def checkpoint(name: str) -> None:
    """Pass the point `name`; a visitor set by a test may end the process here."""
    if _visitor is not None:
        _visitor(name)


def visit(visitor: Callable[[str], None] | None) -> None:
    """Call `visitor` at every checkpoint of this process; None removes it."""
    global _visitor
    _visitor = visitor
