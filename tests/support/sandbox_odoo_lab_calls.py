"""The lab of the recordings, second half: refusals, reads, load(), posting, direct payments, keys, classic RPC."""

from __future__ import annotations

from decimal import Decimal

from sandbox_odoo_lab_documents import invoice, item, numbered, open_moves, order, order_line
from sandbox_odoo_replay import Story

D = Decimal


def play_errors(s: Story) -> None:
    s.at("2026-11-22 09:09:01")
    s.play("200_err_bad_key", key="bearer wrong")
    s.play("201_err_no_auth", key="")
    s.play("202_err_wrong_scheme", key="basic c3luYw==")
    s.play("203_err_password_as_key", key="bearer password")
    for name in (
        "204_err_unknown_db", "205_no_db_header", "206_err_unknown_model", "207_err_unknown_method", "208_err_private_method",
        "209_err_get_verb", "210_err_bad_path", "211_err_malformed_json", "212_err_json_array_body",
        "213_err_wrong_content_type", "214_no_body", "215_err_missing_argument", "216_err_unknown_kwarg",
        "217_err_ids_on_api_model", "218_err_positional_args_key", "219_err_unknown_field_read",
        "220_err_unknown_field_search_read", "221_err_unknown_field_domain", "222_err_unknown_field_write",
        "223_err_unknown_field_create", "224_err_bad_domain", "225_err_missing_record_read", "226_err_missing_record_write",
        "228_err_access_write", "229_err_access_field_group", "232_err_required_field", "234_err_wrong_type",
        "236_err_bad_selection", "237_err_fk_missing", "238_err_iso_datetime_T", "243_err_ids_not_list", "244_ids_empty_read",
        "248_context_unknown_lang", "249_err_action_returns_none", "250_err_singleton", "252_search_count_limit",
        "253_read_load_false", "254_search_read_load_none", "258_fields_get_account_move", "262_export_data",
        "264_search_fetch_recordset", "265_exists", "266_default_get", "267_check_access", "268_get_metadata",
        "270_json2_index_get", "271_json2_no_method", "513_err_partner_create_without_contact_group",
        "515_fields_get_selections",
    ):  # fmt: skip
        s.play(name)
    order(s, 58, 14, [(5, 1, 14)], confirm=False)
    s.play("241_write_iso_T")
    s.play("242_err_write_iso_microseconds")
    s.play("227_err_access_model", "limited")
    s.play("230_record_rule_own_orders", "limited")
    s.play("231_err_record_rule_read", "limited")
    s.play("233_err_validation_error", "admin")
    s.play("235_err_wrong_type_float", "admin")
    s.next_id(res_partner_category=2)
    s.play("245_create_dict_not_list", "admin")


def play_reads(s: Story) -> None:
    s.play("255_web_search_read", ignore=["length"])
    for name in (
        "239_iso_datetime_plain", "240_domain_microseconds", "246_err_context_not_object", "247_context_lang_tz",
        "251_name_search", "256_formatted_read_group", "259_search_order_limit_offset", "260_or_domain_keyset",
        "261_search_active_test", "470_res_partner_search_read", "473_account_move_incremental", "480_read_group_count_by_state",
    ):  # fmt: skip
        s.play(name, shape=True)
    s.play("451_dotted_domain_invoice_by_order_ref")
    s.play("476_delivery_carrier")
    s.play("478_account_tax")
    s.play("479_account_payment_of_invoice")
    s.play("472_account_move_line_search_read", ignore=["matching_number"])
    s.play("477_product_product", ignore=["qty_available"])
    s.play("471_sale_order_line_search_read", ignore=["write_date"])
    s.play("452_sale_order_invoice_and_picking_ids")
    s.next_id(account_move=61)
    s.play("269_copy")


