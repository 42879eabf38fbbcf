"""Faults on demand, for both sandboxes: the requests that they match, and their effect."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

COMMON_KINDS = (
    "latency",  # answers after `seconds`
    "status",  # answers `status` before anything is done
    "status_after",  # does it, then answers `status`
    "cut_before",  # closes the connection before anything is done
    "cut_after",  # does it, then closes the connection without an answer
    "truncate",  # sends half of the answer
    "stale",  # answers a read as it was answered before
)


@dataclass
class Rule:
    """A fault for requests whose method and path match.

    `nth` matches only the nth such request (1 is the first), `times` limits how often it applies (0 is no
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
    ended: int = 0  # of those it struck, how many have had their effect and left the server
    _draw: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
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

    async def pass_time(self) -> None:
        """Until `seconds` have passed; they may be changed meanwhile, which lets a held request go on."""
        began = time.monotonic()
        while (remaining := began + self.seconds - time.monotonic()) > 0:
            await asyncio.sleep(min(remaining, 0.05))

    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class Faults:
    """The rules in force, and the answers kept for stale reads."""

    def __init__(self, more_kinds: Iterable[str] = ()) -> None:
        self.kinds = (*COMMON_KINDS, *more_kinds)
        self.rules: list[Rule] = []
        self._answers: dict[str, tuple[int, bytes]] = {}

    def add(self, kind: str, **options: Any) -> Rule:
        """Options are the fields of `Rule`. Raises ValueError for an unknown kind, TypeError for an unknown option."""
        if kind not in self.kinds:
            raise ValueError(f"no such fault: {kind!r}; there are {', '.join(self.kinds)}")
        rule = Rule(kind, **options)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()
        self._answers.clear()

    def striking(self, method: str, path: str) -> dict[str, Rule]:
        """Return the rules that strike this request, the first of each kind; the others of that kind do not see it."""
        striking: dict[str, Rule] = {}
        for rule in self.rules:
            if rule.kind not in striking and rule.strikes(method, path):
                striking[rule.kind] = rule
        return striking

    def remember(self, key: str, status: int, body: bytes) -> None:
        """Keep the first answer to a read while a stale rule is in force."""
        if any(rule.kind == "stale" for rule in self.rules):
            self._answers.setdefault(key, (status, body))

    def remembered(self, key: str) -> tuple[int, bytes] | None:
        return self._answers.get(key)
