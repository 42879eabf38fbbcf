"""Bad input: each ends in a message that names the instance, the document and the next step; the other documents go through."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml
from shop_and_books import ShopAndBooks

from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.errors import MagodooError, TransientError, Unauthorized
from magodoo.pipeline import extract, load, refresh
from magodoo.settings.read import read_with_problems
from magodoo_sandbox.seed.write import demo_settings


def invoiced(pair: ShopAndBooks, lines: dict[str, int] | None = None) -> int:
    order = pair.order(lines or {"SKU-001": 1})
    pair.shop.invoice(order)
    return order


def arrived(pair: ShopAndBooks, order: int) -> bool:
    return [move["state"] for move in pair.moves(order)] == ["posted"]


def test_a_wrong_setting_names_instance_line_and_what_to_write(pair: ShopAndBooks, tmp_path: Path) -> None:
    sound = demo_settings(pair.histories[pair.order()].placed)["instances"]["us"]
    broken = {**sound, "invoices": {"to_odoo": "posted"}, "time_zone": "Berlin"}
    file = tmp_path / "magodoo.yaml"
    file.write_text(yaml.safe_dump({"instances": {"us": sound, "de": broken}}), encoding="utf-8")
    reading = read_with_problems(file)
    assert set(reading.settings.instances) == {"us"}, "the other instance goes on"
    assert {problem.instance for problem in reading.problems} == {"de"}
    assert all(problem.line and problem.message for problem in reading.problems)
    told = " ".join(str(problem) for problem in reading.problems)
    assert "to_odoo" in told
    assert "time_zone" in told


@pytest.mark.parametrize("side", ["magento", "odoo"])
def test_an_unreachable_system_fails_its_extract_with_a_message_and_the_next_run_catches_up(
    pair: ShopAndBooks, side: str
) -> None:
    order = invoiced(pair)
    server = pair.magento if side == "magento" else pair.odoo
    server.faults.add("status", status=503)
    try:
        with pytest.raises(TransientError) as problem:
            extract.run(pair.context(), side)
    finally:
        server.faults.clear()
    assert side in str(problem.value).lower()
    run = pair.last_run(f"{side}_extract")
    assert (run["instance"], run["ok"], "503" in run["message"]) == ("us", False, True)
    pair.run()
    assert arrived(pair, order)


def test_while_odoo_is_away_nothing_is_lost_and_magento_is_written(pair: ShopAndBooks) -> None:
    into_odoo, into_magento = invoiced(pair), pair.order(payment="cashondelivery")
    pair.chain()
    pair.deliver(into_magento)
    late = invoiced(pair)
    pair.look()
    pair.release()
    pair.odoo.faults.add("status", status=502, path="account.move/load")
    try:
        load.run(pair.context())
    finally:
        pair.odoo.faults.clear()
    assert len(pair.shipments(into_magento)) == 1
    assert (arrived(pair, into_odoo), arrived(pair, late)) == (True, False)
    assert {state for _, state, _ in pair.unfinished(late)} <= {"planned", "uncertain"}, "it stays in the ledger"
    pair.chain()
    assert arrived(pair, late)


def test_a_wrong_credential_names_system_and_next_step_and_fails_no_change(pair: ShopAndBooks) -> None:
    order = invoiced(pair)
    wrong = pair.context()
    wrong.magento_client = MagentoClient(MagentoConnection(pair.magento.url, BearerToken("wrong")))
    with pytest.raises(Unauthorized) as refused:
        extract.run(wrong, "magento")
    assert "magento" in str(refused.value).lower()
    assert refused.value.hint
    pair.look()
    pair.release()
    wrong.odoo_client = OdooClient.connect(OdooConnection(pair.odoo.url, pair.odoo.db.name, "wrong", 1))
    with pytest.raises(MagodooError) as refused_too:
        load.run(wrong)
    assert isinstance(refused_too.value, Unauthorized)
    assert {state for _, state, _ in pair.unfinished(order)} == {"planned"}, "nothing is wrong with the document"
    pair.run()
    assert arrived(pair, order)


def test_a_payload_that_is_not_json_fails_the_extract_and_the_next_run_catches_up(pair: ShopAndBooks) -> None:
    order = invoiced(pair)
    pair.magento.faults.add("truncate", path="/V1/invoices", times=20)
    try:
        with pytest.raises(MagodooError) as problem:
            extract.run(pair.context(), "magento")
    finally:
        pair.magento.faults.clear()
    assert "invoices" in str(problem.value)
    assert pair.last_run("magento_extract")["ok"] is False
    pair.run()
    assert arrived(pair, order)


def test_a_document_that_cannot_be_read_is_quarantined_and_the_others_go_through(pair: ShopAndBooks) -> None:
    bad, good = invoiced(pair), invoiced(pair)
    (row,) = pair.invoices(bad)
    sound = row["grand_total"]
    row["grand_total"] = "twelve"
    pair.chain()
    assert (arrived(pair, bad), arrived(pair, good)) == (False, True)
    (finding,) = pair.said_of(row["increment_id"])
    assert (finding["type"], finding["instance"], bool(finding["next_step"])) == ("quarantined", "us", True)
    assert "twelve" in finding["message"]
    assert finding["order_number"] == pair.shop.order(bad)["increment_id"]
    row["grand_total"] = sound
    pair.touch(bad)
    pair.chain()
    assert arrived(pair, bad)
    assert pair.said_of(row["increment_id"]) == [], "it is resolved by itself"


def test_a_document_without_an_order_is_a_finding_and_the_others_go_through(pair: ShopAndBooks) -> None:
    good = invoiced(pair)
    stray = copy.deepcopy(pair.invoices(good)[0])
    stray |= {"entity_id": 990_001, "increment_id": "000990001", "order_id": 990_000}
    pair.shop.tables.invoices[990_001] = stray
    pair.chain()
    assert arrived(pair, good)
    (finding,) = pair.said_of("000990001")
    assert (finding["type"], finding["instance"], bool(finding["next_step"])) == ("without_order", "us", True)


def test_an_unknown_sku_is_named_with_the_next_step_and_the_others_go_through(pair: ShopAndBooks) -> None:
    pair.shop.add_product("NEW-SKU", price=11, stock=100)
    bad, good = invoiced(pair, {"NEW-SKU": 1, "SKU-002": 1}), invoiced(pair)
    pair.chain()
    assert (pair.sales(bad), arrived(pair, good)) == ([], True)
    (finding,) = pair.reported(bad, type="unmapped")
    assert (finding["part"], finding["instance"]) == ("sku:NEW-SKU", "us")
    assert finding["order_number"] == pair.shop.order(bad)["increment_id"]
    assert "NEW-SKU" in finding["message"]
    assert finding["next_step"]


def test_an_order_that_waited_for_a_product_arrives_after_the_nightly_refresh(pair: ShopAndBooks) -> None:
    pair.shop.add_product("LATE-SKU", price=11, stock=100)
    late = invoiced(pair, {"LATE-SKU": 1})
    pair.chain()
    assert pair.sales(late) == []
    product = {
        "default_code": "LATE-SKU",
        "name": "Late",
        "type": "consu",
        "is_storable": True,
        "invoice_policy": "order",
    }
    pair.call("product.product", "create", vals_list=[product])
    refresh.run(pair.context())
    pair.chain()
    assert arrived(pair, late)
    assert pair.reported(late, type="unmapped") == []
