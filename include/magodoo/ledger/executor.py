"""Carry out leased changes effectively once, the same way for every kind.

For each kind in step order, in batches: probe the target; check preconditions on fresh data; renew the lease; write;
read back and commit the outcome with it. The class of an error decides what the ledger records; one bad change never
stops the others.
"""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from more_itertools import chunked

from magodoo.domain.kinds import Change, ChangeKind, requires, waits_for
from magodoo.domain.log_labels import labelled
from magodoo.domain.vocabulary import RunOutcome, Side
from magodoo.errors import (
    FixConfiguration,
    FixDocument,
    Forbidden,
    InvariantError,
    MagodooError,
    OutcomeUnknown,
    TransientError,
    Unauthorized,
    Unreadable,
    UnreadableRecord,
)
from magodoo.ledger import read_back
from magodoo.ledger.behaviour import (
    Answers,
    DependencyPending,
    Found,
    HalfDone,
    PartiallyApplied,
    SourceChanged,
    Writer,
)
from magodoo.ledger.changes import LeasedChange, LeaseLost
from magodoo.ledger.checkpoints import SETTLED, checkpoint
from magodoo.ledger.leases import Leases
from magodoo.timestamps import uptime

if TYPE_CHECKING:
    from magodoo.context import Context

log = logging.getLogger(__name__)

BATCH = 50
RETRY_SECONDS = 60  # delay before a change is tried again whose target is unavailable, or whose parent is not there yet
Answer = TypeVar("Answer")


