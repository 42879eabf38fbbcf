"""Erase personal data in every table: of one customer's orders, or of old orders. Owner of table erased.

Numbers and amounts are kept. An erased order is remembered, so that a later read of it is blanked as well.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import BEGUN, NOT_BEGUN
from magodoo.staging import sales_lines

BLANK = "(erased)"
SHORTEST = 4  # characters; shorter words would match in unrelated texts
_PERSON = ("customer_name", "customer_email", "customer_phone", "ship_to_name")
_TEXTS = (  # tables and columns whose texts may contain a name
    ("finding", ("message", "effect", "next_step", "magento_value", "odoo_value", "no_change_reason", "part")),
    ("change", ("reason", "approval_reason")),
    ("quarantine", ("reason", "payload")),
    ("run", ("message",)),
    ("mail", ("subject", "html", "plain", "csv")),
)


def orders_of(
    connection: Connection, instance: str, email: str, customer_id: str, numbers: Collection[str]
) -> list[str]:
    """Return the keys of a customer's orders, by e-mail, Magento customer id or order numbers, on either side."""
    return list(
        connection.execute(
            text("""select distinct order_key from document where instance = :instance and order_key is not null and (
                (:email <> '' and (lower(customer_email) = :email or lower(customer_key) = :email))
                or (:customer <> '' and side = 'magento' and customer_key = :customer)
                or (kind = 'order' and side = 'magento' and number = any(:numbers))) order by 1"""),
            {"instance": instance, "email": email.strip().lower(), "customer": customer_id, "numbers": list(numbers)},
        ).scalars()
    )


def orders_untouched(connection: Connection, instance: str, age: timedelta) -> list[str]:
    """Return the keys of orders that still hold a name and none of whose documents changed within `age`."""
    return list(
        connection.execute(
            text("""select order_key from document where instance = :instance and order_key is not null
                group by order_key having max(coalesce(updated_at, created_at, staged_at)) < now() - :age
                    and count(coalesce(customer_name, customer_email, customer_phone, ship_to_name)) > 0 order by 1"""),
            {"instance": instance, "age": age},
        ).scalars()
    )


def words_of(connection: Connection, instance: str, order_keys: Sequence[str]) -> list[str]:
    """Return names, e-mails and phones that texts about these orders may contain, longest first."""
    values = connection.execute(
        text("""select distinct w from document cross join lateral unnest(array[customer_name, customer_email, customer_phone,
                ship_to_name]) w where instance = :instance and order_key = any(:orders) and length(w) >= :shortest
            union select distinct w from payload p join document d using (instance, side, kind, source_id)
                cross join lateral jsonb_path_query(p.payload::jsonb, '$.**') v
                cross join lateral unnest(array[v ->> 'firstname' || ' ' || (v ->> 'lastname'), v ->> 'telephone', v ->> 'email',
                    v ->> 'customer_email', v ->> 'company']) w
                where d.instance = :instance and d.order_key = any(:orders) and length(w) >= :shortest"""),
        {"instance": instance, "orders": list(order_keys), "shortest": SHORTEST},
    ).scalars()
    return sorted({str(value) for value in values}, key=len, reverse=True)


def erase(connection: Connection, instance: str, order_keys: Sequence[str], words: Sequence[str]) -> dict[str, int]:
    """Blank the orders in every table, and `words` in every text that contains them. Returns row counts by table."""
    where = {"instance": instance, "orders": list(order_keys), "blank": BLANK}
    own = "instance = :instance and order_key = any(:orders)"
    sources = f"(instance, side, kind, source_id) in (select instance, side, kind, source_id from document where {own})"
    statements = {
        "erased": "insert into erased (instance, order_key) select :instance, unnest(:orders) on conflict do nothing",
        "payload": f"update payload set payload = null where payload is not null and {sources}",
        "quarantine": f"update quarantine set payload = null where {sources}",
        "change_body": f"""update change_body set request = null, calls = null, before = null, after = null
            where change_id in (select id from change where {own})""",
        "document": f"update document set {_blanked('details')} where {own}",
    }
    counts = {name: connection.execute(text(statement), where).rowcount for name, statement in statements.items()}
    counts["listed"] = sales_lines.refresh(connection, instance, order_keys)
    for table, columns in _TEXTS:
        counts[table] = counts.get(table, 0) + _replace(connection, table, columns, words)
    return counts


def keep_erased(connection: Connection, instance: str) -> None:
    """Blank what `stage` has just written of erased orders. Call it before the transaction ends."""
    if not connection.execute(
        text("select exists (select 1 from erased where instance = :instance)"), {"instance": instance}
    ).scalar_one():
        return
    erased = """select distinct e.instance, e.order_key from incoming i join document d using (instance, side, kind, source_id)
        join erased e on e.instance = d.instance and e.order_key = d.order_key"""
    connection.execute(text(f"update document set {_blanked('details')} where (instance, order_key) in ({erased})"))
    connection.execute(
        text(f"""update payload set payload = null where (instance, side, kind, source_id) in (
            select instance, side, kind, source_id from document where (instance, order_key) in ({erased}))""")
    )


def open_changes(connection: Connection, instance: str, order_keys: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return the ids of changes that are planned or approved, and the keys of orders with a change in progress.

    A change in progress (leased or uncertain) must end first.
    """
    rows = connection.execute(
        text("""select id, order_key, state from change where instance = :instance and order_key = any(:orders)
            and state in ('planned', 'approved', 'leased', 'uncertain')"""),
        {"instance": instance, "orders": list(order_keys)},
    ).all()
    planned = [row.id for row in rows if row.state in NOT_BEGUN]
    return planned, sorted({row.order_key for row in rows if row.state in BEGUN})


def _blanked(details: str) -> str:
    blanks = ", ".join(f"{column} = null" for column in _PERSON)
    key = "customer_key = case when customer_key like '%@%' then null else customer_key end"  # an id is a number and stays
    return f"{blanks}, {key}, details = {details} - 'customer_id'"


def _replace(connection: Connection, table: str, columns: Sequence[str], words: Sequence[str]) -> int:
    """Replace words in texts, as they are and HTML-escaped, ignoring case; return how many rows changed."""
    changed = 0
    sets = ", ".join(f"{column} = regexp_replace({column}, :pattern, :blank, 'gi')" for column in columns)
    found = " or ".join(f"position(:word in lower({column})) > 0" for column in columns)
    spelled = dict.fromkeys(each for name in words for each in (name, html.escape(name)))
    for word in spelled:
        values = {"word": word.lower(), "pattern": re.escape(word), "blank": BLANK}
        changed += connection.execute(text(f"update {table} set {sets} where {found}"), values).rowcount
    return changed
