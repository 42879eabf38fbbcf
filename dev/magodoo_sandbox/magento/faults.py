"""Faults of Magento only: a lagging replica, the maintenance page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from magodoo_sandbox import faults
from magodoo_sandbox.faults import Rule
from magodoo_sandbox.magento.shop import MagentoShop

MAINTENANCE = "maintenance"  # 503 with Magento's HTML page


class Faults(faults.Faults):
    """The rules in force. A `stale` rule answers reads from a copy of the data taken when it was added, like a lagging replica."""

    def __init__(self, copy_shop: Callable[[], MagentoShop]) -> None:
        super().__init__((MAINTENANCE,))
        self._copy_shop = copy_shop
        self._replicas: dict[int, MagentoShop] = {}

    def add(self, kind: str, **options: Any) -> Rule:
        rule = super().add(kind, **options)
        if kind == "stale":
            self._replicas[id(rule)] = self._copy_shop()
        return rule

    def clear(self) -> None:
        super().clear()
        self._replicas.clear()

    def replica(self, rule: Rule) -> MagentoShop:
        """Return the data as of when this stale rule was added."""
        return self._replicas[id(rule)]


MAINTENANCE_PAGE = """<!doctype html>
<html xmlns="http://www.w3.org/1999/xhtml" >
<head>
    <title>Error 503: Service Unavailable</title>
</head>
<body>
    <main class="page-main">
<h1>Service Temporarily Unavailable</h1>
<p>
    The server is temporarily unable to service your request due to maintenance downtime or capacity problems.
    Please try again later.
</p>
    </main>
</body>
</html>
"""

GATEWAY_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    "<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
)
