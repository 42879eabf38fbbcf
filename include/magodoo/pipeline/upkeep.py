"""Upkeep: delete what is old, and erase a customer from everything that is kept."""

from __future__ import annotations

import email as mail_parser
import html
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from email import policy
from pathlib import Path

from more_itertools import chunked
from sqlalchemy import Connection, Engine

from magodoo import decision_log
from magodoo.decision_log import Decision, Entry
from magodoo.erasing import BLANK
from magodoo.errors import BadSettings, TransientError
from magodoo.ledger import changes, decisions
from magodoo.ledger.changes import Changes
from magodoo.notifications import alerts, outbox
from magodoo.pipeline.data_docs import docs_root, prune
from magodoo.reconcile import repository
from magodoo.settings import Settings
from magodoo.staging import documents, quarantine, retention, runs, sales_lines

BATCH = 500


def forget_old(engine: Engine, settings: Settings, now: datetime) -> int:
    """Erase personal data of orders without activity for `personal_days`. Returns the number of orders."""
    forgotten, before = 0, now - timedelta(days=settings.personal_days)
    for instance in settings.instances.values():
        with engine.connect() as connection:
            keys = retention.orders_untouched(connection, instance.id, before)
            busy = set(Changes(connection, instance.id).open_of(keys)[1])
        keys = [key for key in keys if key not in busy]
        for part in chunked(keys, BATCH):
            _erase(engine, instance.id, part, [], "retention", now)
            forgotten += len(part)
    return forgotten


def _erase(
    engine: Engine, instance: str, keys: Sequence[str], more: Sequence[str], who: str, now: datetime
) -> Counter[str]:
    if not keys:
        return Counter()
    with engine.begin() as connection:
        planned, under_way = Changes(connection, instance).open_of(keys)
        if under_way:
            raise TransientError(
                f"changes of {len(under_way)} orders are under way", hint="let them end (see Changes), then again"
            )
        decisions.reject(connection, planned, who, "the customer was erased", now)
        words = [*more, *retention.words_of(connection, instance, keys)]
        counts = _erase_in_tables(connection, instance, keys, words)
        orders = [Entry(instance, "order_work", key, key, {}, {"erased": True}) for key in keys]
        decision_log.record(connection, Decision.ERASE, who, orders)
    counts.update(orders=len(keys), rejected=len(planned), docs=_out_of_docs(docs_root() / instance, words))
    counts.update(mail_copies=_out_of_mail_copies(Path(os.environ.get("MAGODOO_VAR", "var")) / "mail", words))
    return counts


def _erase_in_tables(connection: Connection, instance: str, keys: Sequence[str], words: Sequence[str]) -> Counter[str]:
    """Let the owner of each table blank the orders, and the words in every text that contains them; return row counts by table."""
    return Counter(
        {
            "erased": retention.remember(connection, instance, keys),
            "quarantine": quarantine.erase(connection, instance, keys, words),
            **documents.erase(connection, instance, keys),
            "listed": sales_lines.refresh(connection, instance, keys),
            **Changes(connection, instance).erase(keys, words),
            "finding": repository.erase(connection, words),
            "run": runs.erase(connection, words),
            "mail": outbox.erase(connection, words),
        }
    )


def _out_of_docs(folder: Path, words: Sequence[str]) -> int:
    """Replace the words in the Data Docs; returns the number of changed files."""
    if not words:
        return 0
    found = _pattern([each for word in words for each in (word, html.escape(word))])
    changed = 0
    for file in _files(folder, (".html", ".json")):
        content = file.read_text(encoding="utf-8", errors="surrogateescape")
        blanked = found.sub(BLANK, content)
        if blanked != content:
            file.write_text(blanked, encoding="utf-8", errors="surrogateescape")
            changed += 1
    return changed


def _out_of_mail_copies(folder: Path, words: Sequence[str]) -> int:
    """Delete copies of emails that contain the words; returns their number."""
    if not words:
        return 0
    found, deleted = _pattern([each for word in words for each in (word, html.escape(word))]), 0
    for file in _files(folder, (".eml",)):
        message = mail_parser.message_from_bytes(file.read_bytes(), policy=policy.default)
        parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
        if any(found.search(each) for each in [*parts, str(message["subject"]), str(message["to"])]):
            file.unlink()
            deleted += 1
    return deleted


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [file for file in folder.rglob("*") if file.suffix in suffixes and file.is_file()]


def erase_customer(
    engine: Engine,
    settings: Settings,
    *,
    email: str = "",
    customer_id: str = "",
    orders: Collection[str] = (),
    who: str,
    now: datetime,
) -> dict[str, int]:
    """Erase the customer with this email address, Magento customer id or these order numbers, in all instances. Returns counts.

    Planned changes of these orders are rejected in the name of `who`. Raises BadSettings when nothing identifies a customer, TransientError
    while a change of one of the orders is being written.
    """
    if not (email.strip() or customer_id or orders):
        raise BadSettings("nobody is named", hint="give an e-mail, a Magento customer id or order numbers")
    counts: Counter[str] = Counter(orders=0)
    for instance in settings.instances.values():
        with engine.connect() as connection:
            keys = retention.orders_of(connection, instance.id, email, customer_id, orders)
        counts.update(_erase(engine, instance.id, keys, [email] if email else [], who, now))
    return dict(counts)


def run(engine: Engine, settings: Settings, now: datetime) -> dict[str, int]:
    """Queue the digests, and delete what is old.

    Deleted are data older than `payload_days`, personal data older than `personal_days`, evidence older than `evidence_days`, and old Data
    Docs.

    Returns counts: digests, payloads, quarantined, requests, evidence, mails, runs, docs, forgotten (orders).
    """
    counts = {"digests": 0, "docs": 0}
    before = now - timedelta(days=settings.payload_days)
    with engine.begin() as connection:
        for instance in settings.instances.values():
            counts["digests"] += alerts.queue_digest(connection, instance, settings.ui_url, now)
        counts["payloads"] = documents.forget(connection, before)
        counts["quarantined"] = quarantine.forget(connection, before)
        counts["requests"] = changes.forget(connection, before)
        counts["evidence"] = changes.forget_evidence(connection, now - timedelta(days=settings.evidence_days))
        counts["mails"] = outbox.forget(connection, before)
        counts["runs"] = runs.forget(connection, before)
    counts["forgotten"] = forget_old(engine, settings, now)
    for instance in settings.instances.values():
        counts["docs"] += prune(docs_root() / instance.id, now - timedelta(days=instance.quality.data_docs_days))
    return counts
