"""The monthly statement over a live Odoo 19 and its ledger: the month of tests/test_statement.py, lived there in its past.

Not told here: how the annexes count kits. Odoo counts them only where its module `sale_mrp` is installed.
"""

from __future__ import annotations

import pytest
from test_statement import (  # noqa: F401 - an imported test is a test of this module, and so is its fixture
    body,
    kept,
    sold,
    test_every_cell_adds_up,
    test_every_line_is_what_happened,
    test_nothing_is_unexplained,
    test_the_annexes_name_what_is_open,
    test_the_clearing_account_shows_what_nobody_has_cleared,
    test_the_ledger_s_accounts_and_taxes_are_those_of_odoo,
    test_the_month_in_short_adds_up_and_says_what_is_to_be_settled,
    test_what_was_open_is_told_as_of_the_month_s_end_though_it_was_paid_since,
)

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]
