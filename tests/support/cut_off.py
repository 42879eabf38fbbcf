"""The list of the month's cut-off: what was shipped in one month and invoiced in another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shop_and_books import ShopAndBooks

from magodoo.pipeline import statement
from magodoo.statement.periods import Month

LONG_AGO = (datetime.now(UTC) - timedelta(days=70)).strftime("%Y-%m-%d 00:00")


def cut_off(pair: ShopAndBooks, month: Month, order: int) -> list[dict[str, Any]]:
    """The order's rows of the month's list, without its numbers."""
    number = pair.shop.order(order)["increment_id"]
    rows = statement.make(pair.context(), month).body["annexes"]["cut_off"]
    return [row for row in rows if row["order_number"] == number]
