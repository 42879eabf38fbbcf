"""What goes wrong between a worker and the two systems: rules for the sandboxes, drawn for one schedule."""

from __future__ import annotations

import random
import time
from typing import Any

from load_lab import Lab

from magodoo_sandbox.faults import Rule

ODOO_WRITES = (
    "res.partner/load", "sale.order/load", "sale.order/action_confirm", "account.move/load", "account.move/action_post",
    "account.payment/load", "account.payment/action_post", "account.move.line/reconcile", "stock.move/load",
    "stock.picking/load", "stock.picking/button_validate",
)  # fmt: skip
MAGENTO_WRITES = (r"/order/\d+/invoice$", r"/order/\d+/ship$", r"/order/\d+/refund$", r"/shipment/track$")
CONFLICTS = ("conflict", "conflict_after", "database_down")
ANSWERS = ("cut_before", "cut_after", "truncate", "status", "status_after")
HELD = 600.0  # seconds that an effect is held, unless it is let go before: far beyond the client's patience, within the waiting time
OFTEN_LATE = (r"/order/\d+/ship$", r"/shipment/track$")  # of which the target takes a second one

Rules = list[tuple[str, Rule]]
"""The system that each rule is in force in, and the rule."""


def draw(lab: Lab, dice: random.Random, into_magento: bool) -> Rules:
    """One to three rules, most where this schedule writes; either all hold an effect while the client gives up, or none.

    A live Odoo has none: it is given up on instead.
    """
    live = lab.odoo.faults is None
    late = dice.random() < (0.4 if live or into_magento else 0.1)
    rules: Rules = []
    for _ in range(dice.randint(1, 3)):
        share = (0.2 if late else 0.4) if into_magento else 0.9
        into_odoo = dice.random() < share and not live
        faults = lab.odoo.faults if into_odoo else lab.magento.faults
        into_shop = OFTEN_LATE if late and dice.random() < 0.6 else MAGENTO_WRITES
        path = dice.choice(ODOO_WRITES if into_odoo else into_shop)
        kind = dice.choice(("latency",) if late else (*ANSWERS, *CONFLICTS) if into_odoo else ANSWERS)
        options: dict[str, Any] = {"nth": dice.randint(1, 2), "times": dice.randint(1, 2)}
        if not late and dice.random() < 0.3:
            path, options = ".*", {"probability": 0.05, "seed": dice.randrange(10**6), "times": 3}
        if kind == "latency":
            options = {"seconds": HELD, "times": 1}
        if kind.startswith("status"):
            options["status"] = dice.choice((429, 500, 502, 503, 504))
        rules.append(("odoo" if into_odoo else "magento", faults.add(kind, path=path, **options)))
    return rules


def are_late(rules: Rules) -> bool:
    return any(rule.kind == "latency" for _, rule in rules)


def let_go(rules: Rules) -> None:
    """The effects that are held come now; what is struck later is held anew."""
    late = [rule for _, rule in rules if rule.kind == "latency"]
    for rule in late:
        rule.seconds = 0
    deadline = time.monotonic() + HELD
    while any(rule.ended < rule.struck for rule in late):
        if time.monotonic() > deadline:
            raise RuntimeError("an effect was let go and did not come")
        time.sleep(0.01)
    for rule in late:
        rule.seconds = HELD


def clear(lab: Lab) -> None:
    """Nothing goes wrong any more."""
    lab.magento.faults.clear()
    if lab.odoo.faults is not None:
        lab.odoo.faults.clear()
