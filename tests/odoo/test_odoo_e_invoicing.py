"""Electronic invoices with Odoo's own Italian module: drafts by default, and what the authority refused."""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

from collections.abc import Iterator

import pytest
import test_e_invoicing
from live_books import ShopAndLiveBooks
from test_e_invoicing import *

del italian_books  # noqa: F821 - here the module brings its field

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]


@pytest.fixture(scope="module")
def odoo_modules() -> tuple[str, ...]:
    return ("l10n_it_edi",)


@pytest.fixture(scope="module", autouse=True)
def authority(pair: ShopAndLiveBooks) -> Iterator[None]:
    """The authority's answers are written by SQL: Odoo asks it itself, and nobody else may write them."""

    def answered(_: ShopAndLiveBooks, moves: list[int], state: str) -> None:
        stamp = "update account_move set l10n_it_edi_state = %s, write_date = now() at time zone 'utc' where id = %s"
        for move in moves:
            pair.live.sql(pair.database, stamp, state, move)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_e_invoicing, "answered", answered)
        yield
