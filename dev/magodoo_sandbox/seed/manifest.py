"""What was planted: the answers that the pipeline must find by itself. It never reads this."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Planted:
    """One finding to be found. `document` is the Magento number, or the Odoo number where Magento has no such document.

    Amounts are decimal text without trailing zeros, empty where the finding has none.
    """

    type: str
    kind: str
    document: str
    magento_amount: str = ""
    odoo_amount: str = ""


@dataclass
class Manifest:
    """`planted`: found by the first observe run; `later`: after what the demo does in between, which it deletes and takes apart."""

    planted: list[Planted] = field(default_factory=list)
    later: list[Planted] = field(default_factory=list)
    deletions: list[dict[str, Any]] = field(default_factory=list)  # {"side", "kind", "id"}: what the demo deletes
    unmatched: list[int] = field(
        default_factory=list
    )  # Odoo's invoices whose payment comes back: the demo takes them apart

    def add(
        self, type_: str, kind: str, document: str, magento: Any = None, odoo: Any = None, *, later: bool = False
    ) -> None:
        entry = Planted(type_, kind, str(document), amount(magento), amount(odoo))
        (self.later if later else self.planted).append(entry)

    @property
    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(entry.type for entry in [*self.planted, *self.later]).items()))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Manifest:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            [Planted(**entry) for entry in raw["planted"]],
            [Planted(**entry) for entry in raw["later"]],
            raw["deletions"],
            raw.get("unmatched", []),
        )


def amount(value: Any) -> str:
    """`12.5` for 12.5000; empty for None."""
    if value is None:
        return ""
    number = Decimal(str(value)).normalize()
    return f"{number:f}" if number else "0"
