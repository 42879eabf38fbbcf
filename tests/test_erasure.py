"""A customer is erased everywhere, stays erased when the shop still sends the name, and old names go by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from shop_and_books import ShopAndBooks
from sqlalchemy import Engine, text

from magodoo.domain.vocabulary import Side
from magodoo.errors import BadSettings, TransientError
from magodoo.notifications import outbox
from magodoo.pipeline import extract, upkeep
from magodoo.settings import Settings
from magodoo.timestamps import utc_now
from magodoo_devstack.mail import Keeper
from magodoo_sandbox.magento import Address

ANN = Address(
    firstname="Annegret", lastname="Quastenflosser", email="annegret@quastenflosser.example", telephone="+49 40 5550177"
)
BEN = Address(
    firstname="Benedikt", lastname="Zwetschgenmus", email="ben@zwetschgenmus.example", telephone="+49 30 5550188"
)
TRACES = ("annegret", "quastenflosser", "5550177")


@pytest.fixture
def files(pair: ShopAndBooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data Docs and mail copies of one's own."""
    monkeypatch.setenv("MAGODOO_DATA_DOCS", str(tmp_path / "data_docs"))
    monkeypatch.setenv("MAGODOO_VAR", str(tmp_path))
    page = tmp_path / "data_docs" / pair.instance.id / "run" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<td>{ANN.email}</td><td>{BEN.email}</td>")
    folder = tmp_path / "mail"
    Keeper(folder)
    head = "From: a@example.com\nTo: b@example.com\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    import base64

    for name, person in (("ann", ANN), ("ben", BEN)):
        body = base64.b64encode(f"{person.firstname} {person.lastname} waits".encode()).decode()
        (folder / f"{name}.eml").write_text(f"Subject: findings\n{head}{body}\n")
    return tmp_path


def test_an_erased_customer_is_absent_from_every_table_and_file_and_does_not_return(
    pair: ShopAndBooks, files: Path
) -> None:
    orders = {
        person.email: pair.shop.place_order(_cart(), payment="banktransfer", billing=person) for person in (ANN, BEN)
    }
    for order in orders.values():
        pair.shop.invoice(order)
    pair.run()
    _mention(pair, ANN, BEN)
    before = _tables_with(pair.engine, *TRACES)
    assert {"document", "payload", "change_body", "mail", "finding", "quarantine", "listed_invoice"} <= before.keys()
    amounts = _amounts(pair.engine, orders[ANN.email])

    counts = upkeep.erase_customer(pair.engine, _settings(pair), email=ANN.email.upper(), who="dpo", now=utc_now())

    assert counts["orders"] == 1
    assert counts["docs"] == counts["mail_copies"] == 1
    assert _tables_with(pair.engine, *TRACES) == {}
    assert _files_with(files, *TRACES) == []
    assert [file.name for file in (files / "mail").glob("*.eml")] == ["ben.eml"]
    assert _amounts(pair.engine, orders[ANN.email]) == amounts
    assert {"document", "payload", "mail"} <= _tables_with(pair.engine, "zwetschgenmus").keys()
    assert "zwetschgenmus" in (files / "data_docs" / pair.instance.id / "run" / "index.html").read_text().lower()

    pair.shop.ship(orders[ANN.email])  # the shop still knows the name, and the order is read again
    for side in Side:
        extract.run(pair.context(), side)
    pair.run()
    assert _tables_with(pair.engine, *TRACES) == {}


def test_erasure_requires_an_e_mail_address(pair: ShopAndBooks) -> None:
    with pytest.raises(BadSettings, match="nobody is named"):
        upkeep.erase_customer(pair.engine, _settings(pair), email="  ", who="dpo", now=utc_now())
    assert upkeep.erase_customer(
        pair.engine, _settings(pair), email="nobody@example.com", who="dpo", now=utc_now()
    ) == {"orders": 0}


def test_a_customer_with_a_change_under_way_is_not_erased_yet(pair: ShopAndBooks, files: Path) -> None:
    order = pair.shop.place_order(_cart(), payment="banktransfer", billing=BEN)
    pair.shop.invoice(order)
    pair.run()
    with pair.engine.begin() as connection:
        connection.execute(
            text("update change set state = 'uncertain' where order_key = :order"), {"order": str(order)}
        )
    with pytest.raises(TransientError, match="under way"):
        upkeep.erase_customer(pair.engine, _settings(pair), email=BEN.email, who="dpo", now=utc_now())
    with pair.engine.begin() as connection:
        connection.execute(text("update change set state = 'done' where order_key = :order"), {"order": str(order)})
    assert "payload" in _tables_with(pair.engine, BEN.email)


