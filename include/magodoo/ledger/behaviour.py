"""Define what the executor is handed for each kind of change, and what it may answer.

A writer probes the target, checks preconditions on fresh data, writes, and names what is read back. Every outcome
other than done is an error whose class decides what the ledger records.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixDocument, MagodooError, OutcomeUnknown, TransientError, UnreadableRecord
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Request

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.extract.canonical import CanonicalDocument


RequestT = TypeVar("RequestT", bound=Request, default=Any)


class Writer(ABC, Generic[RequestT]):
    """Write one kind of change.

    Attributes:
        request_type: The class of its requests.
        document: The kind of document that is read back on the target's side.
        one_per_order: Changes of one order are written one after the other, while orders are written side by side.
        group_size: How many are checked right before they are written, and read back together afterwards.
        write_size: How many of them are written between two renewals of the lease.
        many_steps: The write is several calls, each of which may be repeated; an interruption between them leaves a part.
    """

    kind: ChangeKind
    request_type: type[RequestT]
    document: Kind
    one_per_order = False
    group_size = 50
    write_size = 50
    many_steps = True

    @abstractmethod
    def probe(self, context: Context, changes: Sequence[LeasedChange[RequestT]]) -> Answers:
        """Return what the target has already: our own by reference, then what others made (docs/business-rules.md#cut-over)."""

    @abstractmethod
    def check(self, context: Context, changes: Sequence[LeasedChange[RequestT]]) -> dict[int, MagodooError]:
        """Return, by change id, why a change may not be written now, on fresh data of the target."""

    @abstractmethod
    def write(self, context: Context, changes: Sequence[LeasedChange[RequestT]]) -> Written:
        """Write the changes, or continue where an earlier attempt was interrupted."""

    def source_problem(self, context: Context, document: CanonicalDocument) -> str | None:
        """Return why an unchanged source may not be written any more, as `is not paid any more`; None when it may."""
        return None

    def follow_up(self, context: Context, changes: Sequence[LeasedChange[RequestT]]) -> None:
        """Do what a written document entails elsewhere, also when an earlier attempt wrote it and was interrupted."""
        return

    def for_group(self) -> Writer:
        """Return the writer that checks and writes one group; a writer may return a copy that reads only once what both need."""
        return self

    def read_back_ids(
        self, context: Context, targets: Mapping[LeasedChange[RequestT], int]
    ) -> dict[LeasedChange[RequestT], int]:
        """Return the ids of the `document` that shows what was written: the target itself, unless a writer overrides it."""
        return dict(targets)

    def pair(self, change: LeasedChange[RequestT], target_id: int) -> tuple[Kind, str, str] | None:
        """Return (kind, Magento id, Odoo id) of the match that the write makes; None if it makes none."""
        return None


@dataclass(frozen=True)
class Found:
    """Describe what the target has of a change.

    Attributes:
        complete: Nothing is left to write.
        adopted: Somebody else made it.
        posted: What is posted of an incomplete one, as text; such a change is never dropped.
        number: The number of what is posted.
        before: Its state as found, which the ledger stores with the change.
    """

    target_id: int
    complete: bool
    adopted: bool = False
    posted: str = ""
    number: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)


Answers = dict[int, "Found | MagodooError"]
"""By change id: what is there, or why the change may not go on; a change without an answer is absent."""

Written = dict[int, "int | MagodooError"]
"""By change id: the target's id, or why it was not written."""


class SourceChanged(MagodooError):
    """Report that a document changed between plan and write: the change is dropped and its order reconciled again."""


class DependencyPending(TransientError):
    """Report that what the change builds on is not there yet: the change waits, and nothing is wrong."""


class PartiallyApplied(OutcomeUnknown):
    """Report that every call so far was answered, but not all were made: the change is probed soon, without the settle time."""


class HalfDone(DependencyPending):
    """Report that a record is posted and the step after it was refused: a finding names it, and every run tries to complete it.

    target_id, target_number: the posted record.
    """

    def __init__(self, reason: str, target_id: int, target_number: str) -> None:
        super().__init__(reason)
        self.target_id, self.target_number = target_id, target_number


def refused(reason: str) -> FixDocument:
    """Return the error of a precondition that does not hold: the finding keeps the reason."""
    return FixDocument(reason)


def not_shown(what: str) -> UnreadableRecord:
    """Return the error of a record that was created and may not be read: the change waits until it can be, and is completed then."""
    return UnreadableRecord(f"Odoo gave an id and does not show the {what}")
