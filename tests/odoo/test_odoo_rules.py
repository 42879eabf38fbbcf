"""The stories of the business rules that concern Odoo, told once more with a live Odoo 19 in the sandbox's place.

They are the same functions as in tests/test_rules_*.py, tests/test_daily_life.py and tests/test_scenarios*.py: what they expect of the
sandbox, they expect of Odoo. What somebody does at a moment of the past is done inside Odoo's own Python while its clock stands
there. Left out are stories about our own limits, and drop shipping, which is a module that is not installed here.
"""

# ruff: noqa: F401 - an imported story is a test of this module
from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_books import ShopAndLiveBooks, shop_and_live_books
from test_daily_life import (
    test_a_bank_transfer_that_never_comes_ends_as_a_cancelled_quotation,
    test_a_consolidated_invoice_of_a_company_is_no_order_s_lack,
    test_a_customer_who_was_deleted_in_magento_changes_nothing_in_odoo,
    test_a_down_payment_is_not_representable_in_magento,
    test_a_foreign_order_keeps_magento_s_rate_in_company_currency,
    test_a_marketplace_s_orders_are_left_to_the_marketplace,
    test_a_partial_shipment_whose_rest_is_refunded_would_be_shipped_too_much,
    test_a_product_that_was_renamed_goes_on_by_its_sku_and_an_archived_one_is_unmapped,
    test_a_tax_rate_that_changed_at_new_year_waits_for_its_mapping_and_old_orders_keep_theirs,
    test_an_authorisation_shows_its_age_until_it_expires_and_nothing_is_invoiced,
    test_an_edited_order_waits_while_the_old_one_is_paid_in_odoo,
    test_an_exchange_stays_in_odoo_and_asks_for_the_refund_or_a_note,
    test_an_order_that_is_cancelled_whole_after_part_was_shipped_would_be_shipped_too_much,
    test_cash_on_delivery_that_is_refused_at_the_door_moves_no_money,
    test_guests_at_one_address_are_two_customers,
    test_two_equal_orders_of_one_customer_stay_two,
    test_what_magento_cancels_after_part_was_shipped_would_be_shipped_too_much,
)
from test_rules_credit_memos import (
    test_a_bank_transfer_is_a_quotation_until_it_goes_on,
    test_a_credit_note_and_a_new_invoice_of_the_same_total_are_a_correction,
    test_a_held_order_with_an_invoice_and_a_shipment_is_not_imported_either,
    test_a_memo_below_zero_is_never_written_and_is_critical,
    test_a_quotation_is_not_confirmed_and_nothing_ships_while_the_order_is_held,
    test_a_replacement_never_becomes_a_magento_document,
    test_after_a_memo_nothing_is_to_invoice_whatever_the_policy,
    test_an_edited_order_takes_the_place_of_the_old_one,
    test_an_edited_order_waits_while_the_old_one_is_delivered_in_odoo,
    test_cash_on_delivery_is_imported_pending_and_others_wait,
    test_held_orders_are_never_imported,
    test_more_than_was_ordered_is_no_replacement_while_the_order_waits_for_its_shipment,
    test_of_a_memo_that_refunds_some_shipped_and_some_not_only_the_rest_is_linked,
    test_of_several_invoices_the_paid_candidate_is_named,
    test_of_several_unpaid_invoices_none_is_named_as_reversed,
    test_refunded_and_not_returned_is_a_finding_after_14_days,
    test_refunds_above_the_invoices_are_never_written,
    test_returned_and_not_refunded_is_a_finding_after_14_days_and_writes_nothing,
    test_the_only_invoice_is_named_as_reversed,
    test_what_was_refunded_before_shipping_would_be_shipped_too_much,
    test_what_was_sent_though_it_was_refunded_is_no_replacement,
)
from test_rules_cutover import (
    test_a_later_document_is_written_when_its_earlier_order_is_matched,
    test_a_later_document_on_an_earlier_order_straddles_the_cut_over,
    test_a_number_in_another_connector_s_own_field_is_found,
    test_an_adopted_order_goes_on_as_if_we_had_made_it,
    test_an_early_invoice_is_never_paid,
    test_an_odoo_invoice_that_only_looks_like_an_order_s_is_not_magento_s,
    test_an_order_that_others_enter_after_it_was_planned_is_adopted,
    test_an_order_that_others_enter_without_its_number_is_never_made_again,
    test_backfill_and_refresh_write_nothing_that_lies_before,
    test_numbers_behind_another_connector_s_prefix_are_found,
)
from test_rules_deliveries import (
    test_a_delivery_takes_its_stock_from_the_mapped_source,
    test_a_kit_is_shipped_by_what_its_order_line_says_is_delivered,
    test_a_kit_that_magento_shipped_is_delivered_by_a_person,
    test_a_shipment_that_both_sides_made_is_one_delivery,
    test_several_shipments_of_one_day_are_delivered_one_by_one,
    test_virtual_items_are_never_delivered,
    test_what_is_not_reserved_in_full_is_not_delivered_until_stock_comes,
    test_what_needs_a_lot_is_not_delivered,
)
from test_rules_payments import (
    test_a_method_that_charges_the_base_currency_is_paid_in_it_to_the_cent,
    test_a_method_whose_invoice_means_paid_is_paid_in_its_journal,
    test_a_payment_is_made_in_the_order_s_currency,
    test_a_provider_s_method_without_evidence_is_not_paid,
    test_an_invoice_that_we_wrote_is_never_paid_from_magento_s_state,
    test_an_offline_refund_is_posted_and_left_open,
    test_an_open_authorisation_is_named_with_its_order,
    test_an_unlisted_method_that_captured_is_unmapped_and_never_paid,
    test_in_payment_is_paid_in_magento_only_by_setting,
    test_in_payment_writes_nothing_to_magento,
    test_methods_that_no_provider_captures_stay_open,
    test_part_paid_and_part_settled_by_a_credit_note_is_not_paid,
    test_partly_paid_in_odoo_writes_nothing_to_magento,
    test_reversed_by_a_credit_note_writes_nothing_to_magento,
    test_what_a_write_off_settled_is_not_paid,
    test_when_posted_with_an_unpaid_odoo_invoice_makes_no_payment_in_three_runs,
)
from test_rules_periods import (
    locked,
    test_a_captured_payment_follows_its_invoice_into_the_open_period_with_approval,
    test_a_credit_memo_inside_a_closed_period_is_held_too,
    test_a_lock_date_of_purchases_closes_nothing_for_sales,
    test_a_payment_inside_a_closed_period_is_held_too,
    test_a_provider_s_refund_inside_a_closed_period_is_held_too,
    test_an_instance_posts_in_its_own_sales_journal,
    test_every_lock_date_of_sales_holds_what_lies_inside,
    test_in_the_open_period_it_is_posted_with_approval_only,
    test_inside_a_closed_period_nothing_is_posted,
    test_odoo_s_number_is_the_legal_one_and_magento_s_stands_in_ref,
    test_outside_it_is_posted_with_its_own_date,
    test_what_was_closed_after_the_plan_is_not_written,
)
from test_rules_taxes_customers import (
    test_a_forced_tax_that_its_rate_does_not_give_is_refused,
    test_a_guest_is_known_by_e_mail,
    test_a_partner_that_a_clerk_corrected_is_not_overwritten,
    test_a_purchase_order_gets_its_payment_term,
    test_a_rate_without_a_tax_of_its_own_is_unmapped,
    test_a_registered_customer_is_one_partner_whatever_the_e_mail,
    test_a_sku_that_odoo_has_twice_is_unmapped,
    test_an_invoice_at_another_price_is_not_pushed,
    test_an_invoice_with_a_hand_added_line_is_not_representable,
    test_an_invoice_without_the_shipping_is_not_the_first_in_magento,
    test_an_order_is_never_attached_to_a_company_by_e_mail_alone,
    test_excluded_orders_are_counted_and_nothing_else,
    test_no_tax_is_never_chosen_by_the_rate_alone,
    test_over_the_credit_limit_the_order_stays_a_quotation_with_a_finding,
    test_the_fiscal_position_is_the_rule_s_and_never_odoo_s_own_choice,
    test_what_is_paid_by_gift_card_or_credit_is_unmapped_and_never_a_discount,
)
from test_scenarios import (
    test_scenario_04_captured_by_the_provider_is_paid_in_the_mapped_journal,
)
from test_scenarios_later import (
    test_scenario_08_a_provider_s_refund_is_paid_out_in_its_journal,
    test_scenario_10_a_differing_total_is_a_mailed_finding_and_nothing_is_written,
    test_scenario_11_cancelled_in_odoo_is_a_finding_and_no_status_is_set,
    test_scenario_12_a_clerk_s_draft_is_neither_posted_nor_doubled,
    test_scenario_12_an_unlinked_invoice_of_the_same_customer_and_total_is_reported,
    test_scenario_12_what_a_clerk_entered_is_matched_and_not_made_again,
    test_scenario_12_what_lies_before_the_cut_over_is_reported_and_never_made,
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
    """The pair; its books are closed up to ten days ago, and it has a second sales journal."""
    with shop_and_live_books(odoo, module_staging_url, tmp_path_factory.mktemp("data_docs")) as made:
        made.call("account.journal", "create", vals_list=[{"name": "Web shop", "code": "WEB", "type": "sale"}])
        made.call("res.company", "write", [1], vals={"sale_lock_date": f"{locked()}"})
        yield made
