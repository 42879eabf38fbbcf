"""`python -m magodoo_sandbox.magento --port 8080 --state shop.json --key K --token T`: serve a shop until stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

from magodoo_sandbox.magento.server import MagentoApp
from magodoo_sandbox.magento.shop import MagentoShop
from magodoo_sandbox.serving import uvicorn_server


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="magodoo_sandbox.magento", description="A small Magento that behaves as recorded."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--state", type=Path, help="a file written by MagentoShop.dump()")
    start.add_argument("--empty", action="store_true", help="a shop with one store and nothing in it")
    parser.add_argument("--key", required=True, help="the X-Sandbox-Key of the control routes")
    parser.add_argument("--token", required=True, help="a bearer token with every right")
    parser.add_argument("--admin", metavar="USER:PASSWORD", help="an administrator who may ask for a token")
    options = parser.parse_args()

    def open_shop() -> MagentoShop:
        return MagentoShop.load(options.state) if options.state else MagentoShop()

    shop = open_shop()
    shop.accounts.add_integration(options.token)
    if options.admin:
        username, _, password = options.admin.partition(":")
        shop.accounts.add_admin(username, password)
    uvicorn_server(MagentoApp(shop, options.key, open_shop), options.host, options.port).run()


if __name__ == "__main__":
    main()
