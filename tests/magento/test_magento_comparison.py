"""The same purchases and documents in a live Magento and in the sandbox: where what is read back differs, the sandbox is wrong.

Compared are the documents as the routes answer them, field by field, with their numbers; not compared is what names one shop:
ids, numbers, times, addresses of servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from live_shop import (
    CONFIGURABLE,
    COUPON,
    DYNAMIC,
    DYNAMIC_APART,
    FIXED,
    FIXED_APART,
    Buying,
    LiveShop,
    SandboxShop,
    missing_login,
)

from magodoo.connectors.magento import MagentoClient, Track
from magodoo.connectors.magento.http import Http
from magodoo.domain.vocabulary import MATCHED_KINDS
from magodoo.errors import MagodooError
from magodoo_sandbox.magento import RunningSandbox

pytestmark = [pytest.mark.magento, pytest.mark.skipif(bool(missing_login()), reason=f"not run: {missing_login()}")]

MARK = "magodoo:live:1f0c2f6e-0b1a-4c8e-9d51-0f5a2f6e7b11:account.move:42"
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)
Act = Callable[[MagentoClient, Http, int, dict[str, int]], None]
OF_ONE_SHOP = re.compile(
    r"(^|_)id$|_ids$|increment_id$|_at$|^protect_code$|^remote_ip$|^x_forwarded_for$|email|^(first|last)name$|^customer_(first|last)name$"
    r"|^option_selections$|^po_number$|^store_name$|^(street|region.*|city|postcode|telephone)$|^option_|^bundle_options$|^configurable_item_options$"
    r"|^additional_information$|^value$|^(code|title)$|^item_applied_taxes$|^name$"
)
MAYBE_ABSENT = {"email_sent"}  # whether a shop sends mails


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[LiveShop, SandboxShop]]:
    live = LiveShop()
    live.provision()
    with RunningSandbox(SandboxShop.stocked()) as running:
        yield live, SandboxShop(running)


def nothing(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    """As placed."""


def all_in_one(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    for path, body in (
        (f"/order/{order_id}/invoice", {}),
        (f"/order/{order_id}/ship", {"tracks": [Track("1Z1", "UPS", "ups").body()]}),
        (f"/order/{order_id}/refund", {}),
    ):
        try:
            http.write("POST", path, body)
        except MagodooError as refused:
            assert path.endswith("ship"), refused


def in_parts(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    first, *_ = lines.values()
    client.create_invoice(order_id, [(first, ONE)], MARK)
    client.create_shipment(order_id, [(first, ONE)], [Track("1Z1", "UPS", "ups"), Track("1Z2")], MARK)
    http.write("POST", f"/order/{order_id}/invoice", {})
    client.create_credit_memo(order_id, [(first, ZERO)], ONE, TWO, ONE, MARK)
    client.create_credit_memo(order_id, [(first, ONE)], ZERO, ZERO, ZERO, MARK, [first])
    client.comment_order(order_id, "A word")


def cancelled(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    client.cancel_order(order_id)


def half_cancelled(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    first, *_ = lines.values()
    client.create_invoice(order_id, [(first, ONE)], MARK)
    client.cancel_order(order_id)


def held(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    http.write("POST", f"/orders/{order_id}/hold", {})


def shipped_first(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    first, *_ = lines.values()
    client.create_shipment(order_id, [(first, ONE)], [], MARK)


def part_by_part(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    """One part, the other whole, then more of the first than is open."""
    a, b = parts_of(http, order_id)
    http.write("POST", f"/order/{order_id}/invoice", {})
    for item, quantity in ((a, 1), (b, 4), (a, 2)):
        http.write("POST", f"/order/{order_id}/ship", {"items": [{"order_item_id": item, "qty": quantity}]})


def with_another_product(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    a, _ = parts_of(http, order_id)
    other = lines["LIVE-C-RED"]
    client.create_shipment(order_id, [(other, ONE)], [], MARK)
    client.create_shipment(order_id, [(a, ONE), (other, ONE)], [Track("1Z1", "UPS", "ups")], MARK)
    http.write("POST", f"/order/{order_id}/ship", {})


def wrongly_named(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    """The bundle's own item, which Magento refuses; nothing of it is stored."""
    bundle, *_ = lines.values()
    with pytest.raises(MagodooError, match="Separately"):
        client.create_shipment(order_id, [(bundle, ONE)], [], MARK)


