"""What is mailed, to whom, and when: new and reopened findings at once, changes that need a person, the daily digest, keys that expire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection, text

from magodoo.notifications import outbox
from magodoo.notifications.chart import fourteen_days
from magodoo.notifications.csv_export import money, to_csv
from magodoo.notifications.outbox import Mail
from magodoo.quality.all_checks import ALL_CHECKS
from magodoo.quality.checks import Holds
from magodoo.settings import Instance

_DUE = """
    select f.*, c.state as change_state, c.verdict, c.approval from finding f left join change c on c.id = f.change_id
    where f.instance = :instance and f.resolved_at is null and f.severity <> 'info'
        and (f.muted_until is null or f.muted_until <= now())
        and (f.mailed_at is null or f.reopened_at > f.mailed_at)
        and not (coalesce(c.state, '') in ('planned', 'approved', 'leased', 'done') and coalesce(c.verdict, '') <> 'held'
            and coalesce(c.approval, '') <> 'rejected' and :writes and f.type <> 'will_ship_too_much'
            and coalesce(f.reopened_at, f.first_seen) > now() - make_interval(mins => :grace))
    order by case f.severity when 'critical' then 0 else 1 end, f.type, f.order_number, f.id"""

# A change that a whole side's check holds has its own mail (`queue_held`); one that a person rejected needs nobody any more.
_UNTOLD = """
    select * from (
        select *, case when state in ('failed', 'refused') then state when verdict = 'held' then 'held' else 'waiting' end as why
        from change where instance = :instance and (
            state = 'failed' or (state = 'refused' and approval <> 'rejected')
            or (state in ('planned', 'approved') and verdict = 'held' and held_by = any(:checks))
            or (state = 'planned' and approval = 'waiting' and verdict = 'released'))
    ) untold where told_for is distinct from why order by step, order_number, id"""

# Why a change needs a person: who is told, in which words, and the filter of the page Changes that shows them.
_NEEDS = {
    "waiting": ("approver", "wait for approval", "approval=waiting"),
    "failed": ("it", "failed", "state=failed"),
    "refused": ("accounting", "refused", "state=refused"),
    "held": ("accounting", "held by a check", "verdict=held"),
}


def queue_findings(connection: Connection, instance: Instance, ui_url: str) -> int:
    """Queues one mail per group of recipients for what is new; marks the findings as mailed. Returns the number of mails."""
    due = [dict(row) for row in connection.execute(text(_DUE), {
        "instance": instance.id, "grace": instance.quality.grace_minutes, "writes": instance.mode.any_apply,
    }).mappings()]  # fmt: skip
    if not due:
        return 0
    by_recipients: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for finding in due:
        for recipients in {recipients_of(instance, who) for who in finding["who"].split(", ")}:
            by_recipients[recipients].append(finding)
    picture = fourteen_days(connection, instance.id)
    mails = sum(
        bool(outbox.queue(connection, _findings_mail(instance, recipients, findings, ui_url, picture)))
        for recipients, findings in by_recipients.items()
    )
    connection.execute(
        text("update finding set mailed_at = now() where id = any(:ids)"), {"ids": [finding["id"] for finding in due]}
    )
    return mails


def queue_held(
    connection: Connection, instance: Instance, ui_url: str, held_sides: Iterable[str], failed: Iterable[str]
) -> int:
    """The mail that a whole side is held, and by which checks: once when it begins, and once a day while it lasts."""
    subject = f"[{instance.id}] nothing is written: {', '.join(held_sides)} cannot be trusted now"
    lasting = text(
        "select exists (select 1 from mail where instance = :instance and topic = 'held' and subject = :subject"
        " and queued_at > now() - interval '1 day')"
    )
    if connection.execute(lasting, {"instance": instance.id, "subject": subject}).scalar_one():
        return 0
    return bool(outbox.queue(connection, compose(
        instance, "held", "held.html", subject, recipients_of(instance, "it"), ui_url, failed=list(failed), sides=list(held_sides),
    )))  # fmt: skip


def held_is_over(connection: Connection, instance: Instance) -> None:
    """Both sides can be trusted again: the next time that one is held is told at once."""
    connection.execute(
        text("update mail set topic = 'held, over' where instance = :instance and topic = 'held'"),
        {"instance": instance.id},
    )


def queue_changes(connection: Connection, instance: Instance, ui_url: str) -> int:
    """The mails about changes that need a person: what waits for approval (to the approver), what failed (to IT), what was
    refused or is held by a check on its document (to accounting); each once. Returns the number of mails."""
    checks = {check.name: check.meaning for check in ALL_CHECKS if check.holds is Holds.DOCUMENT}
    rows = [
        dict(row)
        for row in connection.execute(text(_UNTOLD), {"instance": instance.id, "checks": list(checks)}).mappings()
    ]
    mails = 0
    for state, (who, words, page) in _NEEDS.items():
        told = [row for row in rows if row["why"] == state]
        if not told:
            continue
        lines = _sums_of_changes(told)
        subject = f"[{instance.id}] {len(told)} change{'s' if len(told) > 1 else ''} {words}: " + ", ".join(
            f"{line['n']} {line['kind'].replace('_', ' ')}"
            + (f" ({money(line['amount'], line['currency'])} {line['currency']})" if line["amount"] else "")
            for line in lines[:3]
        )
        mail = compose(
            instance, f"changes_{state}", "changes.html", subject, recipients_of(instance, who), ui_url,
            changes=told[:100], sums=lines, more=max(0, len(told) - 100), state=state, page=page, checks=checks,
        )  # fmt: skip
        mails += bool(outbox.queue(connection, mail))
        connection.execute(
            text("update change set told_at = now(), told_for = :state where id = any(:ids)"),
            {"state": state, "ids": [row["id"] for row in told]},
        )
    return mails


def queue_failed_run(
    connection: Connection, instance: Instance, ui_url: str, *, dag: str, run: str, task: str, error: str, log_url: str
) -> int:
    """The mail that a task failed, to IT: one for a DAG run, however many of its tasks fail and however often they are tried."""
    topic = f"run_failed {dag} {run}"
    connection.execute(text("select pg_advisory_xact_lock(hashtext(:topic))"), {"topic": topic})
    known = connection.execute(text("select exists (select 1 from mail where topic = :topic)"), {"topic": topic})
    if known.scalar_one():
        return 0
    return bool(outbox.queue(connection, failed_run_mail(
        instance, ui_url, topic=topic, dag=dag, run=run, task=task, error=error, log_url=log_url,
    )))  # fmt: skip


def failed_run_mail(instance: Instance, ui_url: str, *, topic: str, task: str, error: str, **content: Any) -> Mail:
    """The mail itself; `error` is the message of what made the task fail, which names the document and the next step."""
    subject = f"[{instance.id}] {content['dag']} failed in {task}: {error.splitlines()[0] if error else 'no message'}"
    return compose(
        instance,
        topic,
        "failed_run.html",
        subject,
        recipients_of(instance, "it"),
        ui_url,
        task=task,
        error=error,
        **content,
    )


def _sums_of_changes(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per kind and currency: how many, and their sum in units. Currencies are never added."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for change in changes:
        groups[(change["kind"], change["currency"])].append(change["amount"])
    return [
        {"kind": kind, "currency": currency, "amount": sum(amounts), "n": len(amounts)}
        for (kind, currency), amounts in groups.items()
    ]


def queue_digest(connection: Connection, instance: Instance, ui_url: str) -> int:
    """The daily digest: what is open, what was resolved in the last day. Nothing when there is neither."""
    findings = _all(
        connection, "resolved_at is null and severity <> 'info' and coalesce(muted_until, now()) <= now()", instance
    )
    resolved = _all(connection, "resolved_at > now() - interval '1 day'", instance)
    if not findings and not resolved:
        return 0
    subject = f"[{instance.id}] digest: {len(findings)} open, {len(resolved)} resolved since yesterday"
    return bool(outbox.queue(connection, compose(
        instance, "digest", "findings.html", subject, recipients_of(instance, "accounting"), ui_url, findings=findings[:200],
        resolved=resolved[:100], sums=sums(findings), more=max(0, len(findings) - 200), csv=to_csv(findings),
        picture=fourteen_days(connection, instance.id),
    )))  # fmt: skip


def queue_statement(
    connection: Connection, instance: Instance, ui_url: str, subject: str, attached: Mapping[str, Any], **content: Any
) -> int:
    """The mail of a monthly statement, to accounting. `attached`: csv, csv_name, pdf, pdf_name. Returns the number of mails."""
    mail = compose(
        instance, "statement", "statement.html", subject, recipients_of(instance, "accounting"), ui_url, **content
    )
    return bool(outbox.queue(connection, replace(mail, **attached)))


def subject_of(instance: str, findings: list[dict[str, Any]]) -> str:
    """`[us] 3 invoices differ by 41.20 USD, 2 shipments missing in Magento`: counts per kind and what is wrong, sums never added
    over currencies; the net sum is told when it is another than the absolute one."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for finding in findings:
        groups[(finding["type"], finding["kind"])].append(finding)
    parts = [
        _phrase(type_, kind, group) for (type_, kind), group in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
    shown = ", ".join(parts[:3]) + (f" and {len(parts) - 3} more kinds" if len(parts) > 3 else "")
    return f"[{instance}] {shown}"


def sums(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Per currency: how many findings have amounts, the absolute and the net sum of their differences."""
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
    """What the finding moves in the books: the difference, or the whole document when one side lacks it."""
    if finding["difference"] is not None:
        return int(finding["difference"])
    return int(finding["odoo_amount"] or 0) - int(finding["magento_amount"] or 0)


def _phrase(type_: str, kind: str, group: list[dict[str, Any]]) -> str:
    word = kind.replace("_", " ") + ("s" if len(group) != 1 else "")
    amounts = ", ".join(
        f"{entry['absolute']} {entry['currency']}"
        + ("" if entry["absolute"] == entry["net"].lstrip("-") else f" (net {entry['net']})")
        for entry in sums(group)
    )
    if type_.startswith("missing_in_"):
        return f"{len(group)} {word} missing in {type_.removeprefix('missing_in_').title()}" + (
            f" ({amounts})" if amounts else ""
        )
    if type_ == "total_mismatch":
        return f"{len(group)} {word} {'differs' if len(group) == 1 else 'differ'} by {amounts or '0.00'}"
    return f"{len(group)} {word}: {type_.replace('_', ' ')}" + (f" ({amounts})" if amounts else "")


def _findings_mail(
    instance: Instance, recipients: tuple[str, ...], findings: list[dict[str, Any]], ui_url: str, picture: bytes
) -> Mail:
    many = len(findings) > instance.quality.summary_above
    return compose(
        instance, "findings", "findings.html", subject_of(instance.id, findings), recipients, ui_url,
        findings=findings[:20] if many else findings, resolved=[], sums=sums(findings), more=len(findings) - 20 if many else 0,
        csv=to_csv(findings), picture=picture,
    )  # fmt: skip


def compose(
    instance: Instance, topic: str, template: str, subject: str, recipients: tuple[str, ...], ui_url: str,
    *, csv: str | None = None, picture: bytes | None = None, **content: Any,
) -> Mail:  # fmt: skip
    """A mail of a template of this folder and its plain twin; `content` is what the template names."""
    content |= {
        "instance": instance,
        "subject": subject,
        "ui_url": ui_url.rstrip("/"),
        "picture": picture is not None,
        "now": datetime.now(UTC),
    }
    return Mail(
        topic=topic,
        recipients=recipients,
        subject=subject,
        html=_templates(autoescape=True).get_template(template).render(content),
        plain=_templates(autoescape=False).get_template(template.replace(".html", ".txt")).render(content),
        instance=instance.id,
        csv_name=f"{topic}-{instance.id}.csv" if csv is not None else None,
        csv=csv,
        picture=picture,
    )


def recipients_of(instance: Instance, who: str) -> tuple[str, ...]:
    """The people for `who`; without a list of their own, all that there are."""
    lists = instance.recipients
    own: tuple[str, ...] = getattr(lists, who, ())
    return own or lists.accounting or lists.it or lists.warehouse


def _all(connection: Connection, where: str, instance: Instance) -> list[dict[str, Any]]:
    query = f"select * from finding where instance = :instance and {where} order by severity, type, order_number, id"
    return [dict(row) for row in connection.execute(text(query), {"instance": instance.id}).mappings()]


@cache
def _templates(*, autoescape: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=autoescape,  # noqa: S701 - the plain-text parts are no HTML
        undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["money"] = money
    made.filters["words"] = lambda value: str(value).replace("_", " ")
    made.filters["day"] = lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
    return made


THRESHOLDS = (30, 14, 7, 3, 1)
"""Days before the expiry at which a person is told, each once."""


def queue_key_expiry(connection: Connection, instance: Instance, ui_url: str, expires: date | None, today: date) -> int:
    """Queues the mail when the earliest key of the connection's user has come nearer than the next threshold.

    Instances that share a connection share its mails. `expires` and `today` are UTC days. Returns the number of mails.
    """
    days = (expires - today).days if expires else None
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
        expires=expires,
        when=when,
    )
    return bool(outbox.queue(connection, mail))
