"""Units of measure, addresses, notes on transfers: the stories of the sandbox, told once more with a live Odoo 19 in its place."""

# ruff: noqa: F401, F403 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_before_import import *
from test_changed_after_import import (
    test_a_contact_of_ours_that_is_edited_to_what_magento_says_now_ends_it,
    test_a_note_that_comes_or_changes_after_the_import_is_told_until_the_transfer_has_it,
    test_a_number_or_company_renewed_in_odoo_is_no_change_of_magento_and_hides_none,
)
from test_units import *

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]
