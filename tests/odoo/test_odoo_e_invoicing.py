"""Electronic invoices with Odoo's own Italian module: drafts by default, and what the authority refused."""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

from collections.abc import Iterator

import pytest
import test_e_invoicing
from live_books import ShopAndLiveBooks, shop_and_live_books
from test_e_invoicing import *

from magodoo.stack.live_odoo import LiveOdoo

del italian_books  # noqa: F821 - here the module brings its field

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]


@pytest.fixture(scope="module")
def pair(
    odoo: LiveOdoo, module_staging_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShopAndLiveBooks]:
    """The authority's answers are written by SQL: Odoo asks it itself, and nobody else may write them."""
    docs = tmp_path_factory.mktemp("data_docs")
    with (
        shop_and_live_books(odoo, module_staging_url, docs, ("l10n_it_edi",)) as made,
        pytest.MonkeyPatch.context() as patch,
    ):

        def answered(_: ShopAndLiveBooks, moves: list[int], state: str) -> None:
            stamp = (
                "update account_move set l10n_it_edi_state = %s, write_date = now() at time zone 'utc' where id = %s"
            )
            for move in moves:
                made.live.sql(made.database, stamp, state, move)

        patch.setattr(test_e_invoicing, "answered", answered)
        yield made