def play_loads(s: Story) -> None:
    s.at("2026-11-22 09:10:37")
    s.play("300_load_create")
    s.play("301_load_again_updates")
    s.play("302_load_again_without_line_ids_duplicates_lines")
    assert len(s.do("account.move", "read", ids=[62], fields=["invoice_line_ids"])[0]["invoice_line_ids"]) == 4
    s.do("account.move", "action_post", ids=[62])
    s.play("303_load_on_posted")
    s.play("304_load_on_posted_ref_only")
    s.play("305_load_batch_one_bad")
    s.play("306_load_batch_bad_selection")
    s.play("307_ir_model_data_search_read_as_sync")
    s.play("308_ir_model_data_search_read_as_admin", "admin", ignore=["id"], shape=True)
    s.play("309_get_metadata_xmlid")
    s.play("310_get_external_id")
    s.play("311_check_object_reference")
    s.play("312_ir_model_data_create_as_sync")
    s.next_id(ir_model_data=38995)
    s.play("313_ir_model_data_create_as_admin", "admin")
    s.play("314_ir_model_data_create_duplicate", "admin")
    s.next_id(account_move=67)
    s.play("315_load_concurrent_same_xmlid_0_0")
    s.next_id(account_move=79)
    s.play("316_account_move_same_ref_twice_accepted")
    s.play("317_post_same_ref_twice_accepted")
    s.play("318_create_with_explicit_name")
    s.do("account.move", "action_post", ids=[81])
    s.play("319_create_with_same_explicit_name_draft")
    s.play("320_post_duplicate_name_error")
    s.next_id(account_move=84)
    s.do("res.partner", "read", ids=[26], fields=["name"])
    s.play("330_load_credit_note")
    s.play("331_load_json_numbers")
    s.play("333_check_object_reference_missing")
    s.play("334_domain_id_external", ignore=["message", "arguments"])
    s.play("335_batch_create_one_bad_all_rolled_back")
    refund = item(5, 1, 40)
    invoice(s, 85, 14, [refund], move_type="out_refund")
    s.do("account.move", "action_post", ids=[85])
    s.play("332_refund_without_reversed_entry_not_reconciled", ignore=["amount_residual"])


def play_posting(s: Story) -> None:
    s.at("2026-11-22 09:11:45")
    for record in (86, 88, 89, 90):
        invoice(s, record, 8, [item(2, 1, 5)])
    invoice(s, 87, 8, [])
    s.play("336_batch_post_one_without_lines")
    s.do("account.move", "action_post", ids=[89])
    s.db.tables["account.move"][89]["name"] = "INV/2026/00043"
    s.play("337_batch_post_one_already_posted")
    s.play("338_action_post_missing_id")
    invoice(s, 91, 8, [item(2, 1, 5)], invoice_date="2027-03-01")
    s.play("339_post_future_dated")
    assert s.do("account.move", "read", ids=[91], fields=["name"])[0]["name"] == "INV/2027/00001"
    invoice(s, 92, 8, [item(2, 1, 0)])
    s.do("account.move", "action_post", ids=[92])
    s.play("340_zero_total_invoice")
    invoice(s, 93, 8, [item(2, 1, -5)])
    s.play("341_negative_total_invoice_post")
    invoice(s, 94, 8, [item(2, 1, D("14.123456"), id=380 + n) for n in range(3)])
    s.play("342_rounding_and_tax_totals")
    for number in range(6):
        s.play(f"345_concurrent_write_{number}")
        invoice(s, 246 + number, 8, [item(2, 1, 5)])
        s.play(f"346_concurrent_post_{number}")
    invoice(s, 252, 8, [item(2, 1, 5)])
    s.play("347_concurrent_post_same_0")
    s.db.tables["account.move"][252]["name"] = "INV/2026/00051"
    s.play("347_concurrent_post_same_1")
    context = {"active_model": "account.move", "active_ids": [252]}
    wizard = s.do("account.payment.register", "create", context=context, vals_list=[{}])
    s.do("account.payment.register", "action_create_payments", ids=wizard, context=context)
    s.play("349_payment_register_on_paid_invoice")


