"""A statement of a month of which Odoo hides anything is incomplete, whatever it hides."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from shop_and_books import ShopAndBooks
from unreadable import hidden, imported, quarantined

from magodoo.pipeline import statement
from magodoo.statement import summary
from magodoo.statement.periods import Month


def named(pair: ShopAndBooks, order: int) -> dict[str, int]:
    """What a document of the order names, by model."""
    (move,), (picking,) = pair.moves(order), pair.pickings(order)
    domain = [["move_id", "=", move["id"]], ["display_type", "=", "product"], ["tax_ids", "!=", False]]
    line, *_ = pair.rows("account.move.line", domain, "product_id tax_ids")
    return {
        "account.move.line": line["id"], "stock.move": picking["move_ids"][0], "product.product": line["product_id"][0],
        "account.tax": line["tax_ids"][0],
    }  # fmt: skip


@pytest.mark.parametrize("model", ["account.move.line", "stock.move", "product.product", "account.tax"])
def test_a_statement_is_incomplete_whatever_of_a_document_is_hidden(pair: ShopAndBooks, model: str) -> None:
    order = imported(pair)
    pair.shop.invoice(order)
    pair.touch(order)
    pair.deliver(order)
    pair.chain()
    month = Month.of(datetime.now(UTC), pair.instance.zone)
    assert "incomplete" not in summary.verdict(statement.make(pair.context(), month).body)
    with hidden(pair, model, named(pair, order)[model]):
        pair.touch(order)
        pair.chain()
        made = statement.make(pair.context(), month)
        count = len(quarantined(pair))
        assert count
        assert (summary.verdict(made.body), made.unexplained) == (f"incomplete: {count} unreadable", True)
        assert f"Incomplete: {count} unreadable." in summary.sentence(made.body)
        found = {
            (row["kind"], str(row["source_id"])) for row in made.body["annexes"]["unreadable"] if row["side"] == "odoo"
        }
        assert found == quarantined(pair)
    pair.chain()
    assert "incomplete" not in summary.verdict(statement.make(pair.context(), month).body)
