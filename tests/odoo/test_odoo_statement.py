"""The monthly statement over a live Odoo 19 and its ledger: the month of tests/test_statement.py, lived there in its past.

Not told here: how the annexes count kits (Odoo counts them only where its module `sale_mrp` is installed), and what is about our own tables.
"""

# ruff: noqa: F403, F821 - an imported test is a test of this module, and so is its fixture
from __future__ import annotations

import pytest
from test_statement import *

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]

del (
    test_a_month_that_is_not_over_cannot_be_signed,
    test_a_payment_that_a_lock_date_moved_is_posted_after_closing,
    test_a_signed_statement_is_frozen_and_what_comes_later_shows_as_changes,
    test_a_store_that_no_instance_reads_is_named_with_what_it_made,
    test_an_invoice_posted_after_the_last_extract_is_named,
    test_an_unexplained_change_in_odoo_is_named_with_its_amount,
    test_documents_without_a_store_that_every_instance_ignores_are_named,
    test_each_use_of_a_remainder_that_is_mapped_by_payment_method_is_listed,
    test_the_schedules_count_kits_and_not_their_components,
    test_the_same_documents_give_the_same_statement,
    test_amounts_that_magento_cannot_refund_are_listed,
)
