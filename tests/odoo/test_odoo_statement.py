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
    test_an_invoice_that_was_posted_after_the_last_look_is_named,
    test_damage_that_nothing_explains_is_named_with_its_amount,
    test_documents_without_a_store_that_every_instance_ignores_are_named,
    test_each_use_of_a_remainder_that_is_mapped_by_payment_method_is_listed,
    test_the_annexes_count_kits_and_not_their_components,
    test_the_same_books_give_the_same_text,
    test_what_magento_cannot_refund_is_listed,
)
