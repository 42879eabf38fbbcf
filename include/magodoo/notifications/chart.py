"""The chart in an email: open findings at the end of each of the last 14 days, with new and resolved ones per day."""

from __future__ import annotations

import io
from datetime import datetime

from sqlalchemy import Connection, text

_COUNTS = """
    select day::date as day,
        (select count(*) from finding where instance = :instance and severity <> 'info' and first_seen < day + interval '1 day'
            and (resolved_at is null or resolved_at >= day + interval '1 day')) as open,
        (select count(*) from finding where instance = :instance and severity <> 'info' and first_seen::date = day::date) as new,
        (select count(*) from finding where instance = :instance and severity <> 'info' and resolved_at::date = day::date) as resolved
    from generate_series(cast(:now as date) - 13, cast(:now as date), interval '1 day') day order by day"""


def fourteen_days(connection: Connection, instance: str, now: datetime) -> bytes:
    """Return the chart of the days until now as a PNG of 600 x 180 pixels. Days are UTC; findings of severity info are not counted."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    days = connection.execute(text(_COUNTS), {"instance": instance, "now": now}).mappings().all()
    figure = Figure(figsize=(6, 1.8), dpi=100, layout="constrained")
    axes = figure.subplots()
    positions = range(len(days))
    axes.bar(positions, [row["new"] for row in days], color="#d9534f", label="new", width=0.7)
    axes.bar(positions, [-row["resolved"] for row in days], color="#5cb85c", label="resolved", width=0.7)
    axes.plot(positions, [row["open"] for row in days], color="#2f4b7c", marker="o", markersize=3, label="open")
    axes.set_xticks(list(positions), [f"{row['day']:%d}" for row in days], fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlabel(f"day, {days[0]['day']:%Y-%m-%d} to {days[-1]['day']:%Y-%m-%d} (UTC)", fontsize=7)
    axes.axhline(0, color="#888888", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=7, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
