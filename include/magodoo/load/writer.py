"""What a writer of one kind of change has to say to the protocol; the protocol does the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from magodoo.load.ledger import LeasedChange
from magodoo.load.outcomes import Answers, Written
from magodoo.vocabulary import ChangeKind, Kind

if TYPE_CHECKING:
    from magodoo.errors import MagodooError
    from magodoo.pipeline.context import Context


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
