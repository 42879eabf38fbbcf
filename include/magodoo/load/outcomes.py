"""What can become of a change besides being done, as errors whose class decides what the ledger says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from magodoo.errors import FixDocument, MagodooError, OutcomeUnknown, Retry, UnreadableRecord


class Changed(MagodooError):
    """A document moved on between plan and write: the change is dropped and its order reconciled anew."""


class NotYet(Retry):
    """What it builds on is not there yet: it waits, and nothing is wrong."""


class Partly(OutcomeUnknown):
    """Every call so far had a sound answer, but not all were made: it is probed soon, without waiting for anything to settle."""


class HalfDone(NotYet):
    """What was posted is there, and the step after it was refused: a finding says so, and every run tries to complete it.

    target_id, target_number: the posted record.
    """

    def __init__(self, reason: str, target_id: int, target_number: str) -> None:
        super().__init__(reason)
        self.target_id, self.target_number = target_id, target_number


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


def refused(reason: str) -> FixDocument:
    """A precondition that does not hold: the finding keeps the reason."""
    return FixDocument(reason)


def not_shown(what: str) -> UnreadableRecord:
    """What was made is there and may not be read: the change waits until it can be, and is completed then."""
    return UnreadableRecord(f"Odoo gave an id and does not show the {what}")
