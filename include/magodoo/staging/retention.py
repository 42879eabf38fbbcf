"""Find the orders whose personal data is to be erased, and remember those that are. Owner of table erased."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from magodoo.characters import escaped, visible

SHORTEST = 4  # characters; shorter words would match in unrelated texts


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


def orders_untouched(connection: Connection, instance: str, before: datetime) -> list[str]:
    """Return the keys of orders that still hold a name and whose documents all changed last before this time."""
    return list(
        connection.execute(
            text("""select order_key from document where instance = :instance and order_key is not null
                group by order_key having max(coalesce(updated_at, created_at, staged_at)) < :before
                    and count(coalesce(customer_name, customer_email, customer_phone, ship_to_name)) > 0 order by 1"""),
            {"instance": instance, "before": before},
        ).scalars()
    )


def words_of(connection: Connection, instance: str, order_keys: Sequence[str]) -> list[str]:
    """Return names, e-mails and phones that texts about these orders may contain, as sent, cleaned and with escapes, longest first."""
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
    forms = {form for value in values for form in (str(value), visible(str(value)), escaped(str(value)))}
    return sorted(forms, key=len, reverse=True)


def remember(connection: Connection, instance: str, order_keys: Sequence[str]) -> int:
    """Remember that these orders are erased: `documents.stage` blanks what is read of them later. Return how many are new."""
    statement = "insert into erased (instance, order_key) select :instance, unnest(:orders) on conflict do nothing"
    return connection.execute(text(statement), {"instance": instance, "orders": list(order_keys)}).rowcount
