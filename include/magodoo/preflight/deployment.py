"""Checks of the deployment: staging schema, staged data, times, emails, other instances that share a system."""

from __future__ import annotations

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from magodoo.errors import MagodooError
from magodoo.notifications import outbox
from magodoo.preflight.results import Outcome, count, some
from magodoo.preflight.subject import Check, Subject
from magodoo.staging.db import MIGRATIONS


def schema(subject: Subject) -> Outcome:
    """Check that the staging schema is the one that this version of magodoo expects."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    wanted = ScriptDirectory.from_config(config).get_current_head()
    outcome = Outcome(f"schema {wanted}")
    try:
        with subject.engine.connect() as connection:
            found = connection.execute(text("select version_num from alembic_version")).scalar_one_or_none()
    except SQLAlchemyError as problem:
        message = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        outcome.refuse(f"the staging database cannot be used: {message}", "check the connection and run the migration")
        outcome.ends = True
        return outcome
    if found != wanted:
        outcome.refuse(
            f"the staging schema is {found}, not {wanted}", "run the migration: make up, or `magodoo.staging.migrate`"
        )
        outcome.ends = True
    return outcome


def staged_data(subject: Subject) -> Outcome:
    """Check that documents are staged: the checks of payment methods, currencies and SKUs read only these."""
    statement = "select side, count(*) from document where instance = :instance group by side order by side"
    with subject.engine.connect() as connection:
        counts = {
            str(side): int(number)
            for side, number in connection.execute(text(statement), {"instance": subject.instance.id})
        }
    outcome = Outcome(some(f"{side}: {count(number, 'document')}" for side, number in counts.items()))
    if "magento" not in counts:
        outcome.warn(
            "no Magento documents are staged yet", "let the extract run once in observe, then run preflight again"
        )
    return outcome


def times(subject: Subject) -> Outcome:
    """Check that the settle time is longer than a write, and a lease longer than a write and the settle time together."""
    instance = subject.instance
    writes = [
        client.connection.write_timeout
        for client in (subject.magento_client, subject.odoo_client)
        if client is not None
    ]
    longest = max(writes, default=0.0)
    outcome = Outcome(
        f"settle {instance.settle_seconds} s, lease {instance.lease_seconds} s, writes up to {longest:.0f} s"
    )
    if instance.settle_seconds < longest:
        outcome.refuse("the settle time is shorter than a write may take", f"set settle_seconds above {longest:.0f}")
    if instance.lease_seconds < instance.settle_seconds + longest:
        needed = instance.settle_seconds + longest
        outcome.refuse("a lease ends before a write and the settle time", f"set lease_seconds to {needed:.0f} or more")
    return outcome


def other_instances(subject: Subject) -> Outcome:
    """Check that instances which share Magento or a company do not read each other's documents as their own."""
    own = subject.instance
    others = [other for other in subject.settings.instances.values() if other.id != own.id]
    outcome = Outcome("no other instance" if not others else f"beside {some(other.id for other in others)}")
    for other in others:
        same_company = (other.odoo_connection, other.odoo.company_id) == (own.odoo_connection, own.odoo.company_id)
        if other.magento_connection == own.magento_connection:
            both = not own.stores or not other.stores or set(own.stores) & set(other.stores)
            if both:
                outcome.refuse(f"{other.id} reads the same stores", "give each instance stores of its own in `stores`")
        elif same_company and own.odoo.order_number_prefix == other.odoo.order_number_prefix:
            outcome.warn(
                f"{other.id} keeps its books in the same company",
                "if their order numbers overlap, set odoo.order_number_prefix",
            )
    return outcome


def mails(subject: Subject) -> Outcome:
    """Check that emails can be sent, that none waits or was given up, and that every group has recipients."""
    outcome = Outcome()
    try:
        outcome.found = f"{subject.reach_smtp()} answers"
    except (MagodooError, OSError) as problem:
        outcome.refuse(f"mails cannot be sent: {problem}", f"correct the connection {subject.settings.smtp.connection}")
    with subject.engine.connect() as connection:
        waiting = outbox.unsent(connection, subject.instance.id)
        dead = outbox.dead_letters(connection, subject.instance.id)
    if waiting.count:
        since = f"{waiting.since:%Y-%m-%d %H:%M} UTC" if waiting.since else "?"
        outcome.warn(
            f"{count(waiting.count, 'mail waits', 'mails wait')} since {since}: {waiting.why or 'not tried yet'}",
            "they are sent with the next ones",
        )
    if dead:
        outcome.warn(
            f"{count(len(dead), 'mail was', 'mails were')} not delivered and given up, the last one to"
            f" {dead[0].recipient}, {dead[0].subject!r}: {dead[0].why}",
            "correct `recipients` or the mail server; the overview lists them, they are not sent again",
        )
    listed = subject.instance.recipients
    nobody = [name for name in ("accounting", "warehouse", "it") if not getattr(listed, name)]
    if nobody:
        outcome.warn(f"nobody is mailed for {some(nobody)}", "add addresses to `recipients`")
    return outcome


STAGING_CHECKS: tuple[tuple[str, Check], ...] = (
    ("House: staging schema", schema),
    ("House: staged data", staged_data),
)
CHECKS: tuple[tuple[str, Check], ...] = (
    ("House: times", times),
    ("House: neighbours", other_instances),
    ("House: mails", mails),
)
