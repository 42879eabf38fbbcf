"""Units of measure, addresses, notes on transfers: the stories of the sandbox, run again with a live Odoo 19 in its place."""

# ruff: noqa: F401, F403 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_before_import import *
from test_changed_after_import import (
    test_a_note_added_or_changed_after_the_import_is_a_finding_until_the_transfer_has_it,
    test_a_number_or_company_changed_in_odoo_neither_counts_as_nor_hides_a_change_in_magento,
    test_an_address_finding_ends_when_our_contact_is_edited_to_match_magento,
)
from test_units import *

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]
