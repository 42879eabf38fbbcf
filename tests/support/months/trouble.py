"""The troubles of a month: when each side is away, when Airflow does not run, what breaks in which run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Span = tuple[datetime, datetime]

# What breaks in the middle of a run, in turns: side, fault, options. Every call is made once: nothing is hidden by repetition.
BREAKS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("magento", "status", {"path": "/V1/invoices", "nth": 2, "status": 502}),
    ("odoo", "status", {"path": "account.move/", "nth": 1, "status": 502}),
    ("magento", "truncate", {"path": "/V1/orders", "nth": 1}),
    ("odoo", "cut_after", {"path": "(load|action_post|button_validate)", "nth": 2}),
    ("magento", "status", {"path": "/V1/shipments", "nth": 1, "status": 503}),
    ("magento", "cut_after", {"method": "POST", "nth": 1}),
    ("odoo", "status_after", {"path": "(load|action_confirm)", "nth": 1, "status": 504}),
    ("odoo", "status", {"path": "stock.picking/", "nth": 1, "status": 500}),
)


@dataclass
class Troubles:
    """magento_away, odoo_away, airflow_off: spans of UTC time. `breaks`: in which run (by its number) which of BREAKS strikes.

    twice: runs whose tasks are carried out a second time; at_once: runs beside which another run does the same;
    late: runs around which rows become visible after their stamp.
    """

    magento_away: list[Span] = field(default_factory=list)
    odoo_away: list[Span] = field(default_factory=list)
    airflow_off: list[Span] = field(default_factory=list)
    breaks: bool = False
    twice: int = 0
    at_once: int = 0
    late: int = 0

    def away(self, side: str, now: datetime) -> bool:
        return _within(self.magento_away if side == "magento" else self.odoo_away, now)

    def is_off(self, now: datetime) -> bool:
        return _within(self.airflow_off, now)

    def breaking(self, run: int) -> tuple[str, str, dict[str, Any]] | None:
        return BREAKS[run // 3 % len(BREAKS)] if self.breaks and run % 3 == 2 else None


def peace() -> Troubles:
    return Troubles()


def all_of_them(start: datetime, days: int, away: timedelta) -> Troubles:
    """Each side away for `away`, Airflow off as long, the other troubles all the time."""

    def span(share: float) -> Span:
        begin = start + days * share * timedelta(days=1)
        return begin, begin + away

    return Troubles(
        [span(0.1), span(0.7)], [span(0.25), span(0.8)], [span(0.4)], breaks=True, twice=5, at_once=7, late=2
    )


def _within(spans: list[Span], now: datetime) -> bool:
    return any(begin <= now < end for begin, end in spans)