def play_direct_payments(s: Story) -> None:
    s.at("2026-11-22 09:13:14")
    fifty = {"tax_ids": [[6, 0, []]]}
    s.next_id(account_move_line=865)
    invoice(s, 256, 8, [item(2, 1, 50, **fifty)])
    s.do("account.move", "action_post", ids=[256])
    s.next_id(account_payment=13, account_move=257)
    journal_at(s, 11)
    s.play("360_account_payment_create_direct")
    s.play("361_account_payment_action_post")
    s.play("362_account_move_line_reconcile")
    s.play("363_account_payment_read_after_reconcile")
    s.play("364_account_move_line_reconcile_again")
    s.play("365_account_payment_load_0")
    s.play("365_account_payment_load_1")
    s.play("365_account_payment_load_once")
    s.do("account.payment", "action_post", ids=[15])
    s.play("366_account_payment_action_post_again")
    s.play("367_account_payment_load_after_post")
    twice = s.recording("365_account_payment_load_0")["request"]["body"]
    rows = [[cell.replace("payment_1_77", "payment_twice").replace("PAYLOAD", "PAYTWICE") for cell in twice["data"][0]]]
    for _ in range(2):
        assert s.do("account.payment", "load", fields=twice["fields"], data=rows)["ids"] == [16]
    numbered(s, "account.payment", 1)
    s.do("account.payment", "action_post", ids=[16])
    s.play("365b_account_payment_loaded_twice_then_posted_has_no_journal_entry")
    assigned(s, 259, 15, 874, "368_js_assign_payment")
    s.play("369_js_assign_payment_again")
    for record in (261, 262, 263):
        invoice(s, record, 8, [item(2, 1, 50, **fifty)])
    s.do("account.move", "action_post", ids=[261, 262, 263])
    context = {"active_model": "account.move", "active_ids": [261, 262, 263]}
    vals = {"id": 9, "group_payment": True}
    s.do("account.payment.register", "create", context=context, vals_list=[vals])
    s.play("370_register_grouped_same_partner")
    s.next_id(account_payment=19, account_move=275)
    invoice(s, 274, 8, [item(2, 1, 50, **fifty)])
    s.do("account.move", "action_post", ids=[274])
    s.play("380_account_payment_load_with_invoice_ids")
    journal_at(s, 15)
    s.next_id(account_move=275, account_move_line=906)
    s.do("account.payment", "action_post", ids=[19])
    s.play("381_js_assign_clean")
    s.play("382_account_payment_clean")


def journal_at(s: Story, last: int) -> None:
    """The next payment of the bank journal is numbered one higher."""
    numbered(s, "6:PBNK1/2026/", last)


def assigned(s: Story, move: int, payment: int, line: int, name: str) -> None:
    """An open invoice for a posted payment whose receivable line has the recorded id."""
    invoice(s, move, 8, [item(2, 1, 50, tax_ids=[[6, 0, []]])])
    s.do("account.move", "action_post", ids=[move])
    payments, lines = s.db.models["account.payment"], s.db.tables["account.move.line"]
    row = lines.pop(payments.counterpart_line(payments.rows[payment]))
    lines[line] = {**row, "id": line}
    s.db.store.reindex()
    s.play(name)


def play_keys(s: Story) -> None:
    s.at("2026-11-22 09:21:53")
    s.next_id(ir_model_fields=8272)
    s.do("ir.model", "create", vals_list=[{"id": 469, "model": "account.move", "name": "Journal Entry"}])
    s.play("392_create_manual_field", "admin")
    s.next_id(account_move=2474)
    s.play("393_create_with_manual_field")
    for record in (43, 44, 267, 2476, 2477):
        invoice(s, record, 8, [item(2, 1, 5)])
    s.play("394_read_keeps_ids_order_drops_missing")
    order(s, 60, 22, [{**order_line(8, 1, 54, 10), "id": 206}, {**order_line(5, 1, 14), "id": 207}])
    s.next_id(account_move=2478)
    s.play("453_direct_invoice_of_part_of_an_order")
    s.play("454_sale_order_line_after_partial_invoice")
    s.next_id(account_move_line=11566)
    invoice(s, 2479, 8, [item(2, 3, 10)])
    s.play("455_force_tax_amount")
    s.do("account.move", "action_post", ids=[2479])
    s.play("456_forced_tax_after_post")
    invoice(s, 2480, 8, [item(2, 3, 10)])
    s.play("457_force_tax_by_tax_totals")
    invoice(s, 2481, 8, [item(2, 3, 10)])
    s.play("459_write_on_row_locked_4s")
    s.play("462_after_database_restart_0", shape=True)