def half_refunded_then_shipped(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    """Half of the bundles taken back by what carries the price, before anything leaves."""
    bundle, *_ = lines.values()
    a, b = parts_of(http, order_id)
    http.write("POST", f"/order/{order_id}/invoice", {})
    half = [(a, ONE), (b, TWO)] if is_priced_by_parts(http, order_id) else [(bundle, ONE)]
    client.create_credit_memo(order_id, half, ZERO, ZERO, ZERO, MARK)
    ship_what_is_left(http, order_id)


def goodwill(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    """Money given back for nothing: Magento counts the bundle as refunded where its parts carry the price."""
    _, b = parts_of(http, order_id)
    http.write("POST", f"/order/{order_id}/invoice", {})
    item = b if is_priced_by_parts(http, order_id) else next(iter(lines.values()))
    client.create_credit_memo(order_id, [(item, ZERO)], ZERO, ONE, ZERO, MARK)


def one_part_refunded(client: MagentoClient, http: Http, order_id: int, lines: dict[str, int]) -> None:
    """One part taken back before, and one after the rest has left."""
    a, b = parts_of(http, order_id)
    http.write("POST", f"/order/{order_id}/invoice", {})
    client.create_credit_memo(order_id, [(a, ONE)], ZERO, ZERO, ZERO, MARK)
    ship_what_is_left(http, order_id)
    client.create_credit_memo(order_id, [(b, ONE)], ZERO, ZERO, ZERO, MARK, [b])


def parts_of(http: Http, order_id: int) -> list[int]:
    """The items of an order's only bundle."""
    items = http.read(f"/orders/{order_id}").body["items"]
    (bundle,) = (item["item_id"] for item in items if item["product_type"] == "bundle")
    return [item["item_id"] for item in items if item.get("parent_item_id") == bundle]


def ship_what_is_left(http: Http, order_id: int) -> None:
    """Nothing is where Magento counts a bundle that ships together as refunded whole, because one of its parts was."""
    try:
        http.write("POST", f"/order/{order_id}/ship", {})
    except MagodooError as refused:
        assert "does not allow a shipment" in str(refused)


def is_priced_by_parts(http: Http, order_id: int) -> bool:
    items = http.read(f"/orders/{order_id}").body["items"]
    return any(item["row_total"] for item in items if item.get("parent_item_id"))


SIMPLE = [("LIVE-A", 3), ("LIVE-B", 1)]
STORIES: dict[str, tuple[list[tuple[str, int]], dict[str, str], Act]] = {
    "as placed": (SIMPLE, {}, nothing),
    "a virtual one": ([("LIVE-V", 2)], {}, all_in_one),
    "all at once": (SIMPLE, {}, all_in_one),
    "all at once, by bank transfer": (SIMPLE, {"payment": "banktransfer"}, all_in_one),
    "all at once, cash on delivery": (SIMPLE, {"payment": "cashondelivery"}, all_in_one),
    "all at once, by purchase order": (SIMPLE, {"payment": "purchaseorder"}, all_in_one),
    "in parts": (SIMPLE, {}, in_parts),
    "in parts, discounted": (SIMPLE, {"coupon": COUPON}, in_parts),
    "in parts, in EUR": (SIMPLE, {"store": "eu", "country": "DE"}, in_parts),
    "in parts, in EUR, discounted": (SIMPLE, {"store": "eu", "country": "DE", "coupon": COUPON}, in_parts),
    "cancelled": (SIMPLE, {}, cancelled),
    "half cancelled": (SIMPLE, {}, half_cancelled),
    "held": (SIMPLE, {}, held),
    "shipped first": (SIMPLE, {}, shipped_first),
    "a configurable": ([(CONFIGURABLE, 3)], {}, all_in_one),
    "a configurable in parts": ([(CONFIGURABLE, 3)], {}, in_parts),
    "a bundle of fixed price": ([(FIXED, 2)], {}, all_in_one),
    "a bundle priced by its parts": ([(DYNAMIC, 2)], {}, all_in_one),
    "bundles, discounted": ([(DYNAMIC, 1), (FIXED, 1)], {"coupon": COUPON}, all_in_one),
    "a bundle, shipped first": ([(DYNAMIC, 2)], {}, shipped_first),
    **{
        f"a bundle of {price} that ships separately, {what}": ([(sku, 2), *more], {}, act)
        for price, sku in (("fixed price", FIXED_APART), ("its parts' prices", DYNAMIC_APART))
        for what, more, act in (
            ("as placed", [], nothing),
            ("all at once", [], all_in_one),
            ("cancelled", [], cancelled),
            ("part by part", [], part_by_part),
            ("beside another article", [(CONFIGURABLE, 3)], with_another_product),
            ("wrongly named", [], wrongly_named),
            ("half refunded, then shipped", [], half_refunded_then_shipped),
        )
    },
    "a bundle that ships separately, one part refunded": ([(DYNAMIC_APART, 2)], {}, one_part_refunded),
    "a bundle that ships together, one part refunded": ([(DYNAMIC, 2)], {}, one_part_refunded),
    "a bundle of its parts' prices, half refunded, then shipped": ([(DYNAMIC, 2)], {}, half_refunded_then_shipped),
    "a bundle of fixed price, half refunded, then shipped": ([(FIXED, 2)], {}, half_refunded_then_shipped),
    "a bundle of its parts' prices, goodwill": ([(DYNAMIC, 2)], {}, goodwill),
    "a bundle of fixed price, goodwill": ([(FIXED, 2)], {}, goodwill),
    "a bundle of its parts' prices, cancelled": ([(DYNAMIC, 2)], {}, cancelled),
    "a bundle of fixed price, cancelled": ([(FIXED, 2)], {}, cancelled),
    "a configurable, cancelled": ([(CONFIGURABLE, 2)], {}, cancelled),
    "bundles half cancelled": ([(DYNAMIC, 2), (FIXED_APART, 2)], {}, half_cancelled),
    "bundles of both ways, discounted": (
        [(DYNAMIC_APART, 1), (FIXED_APART, 1), (DYNAMIC, 1)],
        {"coupon": COUPON},
        all_in_one,
    ),
    "everything": ([(CONFIGURABLE, 1), (DYNAMIC, 1), (FIXED, 1), ("LIVE-V", 1), ("LIVE-A", 1)], {}, all_in_one),
}


@pytest.mark.parametrize("story", STORIES)
def test_the_sandbox_holds_the_same_documents_as_a_live_magento(
    twins: tuple[LiveShop, SandboxShop], story: str
) -> None:
    cart, options, act = STORIES[story]
    live, sandbox = (told(shop, cart, options, act) for shop in twins)
    assert list(differences("", live, sandbox)) == []


def told(shop: Buying, cart: list[tuple[str, int]], options: dict[str, str], act: Act) -> dict[str, Any]:
    """The order and its documents, as read, after `act`."""
    http, client = Http(shop.connection), MagentoClient(shop.connection)
    order_id = shop.buy(cart, **options)
    items = http.read(f"/orders/{order_id}").body["items"]
    act(client, http, order_id, {item["sku"]: item["item_id"] for item in items if not item.get("parent_item_id")})
    documents = {"order": http.read(f"/orders/{order_id}").body}
    paths = {"invoice": "/invoices/{}", "shipment": "/shipment/{}", "credit_memo": "/creditmemo/{}"}
    for kind in MATCHED_KINDS[1:]:
        numbers = [row["entity_id"] for page in client.by_order(kind, [order_id]) for row in page.rows]
        documents[kind.value] = [http.read(paths[kind.value].format(number)).body for number in numbers]
    return documents


def differences(where: str, live: Any, sandbox: Any) -> Iterator[str]:
    """What differs, as `path: live / sandbox`, but for what names one shop."""
    if isinstance(live, dict) and isinstance(sandbox, dict):
        for key in sorted((live.keys() | sandbox.keys()) - MAYBE_ABSENT):
            if key not in live or key not in sandbox:
                yield f"{where}.{key}: {live.get(key, 'absent')!r} / {sandbox.get(key, 'absent')!r}"
            elif not OF_ONE_SHOP.search(key):
                yield from differences(f"{where}.{key}", live[key], sandbox[key])
            elif type(live[key]) is not type(sandbox[key]):
                yield f"{where}.{key}: {type(live[key])} / {type(sandbox[key])}"
    elif isinstance(live, list) and isinstance(sandbox, list):
        if len(live) != len(sandbox):
            yield f"{where}: {live!r} / {sandbox!r}"
        for number, (one, other) in enumerate(zip(live, sandbox, strict=False)):
            yield from differences(f"{where}[{number}]", one, other)
    elif live != sandbox:
        yield f"{where}: {live!r} / {sandbox!r}"
