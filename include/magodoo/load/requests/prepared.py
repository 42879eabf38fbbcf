"""A planned change with the full request that would carry it out: what the ledger stores and a dry run shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from magodoo.money import dump_json
from magodoo.vocabulary import FindingType

if TYPE_CHECKING:
    from magodoo.reconcile.plan import PlannedChange


@dataclass(frozen=True)
class RequestProblem:
    """Why a request cannot be built: `part` as the finding names it (`sku:X`, `tax:8.25/US` ...).

    finding: its type; without `next_step` and `who` the finding says what its type says.
    """

    part: str
    message: str
    finding: FindingType = FindingType.UNMAPPED
    next_step: str = ""
    who: str = ""


@dataclass(frozen=True)
class Prepared:
    """`request` is None when there are problems; `calls` are the exact calls, each {system, method, path or model, body}.

    A request holds only text, whole numbers (amounts in units), lists and mappings: it keeps its hash in the database.
    """

    planned: PlannedChange
    request: Mapping[str, Any] | None
    calls: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[RequestProblem] = field(default=())

    @property
    def key(self) -> tuple[str, str]:
        """What there may be one open change of: (kind, source id)."""
        return self.planned.kind.value, self.planned.source_id

    @property
    def request_hash(self) -> str:
        return hashlib.sha256(dump_json(self.request).encode()).hexdigest()
