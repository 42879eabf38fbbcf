"""The kinds of faults by the names that the summary counts them under; one that never struck is listed with 0."""

from __future__ import annotations

from magodoo.domain.kinds import ChangeKind
from magodoo.ledger import checkpoints
from magodoo_sandbox.faults import Rule

CALLED = "called"
"""A step between two calls of one write: one of them had its effect, the ledger knows of none."""

SENDING = "sending"
"""A writing call that is connected, before its first byte."""

STEPS = (*checkpoints.PLANNING, *checkpoints.NAMES, CALLED, checkpoints.SETTLED)
PAUSES = ("claimed", "probed", "probed", "checked", "checked", "checked", SENDING, CALLED, "written", "read_back")
TAKEN_TWICE = ChangeKind.MAGENTO_SHIPMENT
"""The kind of which the target takes a second one while goods are open: into Odoo `load` makes nothing twice, a whole invoice leaves none open."""
BEFORE_A_WRITE = ("probed", "checked", SENDING)
KILLED = {step: f"SIGKILL at {step}" for step in STEPS}
KILLED_ANYWHERE = "SIGKILL at any moment"
RESTART = "PostgreSQL restart"
TWO_WORKERS = "two workers on the same order"
TWO_CHAINS = "a second scheduler run at the same time"
PAUSED = "a worker paused beyond its lease"
RUN_AGAIN = "the same task cleared and run again"
MEDDLED = (
    CANCELLED := "cancelled in Magento between plan and write", SHIPPED := "shipped by hand between plan and write",
    PAID := "paid by hand between plan and write", TRACKED := "tracking number added later",
)  # fmt: skip
GIVEN_UP = "odoo: timeout, the server goes on"

_ANSWERS = {
    "cut_after": "answer lost after the effect",
    "cut_before": "answer lost before the effect",
    "truncate": "truncated answer",
    "latency": "timeout, effect later than the first probe",
    "conflict": "serialization conflict",
    "conflict_after": "serialization conflict with the same write",
    "database_down": "no database",
}
_STATUS = ("429", "5xx", "429 after the effect", "5xx after the effect")


def of_rule(system: str, rule: Rule) -> str:
    """The kind that a rule of a sandbox counts as."""
    if not rule.kind.startswith("status"):
        return f"{system}: {_ANSWERS[rule.kind]}"
    answer = "429" if rule.status == 429 else "5xx"
    return f"{system}: {answer}{' after the effect' if rule.kind == 'status_after' else ''}"


def everything(live: bool) -> list[str]:
    """All kinds of a campaign; against a live Odoo its faults are those of a client that gives up on it."""
    both = [*list(_ANSWERS.values())[:4], *_STATUS]
    odoo = [GIVEN_UP] if live else [f"odoo: {kind}" for kind in (*_ANSWERS.values(), *_STATUS)]
    machine = [*KILLED.values(), KILLED_ANYWHERE, RESTART, TWO_WORKERS, TWO_CHAINS, PAUSED, RUN_AGAIN, *MEDDLED]
    return [*(f"magento: {kind}" for kind in both), *odoo, *machine]
