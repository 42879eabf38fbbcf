"""Describe what the ledger is given: a planned change, the full request that would carry it out, and the fingerprint of its source.

A change is small and canonical. Its request holds everything that would be written, complete before anything exists;
a dry run shows it, a person approves it, and it is compared by its hash. The fingerprint covers what the request
depends on in the source document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self

import msgspec
from msgspec import UNSET, UnsetType
from typing_extensions import TypeVar

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import STOPPED
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.errors import InvariantError
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.money import dump_json


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hold everything that a change would write; each flow has a class of its own.

    It is stored as JSON and holds only text, whole numbers (amounts in units), lists and objects, so that it keeps its
    hash. What is UNSET is left out. A field with another default is always written: a request without it is older.

    Attributes:
        source: The fingerprint of the source document, which the planner adds to what a flow has built.
    """

    source: str | UnsetType = UNSET

    def as_json(self) -> dict[str, Any]:
        """Return the request as the ledger stores it."""
        return dict(msgspec.to_builtins(self))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return a request that the ledger has stored.

        Raises:
            InvariantError: A key is missing, unknown or of another type.
        """
        try:
            return msgspec.convert(stored, cls)
        except msgspec.ValidationError as problem:
            raise InvariantError(f"its request in the ledger is damaged: {problem}") from None


IntentT = TypeVar("IntentT", covariant=True, default=Any)


@dataclass(frozen=True)
class PlannedChange(Generic[IntentT]):
    """Hold one planned write; amounts are units (1/10000).

    Attributes:
        source_id: The document (or payment, track, return) that the change is for.
        intent: What its flow builds the request from; each flow has a class of its own.
    """

    kind: ChangeKind
    order_key: str
    order_number: str
    document_kind: Kind
    source_id: str
    source_number: str
    amount: int
    currency: str
    company_amount: int
    intent: IntentT
    settles: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Return what identifies a change: kind and source document."""
        return self.kind.value, self.source_id


@dataclass(frozen=True)
class RequestProblem:
    """State why a request cannot be built.

    Attributes:
        part: The part as the finding names it (`sku:X`, `tax:8.25/US` ...).
        finding: The type of the finding; without `next_step` and `who` it has the texts of its type.
    """

    part: str
    message: str
    finding: FindingType = FindingType.UNMAPPED
    next_step: str = ""
    who: str = ""


@dataclass(frozen=True)
class Prepared:
    """Hold a planned change with its request.

    Attributes:
        request: Everything that would be written; None when there are problems.
        calls: The exact calls, each {system, method, path or model, body}.
        evidence: Under which taxes, rules and rates it is written, or on which transaction; no personal data. It outlives the request.
    """

    planned: PlannedChange
    request: Request | None
    calls: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[RequestProblem] = field(default=())
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Return (kind, source id), of which there may be one open change."""
        return self.planned.kind.value, self.planned.source_id

    @property
    def stored(self) -> dict[str, Any] | None:
        """Return the request as the ledger stores it."""
        return None if self.request is None else self.request.as_json()

    @property
    def request_hash(self) -> str:
        """Return the SHA-256 of the request's canonical JSON, in hex."""
        return hashlib.sha256(dump_json(self.stored).encode()).hexdigest()


def fingerprint(document: CanonicalDocument) -> str:
    """Return a digest of a document's content: equal as staged and as read again, as long as nothing of substance changed."""
    head = [getattr(document, name) for name in _CONTENT]
    if document.kind == Kind.ORDER:
        head += [*(getattr(document, name) for name in _CUSTOMER), document.state in STOPPED]
        # What is cancelled is not imported; only orders with such quantities have it, or every open change would be planned anew.
        head += [line.qty_canceled for line in document.lines if line.qty_canceled and document.side == Side.MAGENTO]
        # Nor is what is refunded before it was shipped.
        head += [
            f"refunded {units}"
            for line in document.lines
            if (units := _refunded(line)) and document.side == Side.MAGENTO
        ]
    else:
        head.append(document.state)
    # A delivery's quantities become kits in staging; what was moved stays in qty_ordered.
    names = [name for name in _LINE if (document.side, document.kind, name) != (Side.ODOO, Kind.SHIPMENT, "quantity")]
    lines = sorted(tuple(_text(getattr(line, name)) for name in names) for line in document.lines)
    content = repr((head, sorted(document.tracking), lines))
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


# Not in it: what our own writes change (paid, invoiced, shipped), timestamps, and what staging adds after the reading
# (customer, country and currency of documents, item keys of Odoo lines).
_CONTENT = ("number", "grand_total", "tax", "shipping", "discount", "adjustment", "quantity")
_CUSTOMER = ("customer_email", "country", "vat")
_LINE = ("line_id", "role", "sku", "quantity", "qty_ordered", "untaxed", "tax")


def _text(value: object) -> str:
    """Return a value of a line as it was read: only staging determines which goods were exchanged."""
    return "item" if value == "exchange" else str(value)


def _refunded(line: CanonicalLine) -> int:
    """Return the units of an order's line that were refunded before they were shipped, by the line alone."""
    return max(min(line.qty_refunded, line.qty_ordered - line.qty_canceled - line.qty_shipped), 0)
