"""A sandbox Magento with so many orders and their documents, served by a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.contest import CHECKOUT, VAR, tell

TOKEN = "bench"  # noqa: S105 - of a sandbox on loopback


@contextmanager
def served(orders: int) -> Iterator[str]:
    """Yield the URL of the sandbox; its state is made once per number of orders and kept."""
    from magodoo_sandbox.serving import free_port

    state, port = made(orders), free_port()
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "magodoo_sandbox.magento", "--port", str(port), "--state", str(state), "--key", TOKEN, "--token", TOKEN],
        cwd=CHECKOUT,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, server)
        yield url
    finally:
        server.terminate()
        server.wait()


def made(orders: int) -> Path:
    """Return the state file of a Magento with so many orders over thirty days, in the proportions of the demo's ordinary orders."""
    file = VAR / f"shop-{orders}.json"
    if file.exists():
        return file
    from magodoo_sandbox.seed.shop import CARD, OFFLINE, Shop

    tell(f"  making a shop of {orders:,} orders")
    until = datetime(2026, 11, 20, tzinfo=UTC)
    shop = Shop(7, until)
    for number in range(orders):
        payment = CARD if number % 2 else OFFLINE[number % 3]
        history = shop.place(until - timedelta(days=29 * (1 - number / orders)), payment)
        if number % 10:
            shop.invoice(history)
            if number % 5 and not shop.row("order", history.order)["is_virtual"]:
                shop.ship(history)
            if number % 7 == 1:
                shop.refund(history)
    VAR.mkdir(parents=True, exist_ok=True)
    shop.magento.now = None
    shop.magento.dump(file.with_suffix(".new"))
    file.with_suffix(".new").rename(file)
    return file


def fetch(url: str, path: str) -> dict[str, object]:
    """One JSON answer of the sandbox."""
    request = urllib.request.Request(f"{url}{path}", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, object] = json.load(answer)
    return found


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            fetch(url, "/rest/V1/orders?searchCriteria[pageSize]=1")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the sandbox Magento did not start")
