"""The stories of the business rules that concern Odoo, told once more with a live Odoo 19 in the sandbox's place.

They are the same functions as in tests/test_rules_*.py and tests/test_daily_life.py: what they expect of the sandbox, they expect of
Odoo. What somebody does in Odoo in the past is done inside Odoo's own Python while its clock stands there (`live_books`). Left out are
stories about Magento or our own limits alone, and those that were not seen to pass here yet.
"""

# ruff: noqa: F401 - an imported story is a test of this module
from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_books import ShopAndLiveBooks, shop_and_live_books
from test_daily_life import (
    test_a_consolidated_invoice_of_a_company_is_no_order_s_lack,
    test_a_customer_who_was_deleted_in_magento_changes_nothing_in_odoo,
    test_a_down_payment_is_not_representable_in_magento,
    test_a_foreign_order_keeps_magento_s_rate_in_company_currency,
    test_a_partial_shipment_whose_rest_is_refunded_would_be_shipped_too_much,
    test_a_product_that_was_renamed_goes_on_by_its_sku_and_an_archived_one_is_unmapped,
    test_an_edited_order_waits_while_the_old_one_is_paid_in_odoo,
    test_an_order_that_is_cancelled_whole_after_part_was_shipped_would_be_shipped_too_much,
    test_guests_at_one_address_are_two_customers,
    test_two_equal_orders_of_one_customer_stay_two,
    test_what_magento_cancels_after_part_was_shipped_would_be_shipped_too_much,
)
from test_rules_credit_memos import (
    test_a_bank_transfer_is_a_quotation_until_it_goes_on,
    test_a_credit_note_and_a_new_invoice_of_the_same_total_are_a_correction,
    test_a_memo_below_zero_is_never_written_and_is_critical,
    test_a_replacement_never_becomes_a_magento_document,
    test_after_a_memo_nothing_is_to_invoice_whatever_the_policy,
    test_an_edited_order_takes_the_place_of_the_old_one,
    test_an_edited_order_waits_while_the_old_one_is_delivered_in_odoo,
    test_more_than_was_ordered_is_no_replacement_while_the_order_waits_for_its_shipment,
    test_of_a_memo_that_refunds_some_shipped_and_some_not_only_the_rest_is_linked,
    test_of_several_invoices_the_paid_candidate_is_named,
    test_of_several_unpaid_invoices_none_is_named_as_reversed,
    test_refunds_above_the_invoices_are_never_written,
    test_the_only_invoice_is_named_as_reversed,
    test_what_was_refunded_before_shipping_would_be_shipped_too_much,
    test_what_was_sent_though_it_was_refunded_is_no_replacement,
)
from test_rules_cutover import (
    test_an_adopted_order_goes_on_as_if_we_had_made_it,
    test_an_odoo_invoice_that_only_looks_like_an_order_s_is_not_magento_s,
)
from test_rules_deliveries import (
    test_a_shipment_that_both_sides_made_is_one_delivery,
    test_virtual_items_are_never_delivered,
    test_what_is_not_reserved_in_full_is_not_delivered_until_stock_comes,
    test_what_needs_a_lot_is_not_delivered,
)
from test_rules_payments import (
    test_a_method_whose_invoice_means_paid_is_paid_in_its_journal,
    test_a_payment_is_made_in_the_order_s_currency,
    test_an_invoice_that_we_wrote_is_never_paid_from_magento_s_state,
    test_an_offline_refund_is_posted_and_left_open,
    test_methods_that_no_provider_captures_stay_open,
    test_part_paid_and_part_settled_by_a_credit_note_is_not_paid,
    test_partly_paid_in_odoo_writes_nothing_to_magento,
    test_reversed_by_a_credit_note_writes_nothing_to_magento,
    test_what_a_write_off_settled_is_not_paid,
    test_when_posted_with_an_unpaid_odoo_invoice_makes_no_payment_in_three_runs,
)
from test_rules_periods import (
    locked,
    test_in_the_open_period_it_is_posted_with_approval_only,
    test_inside_a_closed_period_nothing_is_posted,
    test_odoo_s_number_is_the_legal_one_and_magento_s_stands_in_ref,
)
from test_rules_taxes_customers import (
    test_a_guest_is_known_by_e_mail,
    test_a_partner_that_a_clerk_corrected_is_not_overwritten,
    test_a_sku_that_odoo_has_twice_is_unmapped,
    test_an_invoice_at_another_price_is_not_pushed,
    test_an_invoice_with_a_hand_added_line_is_not_representable,
    test_an_order_is_never_attached_to_a_company_by_e_mail_alone,
    test_no_tax_is_never_chosen_by_the_rate_alone,
    test_over_the_credit_limit_the_order_stays_a_quotation_with_a_finding,
)

from magodoo.stack.live_odoo import LiveOdoo

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]


@pytest.fixture(scope="module")
def pair(
    odoo: LiveOdoo, module_staging_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShopAndLiveBooks]:
    """The pair; its books are closed up to ten days ago."""
    with shop_and_live_books(odoo, module_staging_url, tmp_path_factory.mktemp("data_docs")) as made:
        made.call("res.company", "write", [1], vals={"sale_lock_date": f"{locked()}"})
        yield made
