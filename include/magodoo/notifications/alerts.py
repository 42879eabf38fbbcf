"""Queue the emails of an instance.

New and reopened findings are mailed at once, so are changes that need a person; further the daily digest, failed runs, monthly
statements, and API keys that expire.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection, text

from magodoo.characters import with_escapes
from magodoo.domain import labels
from magodoo.domain.vocabulary import Approval, ChangeState, FindingType, Verdict
from magodoo.ledger import changes
from magodoo.notifications import outbox
from magodoo.notifications.chart import fourteen_days
from magodoo.notifications.csv_export import money, to_csv
from magodoo.notifications.outbox import Mail
from magodoo.quality.catalogue import ALL_CHECKS
from magodoo.quality.checks import Holds
from magodoo.reconcile import repository
from magodoo.settings import Instance

_A_DAY = timedelta(days=1)
_DUE = """
    select f.*, c.state as change_state, c.verdict, c.approval from finding f left join change c on c.id = f.change_id
    where f.instance = :instance and f.resolved_at is null and f.severity <> 'info'
        and (f.muted_until is null or f.muted_until <= :now)
        and (f.mailed_at is null or f.reopened_at > f.mailed_at)
        and not (coalesce(c.state, '') in ('planned', 'approved', 'leased', 'done') and coalesce(c.verdict, '') <> 'held'
            and coalesce(c.approval, '') <> 'rejected' and :writes and f.type <> 'will_ship_too_much'
            and coalesce(f.reopened_at, f.first_seen) > :since)
    order by case f.severity when 'critical' then 0 else 1 end, f.type, f.order_number, f.id"""

# A change held by a check on a whole side has an email of its own (`queue_held`); a rejected change needs no one's attention any more.
_UNTOLD = """
    select * from (
        select *, case when state in ('failed', 'refused') then state when verdict = 'held' then 'held' else 'waiting' end as why
        from change where instance = :instance and (
            state = 'failed' or (state = 'refused' and approval <> 'rejected')
            or (state in ('planned', 'approved') and verdict = 'held' and held_by = any(:checks))
            or (state = 'planned' and approval = 'waiting' and verdict = 'released'))
    ) untold where told_for is distinct from why order by step, order_number, id"""

# Reason why a change needs a person: recipients, words of the subject, and the filter with which the page Changes lists them.
_NEEDS: dict[str, tuple[str, str, str]] = {
    Approval.WAITING: ("approver", "wait for approval", "approval=waiting"),
    ChangeState.FAILED: ("it", "failed", "state=failed"),
    ChangeState.REFUSED: ("accounting", "refused", "state=refused"),
    Verdict.HELD: ("accounting", "held by a check", "verdict=held"),
}


def queue_findings(connection: Connection, instance: Instance, ui_url: str, now: datetime) -> int:
    """Queue one email per group of recipients for new and reopened findings, and mark them as mailed.

    Returns the number of emails. A finding whose change is on its way is due only after `quality.grace_minutes`.
    """
    due = [dict(row) for row in connection.execute(text(_DUE), {
        "instance": instance.id, "now": now, "since": now - timedelta(minutes=instance.quality.grace_minutes), "writes": instance.mode.any_apply,
    }).mappings()]  # fmt: skip
    if not due:
        return 0
    by_recipients: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for finding in due:
        for recipients in {recipients_of(instance, who) for who in finding["who"].split(", ")}:
            by_recipients[recipients].append(finding)
    picture = fourteen_days(connection, instance.id, now)
    mails = sum(
        bool(outbox.queue(connection, _findings_mail(instance, recipients, findings, ui_url, picture, now), now))
        for recipients, findings in by_recipients.items()
    )
    repository.mailed(connection, [finding["id"] for finding in due], now)
    return mails


def queue_held(
    connection: Connection,
    instance: Instance,
    ui_url: str,
    held_sides: Iterable[str],
    failed: Iterable[str],
    now: datetime,
) -> int:
    """Queue the email that a whole side is held, with the checks that hold it: when it begins, and once a day while it lasts.

    Returns the number of emails, 0 or 1.
    """
    subject = f"[{instance.id}] nothing is written: {', '.join(held_sides)} cannot be trusted now"
    lasting = text(
        "select exists (select 1 from mail where instance = :instance and topic = 'held' and subject = :subject"
        " and queued_at > :since)"
    )
    if connection.execute(lasting, {"instance": instance.id, "subject": subject, "since": now - _A_DAY}).scalar_one():
        return 0
    return bool(outbox.queue(connection, compose(
        instance, "held", "held.html", subject, recipients_of(instance, "it"), ui_url, now, failed=list(failed), sides=list(held_sides),
    ), now))  # fmt: skip


def held_is_over(connection: Connection, instance: Instance) -> None:
    """Record that both sides can be trusted again, so that the next hold is mailed at once."""
    outbox.rename_topic(connection, instance.id, "held", "held, over")


def queue_changes(connection: Connection, instance: Instance, ui_url: str, now: datetime) -> int:
    """Queue one email per reason for changes that need a person, each change once per reason. Returns the number of emails.

    Changes that wait for approval go to the approver, failed ones to IT, refused ones and those held by a check on their document to
    accounting.
    """
    checks = {check.name: check.meaning for check in ALL_CHECKS if check.holds is Holds.DOCUMENT}
    rows = [
        dict(row)
        for row in connection.execute(text(_UNTOLD), {"instance": instance.id, "checks": list(checks)}).mappings()
    ]
    mails = 0
    for state, (who, words, page) in _NEEDS.items():
        of_state = [row for row in rows if row["why"] == state]
        if not of_state:
            continue
        lines = _sums_of_changes(of_state)
        subject = f"[{instance.id}] {len(of_state)} change{'s' if len(of_state) > 1 else ''} {words}: " + ", ".join(
            f"{line['n']} {labels.in_sentence(line['kind'])}"
            + (f" ({money(line['amount'], line['currency'])} {line['currency']})" if line["amount"] else "")
            for line in lines[:3]
        )
        mail = compose(
            instance, f"changes_{state}", "changes.html", subject, recipients_of(instance, who), ui_url, now,
            changes=of_state[:100], sums=lines, more=max(0, len(of_state) - 100), state=state, page=page, checks=checks,
        )  # fmt: skip
        mails += bool(outbox.queue(connection, mail, now))
        changes.notified(connection, [row["id"] for row in of_state], state, now)
    return mails


def queue_failed_run(
    connection: Connection,
    instance: Instance,
    ui_url: str,
    now: datetime,
    *,
    dag: str,
    run: str,
    task: str,
    error: str,
    next_step: str,
    log_url: str,
) -> int:
    """Queue the email to IT that a task failed: one per DAG run, however many tasks fail and however often. Returns 0 or 1."""
    topic = f"run_failed {dag} {run}"
    connection.execute(text("select pg_advisory_xact_lock(hashtext(:topic))"), {"topic": topic})
    known = connection.execute(text("select exists (select 1 from mail where topic = :topic)"), {"topic": topic})
    if known.scalar_one():
        return 0
    return bool(outbox.queue(connection, failed_run_mail(
        instance, ui_url, now, topic=topic, dag=dag, run=run, task=task, error=error, next_step=next_step, log_url=log_url,
    ), now))  # fmt: skip


def failed_run_mail(
    instance: Instance, ui_url: str, now: datetime, *, topic: str, task: str, error: str, **content: Any
) -> Mail:
    """Return the email about a failed task; `error` is a sentence, `next_step` what to do (both in `content` and shown)."""
    subject = f"[{instance.id}] {content['dag']} failed in {task}: {error.splitlines()[0] if error else 'no message'}"
    return compose(
        instance,
        topic,
        "failed_run.html",
        subject,
        recipients_of(instance, "it"),
        ui_url,
        now,
        task=task,
        error=error,
        **content,
    )


def _sums_of_changes(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per kind and currency: count and sum in units of 1/10000. Currencies are never added."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for change in changes:
        groups[(change["kind"], change["currency"])].append(change["amount"])
    return [
        {"kind": kind, "currency": currency, "amount": sum(amounts), "n": len(amounts)}
        for (kind, currency), amounts in groups.items()
    ]


def queue_digest(connection: Connection, instance: Instance, ui_url: str, now: datetime) -> int:
    """Queue the daily digest of open findings and those resolved in the last 24 hours; nothing when there are none. Returns 0 or 1."""
    findings = _all(
        connection, "resolved_at is null and severity <> 'info' and coalesce(muted_until, :now) <= :now", instance, now
    )
    resolved = _all(connection, "resolved_at > :since", instance, now)
    if not findings and not resolved:
        return 0
    subject = f"[{instance.id}] digest: {len(findings)} open, {len(resolved)} resolved since yesterday"
    return bool(outbox.queue(connection, compose(
        instance, "digest", "findings.html", subject, recipients_of(instance, "accounting"), ui_url, now, findings=findings[:200],
        resolved=resolved[:100], sums=sums(findings), more=max(0, len(findings) - 200), csv=to_csv(findings),
        picture=fourteen_days(connection, instance.id, now),
    ), now))  # fmt: skip


def queue_statement(
    connection: Connection,
    instance: Instance,
    ui_url: str,
    now: datetime,
    subject: str,
    attached: Mapping[str, Any],
    **content: Any,
) -> int:
    """Queue the email of a monthly statement to accounting. Returns the number of emails.

    `attached` has the keys csv, csv_name, pdf and pdf_name.
    """
    mail = compose(
        instance, "statement", "statement.html", subject, recipients_of(instance, "accounting"), ui_url, now, **content
    )
    return bool(outbox.queue(connection, replace(mail, **attached), now))


def subject_of(instance: str, findings: list[dict[str, Any]]) -> str:
    """Return the subject: `[us] 3 invoices differ by 41.20 USD, 2 shipments missing in Magento`.

    Findings are counted per type and kind, the three largest groups are named. Amounts are absolute and never added over currencies;
    the net sum is added where it differs from the absolute one.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for finding in findings:
        groups[(finding["type"], finding["kind"])].append(finding)
    parts = [
        _phrase(type_, kind, group) for (type_, kind), group in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
    shown = ", ".join(parts[:3]) + (f" and {len(parts) - 3} more kinds" if len(parts) > 3 else "")
    return f"[{instance}] {shown}"


def sums(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return one row per currency, all values text: count of findings with amounts, absolute and net sum of their differences."""
    absolute: dict[str, int] = defaultdict(int)
    net: dict[str, int] = defaultdict(int)
    count: dict[str, int] = defaultdict(int)
    for finding in findings:
        difference = stake(finding)
        if difference and finding["currency"]:
            absolute[finding["currency"]] += abs(difference)
            net[finding["currency"]] += difference
            count[finding["currency"]] += 1
    return [
        {
            "currency": name,
            "count": str(count[name]),
            "absolute": money(absolute[name], name),
            "net": money(net[name], name),
        }
        for name in sorted(absolute)
    ]


def stake(finding: Mapping[str, Any]) -> int:
    """Return the amount at stake in units of 1/10000: the difference, or the whole document if it is missing on one side."""
    if finding["difference"] is not None:
        return int(finding["difference"])
    return int(finding["odoo_amount"] or 0) - int(finding["magento_amount"] or 0)


def _phrase(type_: str, kind: str, group: list[dict[str, Any]]) -> str:
    word = labels.in_sentence(kind) + ("s" if len(group) != 1 else "")
    amounts = ", ".join(
        f"{entry['absolute']} {entry['currency']}"
        + ("" if entry["absolute"] == entry["net"].lstrip("-") else f" (net {entry['net']})")
        for entry in sums(group)
    )
    if type_ in (FindingType.MISSING_IN_ODOO, FindingType.MISSING_IN_MAGENTO):
        return f"{len(group)} {word} {labels.label(type_)}" + (f" ({amounts})" if amounts else "")
    if type_ == FindingType.TOTAL_MISMATCH:
        return f"{len(group)} {word} {'differs' if len(group) == 1 else 'differ'} by {amounts or '0.00'}"
    return f"{len(group)} {word}: {labels.in_sentence(type_)}" + (f" ({amounts})" if amounts else "")


def _findings_mail(
    instance: Instance,
    recipients: tuple[str, ...],
    findings: list[dict[str, Any]],
    ui_url: str,
    picture: bytes,
    now: datetime,
) -> Mail:
    many = len(findings) > instance.quality.summary_above
    return compose(
        instance, "findings", "findings.html", subject_of(instance.id, findings), recipients, ui_url, now,
        findings=findings[:20] if many else findings, resolved=[], sums=sums(findings), more=len(findings) - 20 if many else 0,
        csv=to_csv(findings), picture=picture,
    )  # fmt: skip


def compose(
    instance: Instance, topic: str, template: str, subject: str, recipients: tuple[str, ...], ui_url: str,
    now: datetime, *, csv: str | None = None, picture: bytes | None = None, **content: Any,
) -> Mail:  # fmt: skip
    """Return the email that `template` and its plain-text twin render; `content` holds the variables of the template."""
    content |= {
        "instance": instance,
        "subject": subject,
        "ui_url": ui_url.rstrip("/"),
        "picture": picture is not None,
        "now": now,
    }
    return Mail(
        topic=topic,
        recipients=recipients,
        subject=subject,
        html=templates(autoescape=True).get_template(template).render(content),
        plain=templates(autoescape=False).get_template(template.replace(".html", ".txt")).render(content),
        instance=instance.id,
        csv_name=f"{topic}-{instance.id}.csv" if csv is not None else None,
        csv=csv,
        picture=picture,
    )


def recipients_of(instance: Instance, who: str) -> tuple[str, ...]:
    """Return the recipients for the role `who`; without a list of its own those of accounting, else IT, else warehouse."""
    lists = instance.recipients
    own: tuple[str, ...] = getattr(lists, who, ())
    return own or lists.accounting or lists.it or lists.warehouse


def _all(connection: Connection, where: str, instance: Instance, now: datetime) -> list[dict[str, Any]]:
    query = f"select * from finding where instance = :instance and {where} order by severity, type, order_number, id"
    values = {"instance": instance.id, "now": now, "since": now - _A_DAY}
    return [dict(row) for row in connection.execute(text(query), values).mappings()]


@cache
def templates(*, autoescape: bool) -> Environment:
    """Return the environment of the emails' templates; every value is shown with escapes for what nobody sees."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=autoescape,  # noqa: S701 - the plain-text parts are no HTML
        undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=with_escapes,
    )  # fmt: skip
    made.filters["money"] = money
    made.filters["label"] = labels.in_sentence
    made.filters["day"] = lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
    return made


THRESHOLDS = (30, 14, 7, 3, 1)
"""Days before the expiry at which an email is sent, once each."""


def queue_key_expiry(
    connection: Connection, instance: Instance, ui_url: str, expires: date | None, now: datetime
) -> int:
    """Queue the email when the first API key to expire is nearer than the next threshold. Returns the number of emails.

    Instances that share an Odoo connection share these emails. `expires` is a UTC day; `expires` None: no key expires.
    """
    days = (expires - now.date()).days if expires else None
    reached = [threshold for threshold in THRESHOLDS if days is not None and days <= threshold]
    if not reached:
        return 0
    topic = f"key_expiry {instance.odoo_connection} {expires} {min(reached)}"
    connection.execute(text("select pg_advisory_xact_lock(hashtext(:topic))"), {"topic": topic})
    known = connection.execute(text("select exists (select 1 from mail where topic = :topic)"), {"topic": topic})
    if known.scalar_one():
        return 0
    when = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
    subject = f"[{instance.id}] the API key of {instance.odoo_connection} expires on {expires}, {when}"
    mail = compose(
        instance,
        topic,
        "key_expiry.html",
        subject,
        recipients_of(instance, "it"),
        ui_url,
        now,
        expires=expires,
        when=when,
    )
    return bool(outbox.queue(connection, mail, now))