def test_retention_takes_requests_and_old_names_by_the_settings(pair: ShopAndBooks, files: Path) -> None:
    carl = Address(
        firstname="Carlotta", lastname="Dinkelkern", email="c@dinkelkern.example", telephone="+49 30 5550199"
    )
    order = pair.shop.place_order(_cart(), payment="banktransfer", billing=carl)
    pair.shop.invoice(order)
    pair.run()
    upkeep.run(pair.engine, _settings(pair), utc_now())
    assert {"payload", "change_body", "document"} <= _tables_with(pair.engine, "dinkelkern").keys()
    _make_old(pair.engine, 500)
    upkeep.run(pair.engine, _settings(pair), utc_now())
    kept = _tables_with(pair.engine, "dinkelkern")
    assert "document" in kept and not {"payload", "change_body"} & kept.keys()
    _make_old(pair.engine, 4000)
    counts = upkeep.run(pair.engine, _settings(pair), utc_now())
    assert counts["forgotten"] >= 1
    assert _tables_with(pair.engine, "dinkelkern") == {}


def _cart() -> list[object]:
    from magodoo_sandbox.magento import Line

    return [Line("SKU-001", 2)]


def _settings(pair: ShopAndBooks) -> Settings:
    return Settings(instances={pair.instance.id: pair.instance})


def _mention(pair: ShopAndBooks, *people: Address) -> None:
    """Texts in which a name is between other words, as findings, quarantine and mails have them."""
    with pair.engine.begin() as connection:
        for number, person in enumerate(people):
            told = f"two partners fit {person.firstname} {person.lastname} <{person.email}>"
            connection.execute(
                text(
                    "insert into finding (instance, type, severity, kind, part, message) values (:i, 'ambiguous', 'warning', 'order', :p, :m)"
                ),
                {"i": pair.instance.id, "p": f"test {number}", "m": told},
            )
            connection.execute(
                text(
                    "insert into quarantine (instance, side, kind, source_id, reason, payload) values (:i, 'magento', 'order', :s, 'r', :p)"
                ),
                {"i": pair.instance.id, "s": f"q{number}", "p": f'{{"customer_email": "{person.email}"'},
            )
            outbox.queue(
                connection,
                outbox.Mail(
                    "findings", ("a@example.com",), "one finding", f"<p>{told}</p>", told, csv=f"{person.email},1"
                ),
                utc_now(),
            )


def _tables_with(engine: Engine, *words: str) -> dict[str, int]:
    """Rows per table that hold one of the words, whatever the column."""
    found = {}
    with engine.connect() as connection:
        tables = connection.execute(
            text(
                "select table_name from information_schema.tables where table_schema = 'magodoo' and table_type = 'BASE TABLE'"
            )
        ).scalars()
        for table in list(tables):
            where = " or ".join(f"lower(cast(t as text)) like :w{number}" for number in range(len(words)))
            values = {f"w{number}": f"%{word.lower()}%" for number, word in enumerate(words)}
            count = connection.execute(text(f"select count(*) from {table} t where {where}"), values).scalar_one()
            if count:
                found[table] = count
    return found


def _files_with(folder: Path, *words: str) -> list[str]:
    return [
        file.name for file in folder.rglob("*")
        if file.is_file() and any(word in file.read_text(errors="replace").lower() for word in words)
    ]  # fmt: skip


def _amounts(engine: Engine, order: int) -> list[object]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("select side, kind, number, grand_total, tax from document where order_key = :order order by 1, 2, 3"),
            {"order": str(order)},
        )
        return [tuple(row) for row in rows]


def _make_old(engine: Engine, days: int) -> None:
    with engine.begin() as connection:
        for statement in (
            "update document set updated_at = now() - make_interval(days => :days), created_at = now() - make_interval(days => :days)",
            "update payload set request_began_at = now() - make_interval(days => :days)",
            "update change set finished_at = now() - make_interval(days => :days) where finished_at is not null",
        ):
            connection.execute(text(statement), {"days": days})