def play_create_or_ignore(s: Story) -> None:
    s.at("2026-11-22 09:31:52")
    s.play("500_load_create_or_ignore_first")
    s.play("501_load_create_or_ignore_second_untouched")
    s.do("account.move", "action_post", ids=[2482])
    before = dict(s.db.tables["account.move"][2482])
    s.at("2026-11-22 09:31:54")
    s.play("502_load_create_or_ignore_on_posted_untouched")
    assert s.db.tables["account.move"][2482] == before
    s.play("503_load_create_or_ignore_no_line_ids_0")
    s.play("503_load_create_or_ignore_no_line_ids_1")
    s.play("504_load_batch_existing_and_new")
    s.next_id(account_move=2486)
    s.play("505_load_create_or_ignore_concurrent_0")
    s.play("505_load_create_or_ignore_concurrent_2")
    s.do("account.move", "unlink", ids=[2484])
    s.next_id(account_move=2500)
    s.play("506_load_after_unlink_creates_again")
    s.next_id(account_payment=85)
    s.play("507_payment_load_create_or_ignore_0")
    s.play("507_payment_load_create_or_ignore_1")
    invoice(s, 2501, 8, [item(2, 1, 5)], ref="not empty")
    s.play("508_write_null_clears")
    for number, day in enumerate(("10", "12", "11", "11")):
        invoice(s, 2502 + number, 8, [item(2, 1, 5)], ref=f"ORD{number}", invoice_date=f"2026-11-{day}")
    numbered(s, "1:INV/2026/", 421)
    s.do("account.move", "action_post", ids=[2502, 2503, 2504, 2505])
    s.play("509_batch_post_numbering_order")
    s.next_id(stock_picking=60)
    order(s, 59, 14, [(5, 1, 14)])
    s.play("510_load_attach_xmlid_to_existing_by_dbid")
    s.play("511_load_update_by_dbid")
    s.next_id(mail_message=3639)
    s.play("512_message_post")
    s.do("product.product", "create", vals_list=[{"id": 30, "name": "None left", "is_storable": True}])
    s.next_id(stock_picking=66)
    order(s, 61, 14, [(30, 2, 14)])
    s.do("stock.move", "write", ids=open_moves(s, 66), vals={"quantity": 2, "picked": True})
    s.play("514_validate_without_stock_goes_negative")
    assert s.do("product.product", "read", ids=[30], fields=["qty_available"])[0]["qty_available"] == -2


def play_classic_rpc(s: Story) -> None:
    for name in (
        "400_jsonrpc_common_version", "401_jsonrpc_authenticate_api_key", "402_jsonrpc_authenticate_password",
        "403_jsonrpc_authenticate_bad", "404_jsonrpc_search_read", "407_jsonrpc_err_bad_key", "408_jsonrpc_err_unknown_model",
        "409_jsonrpc_err_unknown_method", "410_jsonrpc_err_private", "411_jsonrpc_err_access", "412_jsonrpc_err_user_error",
        "413_jsonrpc_err_validation", "414_jsonrpc_err_missing_arg", "417_jsonrpc_none_result", "418_jsonrpc_malformed",
        "463_jsonrpc_cooldown_after_bad_logins", "464_authenticate_after_60_failures",
    ):  # fmt: skip
        s.play(name, key="")
    s.play("415_jsonrpc_err_unknown_db", key="", ignore=["message", "arguments"])
    s.play("416_jsonrpc_context", key="", shape=True)
    s.next_id(res_partner_category=3)
    s.play("405_jsonrpc_create_dict_returns_int", key="")
    s.play("406_jsonrpc_create_list_returns_list", key="")