class Run:
    """Run once over some leased changes: count the outcomes, and keep orders closed to their later steps."""

    def __init__(self, context: Context, writers: Mapping[ChangeKind, Writer]) -> None:
        self.context, self.writers = context, writers
        self.counts: Counter[RunOutcome] = Counter()
        self.unfinished: dict[str, set[Change]] = {}
        self.given_up: dict[str, set[Change]] = {}
        self.closed: set[str] = set()
        self.unavailable: MagodooError | None = None
        self._open: dict[int, LeasedChange] = {}

    def carry_out(self, changes: Sequence[LeasedChange]) -> None:
        """Carry out all changes, in step order.

        Raises:
            FixConfiguration: A credential or a right is missing for everything.
        """
        ordered = sorted(self._readable(changes), key=lambda change: change.place)
        self._open = {change.id: change for change in ordered}
        try:
            for kind, group in itertools.groupby(ordered, key=lambda change: change.kind):
                for batch in _batches(self.writers[kind], list(group)):
                    if self.context.stopped.is_set():
                        self.unavailable = DependencyPending("stopped on request")
                    self._batch(self.writers[kind], batch)
        except FixConfiguration as problem:
            for change in list(self._open.values()):
                self._resolve(change, DependencyPending(str(problem)))
            raise

    def _readable(self, changes: Sequence[LeasedChange]) -> Iterator[LeasedChange]:
        """Yield the changes with their requests as their writers take them; one that cannot be read fails."""
        for change in changes:
            try:
                yield replace(change, request=self.writers[change.kind].request_type.from_json(change.request))
            except InvariantError as problem:
                self._resolve(change, InvariantError(f"{change}: {problem}"))

    def _batch(self, writer: Writer, batch: list[LeasedChange]) -> None:
        """Probe some changes of one kind, record what is done or refused already, and carry out the rest in groups."""
        ready = [change for change in batch if not self._waits(change)]
        found = self._answers(writer.probe, ready)
        checkpoint("probed")
        self._resolve_all(ready, found)
        complete = {
            change: answer for change in ready if isinstance(answer := found.get(change.id), Found) and answer.complete
        }
        self._finish(writer, {change: answer.target_id for change, answer in complete.items()}, found)
        going_on = [
            change for change in ready if change not in complete and not isinstance(found.get(change.id), MagodooError)
        ]
        going_on = self._may_write(going_on, found)
        moved = self._answers(lambda context, some: read_back.source_changes(context, writer, some), going_on)
        going_on = self._without(going_on, {id: _kept(answer, found.get(id)) for id, answer in moved.items()})
        for group in chunked(going_on, writer.group_size):
            self._group(writer, group, found)

    def _group(self, writer: Writer, group: list[LeasedChange], found: Answers) -> None:
        """Check, write and read back the changes of one group."""
        writer = writer.for_group()
        absent = [change for change in group if change.id not in found]
        objections = self._answers(writer.check, absent)
        self._resolve_all(absent, objections)
        checked = [change for change in group if change.id not in objections]
        written: dict[LeasedChange, int] = {}
        try:
            for some in chunked(checked, writer.write_size):
                self._write(writer, some, written)
        except MagodooError:
            self._finish(writer, written, found)
            raise
        self._finish(writer, written, found)

    def _write(self, writer: Writer, changes: list[LeasedChange], written: dict[LeasedChange, int]) -> None:
        """Write some changes, with the lease renewed right before: record the outcome of what was not written, put the rest into `written`.

        A worker that dies before those are committed leaves them leased: the worker that claims them next finds them
        by probing.
        """
        renewed_at = uptime()
        # Autocommit: a transaction of one statement takes one round trip.
        with self.context.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            ours = Leases(connection, self.context.instance).renew(changes, self.context.instance.lease_seconds)
        for change in changes:
            if change.id not in ours:
                self._lost(change)
        changes = [change for change in changes if change.id in ours]
        if not changes:
            return
        checkpoint("checked")
        try:
            answers = writer.write(self._within_the_lease(writer, renewed_at), changes)
        except MagodooError as problem:
            self._broken(writer, changes, problem, written)
            return
        checkpoint("written")
        for change in changes:
            answer = answers.get(change.id)
            if isinstance(answer, MagodooError):
                self._resolve(change, _of_write(writer, answer))
            elif answer is not None:
                written[change] = answer

    def _within_the_lease(self, writer: Writer, renewed_at: float) -> Context:
        """Return the context with a client that sends no call of a write unless its settle time ends before the lease does.

        The worker that claims the order then may trust its probe, however long this worker was delayed between two
        calls.
        """
        context, instance = self.context, self.context.instance
        end = renewed_at + instance.lease_seconds - instance.settle_seconds
        if writer.kind.target is Side.MAGENTO:
            return replace(context, magento_client=context.magento.until(end))
        return replace(context, odoo_client=context.odoo.until(end))

    def _broken(
        self, writer: Writer, changes: list[LeasedChange], problem: MagodooError, written: dict[LeasedChange, int]
    ) -> None:
        """Try each change of a failed batch alone where one record may be the cause; this repeats nothing that is done.

        A credential or a right that is missing for one is missing for all: the run ends with it.
        """
        of_one = isinstance(problem, FixDocument | FixConfiguration) and not isinstance(
            problem, Unauthorized | Forbidden
        )
        if of_one and len(changes) > 1:
            for change in changes:
                self._write(writer, [change], written)
            return
        for change in changes:
            self._resolve(change, _of_write(writer, problem))
        if isinstance(problem, Unauthorized | Forbidden):
            raise problem

    def _finish(self, writer: Writer, targets: Mapping[LeasedChange, int], found: Answers) -> None:
        """Do what follows from what was written, read back what is there now, and commit it with the outcome."""
        if not targets:
            return
        before = {id: answer.before for id, answer in found.items() if isinstance(answer, Found)}
        step = "completed"
        try:
            writer.follow_up(self.context, list(targets))
            step = "read back"
            documents = read_back.read(self.context, writer, targets)
        except MagodooError as problem:
            for change in targets:
                self._resolve(change, PartiallyApplied(f"written, but it could not be {step}: {problem}"))
            return
        checkpoint("read_back")
        committed = read_back.commit(self.context, writer, targets, documents, before)
        for change, target in targets.items():
            if change.id not in committed:
                self._lost(change)
                continue
            self._open.pop(change.id, None)
            self.counts[RunOutcome.APPLIED] += 1
            _log(logging.INFO, change, f"done, {writer.document.words} {target}")
        checkpoint("committed")

    def _may_write(self, changes: list[LeasedChange], found: Answers) -> list[LeasedChange]:
        """Return the changes that may be written; resolve the others, which were claimed only to find out whether they were written."""
        for change in changes:
            if not change.may_write and change.id in found:
                self._resolve(
                    change, DependencyPending("a part of it was written, and the rest may not be written now")
                )
            elif not change.may_write:
                self._resolve_absent(change)
        return [change for change in changes if change.may_write]

    def _resolve_absent(self, change: LeasedChange) -> None:
        self._leave_open(change)
        try:
            with self.context.engine.begin() as connection:
                Leases(connection, self.context.instance).resolve_absent(change)
            self.counts[RunOutcome.PUT_BACK] += 1
        except LeaseLost:
            self._lost(change)

    def _waits(self, change: LeasedChange) -> bool:
        """Return whether a change cannot go on, and record why: its target is unavailable, its order closed, or an earlier step not done."""
        this = (change.kind, change.source_id)
        if self.unavailable is not None:
            self._resolve(change, DependencyPending(str(self.unavailable)))
        elif change.order_key in self.closed:
            self._resolve(
                change, DependencyPending("the order is closed until an uncertain write of it is settled"), delay=0
            )
        elif any(requires(this, earlier) for earlier in self.given_up.get(change.order_key, ())):
            self._resolve(change, SourceChanged("an earlier change of the order was not made: planned anew"))
        elif any(waits_for(this, earlier) for earlier in self.unfinished.get(change.order_key, ())):
            self._resolve(change, DependencyPending("an earlier change of the order is not done yet"), delay=0)
        else:
            return False
        return True

    def _answers(
        self, ask: Callable[[Context, list[LeasedChange]], Mapping[int, Answer]], changes: list[LeasedChange]
    ) -> dict[int, Answer | MagodooError]:
        """Query all changes at once; if the query fails on a document, each one alone."""
        if not changes:
            return {}
        try:
            return dict(ask(self.context, changes))
        except (FixDocument, Unreadable) as problem:
            if len(changes) == 1:
                return {changes[0].id: problem}
        except TransientError as problem:
            self.unavailable = problem
            return {change.id: problem for change in changes}
        answers: dict[int, Answer | MagodooError] = {}
        for change in changes:
            answers |= self._answers(ask, [change])
        return answers

    def _without(self, changes: list[LeasedChange], objections: Mapping[int, MagodooError]) -> list[LeasedChange]:
        self._resolve_all(changes, objections)
        return [change for change in changes if change.id not in objections]

    def _resolve_all(self, changes: Sequence[LeasedChange], answers: Mapping[int, object]) -> None:
        for change in changes:
            answer = answers.get(change.id)
            if isinstance(answer, MagodooError):
                self._resolve(change, answer)

    def _resolve(self, change: LeasedChange, problem: MagodooError, delay: int | None = None) -> None:
        """Record the outcome of a change that was not done: the class of the error decides."""
        self._leave_open(change)
        settle, reason = self.context.instance.settle_seconds, str(problem)
        soon = min(RETRY_SECONDS, settle) if delay is None else delay
        _log(logging.WARNING, change, reason)
        try:
            with self.context.engine.begin() as connection:
                leases = Leases(connection, self.context.instance)
                if isinstance(problem, OutcomeUnknown):
                    leases.uncertain(change, reason, soon if isinstance(problem, PartiallyApplied) else settle)
                    self.closed.add(change.order_key)
                    self.counts[RunOutcome.UNCERTAIN] += 1
                elif isinstance(problem, HalfDone):
                    leases.half_done(change, reason, problem.target_id, problem.target_number, soon)
                    self.counts[RunOutcome.PUT_BACK] += 1
                elif isinstance(problem, TransientError | UnreadableRecord):  # written once it can be read
                    leases.put_back(change, reason, soon)
                    self.counts[RunOutcome.PUT_BACK] += 1
                elif isinstance(problem, SourceChanged):
                    leases.drop(change, reason, self.context.now())
                    self._give_up(change, RunOutcome.CHANGED)
                elif isinstance(problem, FixConfiguration | InvariantError):
                    leases.fail(change, reason, self.context.now())
                    self._give_up(change, RunOutcome.FAILED)
                else:
                    leases.refuse(change, reason, self.context.now())
                    self._give_up(change, RunOutcome.REFUSED)
        except LeaseLost:
            self._lost(change)
        checkpoint(SETTLED)

    def _give_up(self, change: LeasedChange, outcome: RunOutcome) -> None:
        self.counts[outcome] += 1
        self.given_up.setdefault(change.order_key, set()).add((change.kind, change.source_id))

    def _leave_open(self, change: LeasedChange) -> None:
        self._open.pop(change.id, None)
        self.unfinished.setdefault(change.order_key, set()).add((change.kind, change.source_id))

    def _lost(self, change: LeasedChange) -> None:
        """Count a change whose order another worker holds: that worker records its outcome."""
        self._leave_open(change)
        self.counts[RunOutcome.LOST] += 1
        _log(logging.WARNING, change, "the lease went to another worker")


