"""What the executor is handed for each kind of change, and what it may answer.

A writer probes the target, checks preconditions on fresh data, writes, and says what is read back. What can become of a change besides
being done is an error whose class decides what the ledger says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixDocument, MagodooError, OutcomeUnknown, Retry, UnreadableRecord
from magodoo.ledger.changes import LeasedChange

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.extract.canonical import CanonicalDocument


class Writer(ABC):
    """One kind of change. `document` is the kind that is read back on the target's side.

    one_per_order: changes of one order are written one after the other, orders still side by side.
    group_size: how many are checked right before they are written, and read back together afterwards.
    write_size: how many of them are written between two renewals of the lease.
    many_steps: the write is several calls, each of which may be repeated; a break between them leaves part of it.
    """

    kind: ChangeKind
    document: Kind
    one_per_order = False
    group_size = 50
    write_size = 50
    many_steps = True

    @abstractmethod
    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        """What the target has already: our own by reference, then what others made (RULES, *Cut-over*)."""

    @abstractmethod
    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        """Which changes may not be written now, on fresh data of the target, and why."""

    @abstractmethod
    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        """Write, or go on where an earlier attempt stopped."""

    def source_problem(self, context: Context, document: CanonicalDocument) -> str | None:
        """Why a source whose content is what it was may not be written any more, as `is not paid any more`; None when it may."""
        return None

    def follow_up(self, context: Context, changes: Sequence[LeasedChange]) -> None:
        """Do what a written document entails elsewhere, also when an earlier attempt wrote it and came no further."""
        return

    def for_group(self) -> Writer:
        """The writer that checks and writes one group; one that writes one by one reads there only once what both need."""
        return self

    def read_back_ids(self, context: Context, targets: Mapping[LeasedChange, int]) -> dict[LeasedChange, int]:
        """The ids of the `document` that shows what was written: the target itself, unless a writer says otherwise."""
        return dict(targets)

    def pair(self, change: LeasedChange, target_id: int) -> tuple[Kind, str, str] | None:
        """(kind, Magento id, Odoo id) of the match that the write makes, if it makes one."""
        return None


@dataclass(frozen=True)
class Found:
    """What the target has of a change. `complete`: nothing is left to write. `adopted`: somebody else made it. `posted`: what
    is posted of an incomplete one, in words, with its `number`: it is never dropped.
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
    """A document moved on between plan and write: the change is dropped and its order reconciled anew."""


class DependencyPending(Retry):
    """What it builds on is not there yet: it waits, and nothing is wrong."""


class PartiallyApplied(OutcomeUnknown):
    """Every call so far had a sound answer, but not all were made: it is probed soon, without waiting for anything to settle."""


class HalfDone(DependencyPending):
    """What was posted is there, and the step after it was refused: a finding says so, and every run tries to complete it.

    target_id, target_number: the posted record.
    """

    def __init__(self, reason: str, target_id: int, target_number: str) -> None:
        super().__init__(reason)
        self.target_id, self.target_number = target_id, target_number


def refused(reason: str) -> FixDocument:
    """A precondition that does not hold: the finding keeps the reason."""
    return FixDocument(reason)


def not_shown(what: str) -> UnreadableRecord:
    """What was made is there and may not be read: the change waits until it can be, and is completed then."""
    return UnreadableRecord(f"Odoo gave an id and does not show the {what}")
