"""Faults on demand: which requests they strike, and what happens to those."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from magodoo.sandbox.magento.shop import MagentoShop

KINDS = (
    "latency",  # answers after `seconds`
    "status",  # answers `status` before anything is done
    "status_after",  # does it, then answers `status`
    "cut_before",  # closes the connection before anything is done
    "cut_after",  # does it, then closes the connection without an answer
    "truncate",  # sends half of the answer
    "stale",  # answers a read from a copy of the shop taken when the rule was added, like a lagging replica
    "maintenance",  # 503 with Magento's HTML page
)


@dataclass
class Rule:
    """A fault for requests whose method and path match.

    `nth` strikes only the nth matching request (1 is the first), `times` limits how often it strikes at all (0 is no
    limit), `probability` draws with `seed`.
    """

    kind: str
    method: str = ".*"
    path: str = ".*"
    nth: int = 0
    times: int = 0
    probability: float = 1.0
    seed: int = 0
    seconds: float = 1.0
    status: int = 500
    seen: int = 0
    struck: int = 0
    _draw: random.Random = field(default_factory=random.Random, repr=False)
    _replica: MagentoShop | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such fault: {self.kind!r}; there are {', '.join(KINDS)}")
        self._draw = random.Random(self.seed)  # noqa: S311 - a repeatable draw, no secret

    def strikes(self, method: str, path: str) -> bool:
        if not (re.fullmatch(self.method, method) and re.search(self.path, path)):
            return False
        self.seen += 1
        if (self.nth and self.seen != self.nth) or (self.times and self.struck >= self.times):
            return False
        if self._draw.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class Faults:
    """The rules in force. `copy_shop` makes the replica that stale reads are answered from."""

    def __init__(self, copy_shop: Callable[[], MagentoShop] | None = None) -> None:
        self.rules: list[Rule] = []
        self._copy_shop = copy_shop

    def add(self, kind: str, **options: Any) -> Rule:
        """Options are the fields of `Rule`. Raises ValueError for an unknown kind."""
        rule = Rule(kind, **options)
        if kind == "stale" and self._copy_shop:
            rule._replica = self._copy_shop()
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()

    def striking(self, method: str, path: str) -> dict[str, Rule]:
        """The rules that strike this request, one of a kind."""
        return {rule.kind: rule for rule in self.rules if rule.strikes(method, path)}


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