def _log(level: int, change: LeasedChange, what: str) -> None:
    """Log a line about one change; JSON logs carry its document and its order as fields."""
    with labelled(document=change.document, order=change.order_number):
        log.log(level, "%s: %s", change, what)


def _kept(problem: MagodooError, found: object) -> MagodooError:
    """Return the problem, but `HalfDone` for a changed source of which something is posted: its finding is kept until a person acts."""
    if not isinstance(problem, SourceChanged) or not isinstance(found, Found) or not found.posted:
        return problem
    return HalfDone(f"{found.posted}: {problem}", found.target_id, found.number)


def _of_write(writer: Writer, problem: MagodooError) -> MagodooError:
    """Return the problem as the ledger records it: a transient failure between the calls of a write leaves a part, probed first."""
    transient = isinstance(problem, TransientError | Unauthorized | Forbidden) and not isinstance(
        problem, DependencyPending
    )
    if transient and writer.many_steps:
        return PartiallyApplied(str(problem))
    return DependencyPending(str(problem)) if isinstance(problem, Unauthorized | Forbidden) else problem


def _batches(writer: Writer, changes: list[LeasedChange]) -> Iterator[list[LeasedChange]]:
    """Yield batches; where one order's changes must follow each other, the nth of each order goes into the nth round."""
    rounds: list[list[LeasedChange]] = []
    seen: Counter[str] = Counter()
    for change in changes:
        turn = seen[change.order_key] if writer.one_per_order else 0
        seen[change.order_key] += 1
        while len(rounds) <= turn:
            rounds.append([])
        rounds[turn].append(change)
    for batch in rounds:
        yield from chunked(batch, BATCH)
