"""The gate by version and by copy: in front of an old Odoo, or of other systems than before, `apply` waits for a person; `observe` goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from permit import permit as examined
from sqlalchemy import Engine, text

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.context import Context
from magodoo.errors import FixConfiguration
from magodoo.preflight import CheckLine, Status, magento, systems
from magodoo.preflight import odoo as odoo_checks
from magodoo.preflight.subject import Subject
from magodoo.settings import Settings
from magodoo.settings.read import Reading
from magodoo.staging import connect
from magodoo_airflow import preflight
from magodoo_devstack import odoo_provision
from magodoo_sandbox.odoo import RunningSandbox
from magodoo_sandbox.odoo.system import DATABASE_FIELD_CODE

SHOP = "https://shop.example"
CHECKS = dict((*magento.CHECKS, *odoo_checks.CHECKS))


@dataclass
class Lab:
    """One instance in `apply` with its systems, of which the examination was passed."""

    engine: Engine
    odoo: RunningSandbox
    shop: str = SHOP
    database: str = ""
    key: str = "sync-key"
    more: dict[str, Any] = field(default_factory=lambda: {"mode": {"default": "apply"}})
    examinations: int = 0

    @property
    def settings(self) -> Settings:
        instance = {"id": "us", "magento_connection": "m", "odoo_connection": "o", **self.more}
        return Settings.model_validate({"instances": {"us": instance}})

    def context(self) -> Context:
        settings = self.settings
        connection = OdooConnection(self.odoo.url, "odoo", self.key, 1, "sync", attempts=1)
        client = OdooClient.connect(connection)
        if self.database:
            named = replace(connection, database=self.database)
            client.connection = named
        return Context(
            settings=settings,
            instance=settings.instances["us"],
            engine=self.engine,
            magento_client=MagentoClient(MagentoConnection.from_mapping({"base_url": self.shop, "token": "t" * 32})),
            odoo_client=client,
            now=lambda: datetime(2026, 11, 30, 12, tzinfo=UTC),
        )

    def run_check(self, name: str) -> CheckLine:
        made = self.context()
        subject = Subject(
            settings=made.settings, instance=made.instance, engine=self.engine, magento_client=made.magento_client,
            odoo_client=made.odoo_client, reach_smtp=lambda: "mail:25", now=made.now,
        )  # fmt: skip
        return CHECKS[name](subject).line("us", name)

    def examine(self, *_: object) -> list[CheckLine]:
        self.examinations += 1
        return [self.run_check(name) for name in ("Magento: address", "Odoo: version", "Odoo: database")]

    def permit(self) -> None:
        """As a task of the load asks; with these settings preflight has been passed."""
        examined(self.engine, self.settings.instances["us"])
        preflight.permit(self.context())

    def refused(self) -> str:
        with pytest.raises(FixConfiguration) as caught:
            self.permit()
        return str(caught.value)

    def confirm(self, line: CheckLine) -> None:
        """As a person does: copies the name that preflight gives into the settings."""
        name = line.todo.partition("`confirmed_systems: [")[2].partition("]`")[0]
        assert name
        self.more = {**self.more, "confirmed_systems": [name]}

    def parameter(self, key: str, value: str) -> None:
        env = self.odoo.db.env("admin")
        model = env["ir.config_parameter"]
        ids = [row["id"] for row in model.rows.values() if row["key"] == key]
        model.change(env, ids, {"value": value}) if ids else model.make(env, [{"key": key, "value": value}])


@pytest.fixture
def lab(staging_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    engine = connect(staging_url)
    with RunningSandbox() as odoo:
        made = Lab(engine, odoo)
        monkeypatch.setattr(preflight, "read_with_problems", lambda: Reading(made.settings, ()))
        monkeypatch.setattr(preflight, "examine", made.examine)
        yield made
    engine.dispose()


# By version


@pytest.mark.parametrize("series", [16, 17])
def test_an_old_odoo_is_refused_for_apply_by_name_and_observed(lab: Lab, series: int) -> None:
    lab.odoo.db.series = series
    assert f"Odoo {series}.0: `observe` only, because" in lab.refused()
    line = lab.run_check("Odoo: version")
    assert (line.status, "leave the instance in `observe`" in line.todo) == (Status.ERROR, True)
    lab.more = {"mode": {"default": "observe"}}
    lab.permit()


def test_a_preflight_that_an_earlier_version_of_ours_let_pass_opens_no_old_odoo(lab: Lab) -> None:
    lab.odoo.db.series = 17
    examined(lab.engine, lab.settings.instances["us"])
    made = lab.context()
    assert systems.stops(lab.engine, made.instance, made.magento_client, made.odoo_client, made.now()) == [
        "Odoo 17.0: `observe` only, because an invoice does not name its payments, so that one paid in Odoo is not seen as paid"
    ]


@pytest.mark.parametrize(
    ("series", "status", "words"),
    [
        (18, Status.WARNING, "Odoo 18.0: cents are forced"),
        (19, Status.OK, "supported"),
        (20, Status.WARNING, "expected"),
    ],
)
def test_a_supported_and_an_expected_version_are_written_to(lab: Lab, series: int, status: Status, words: str) -> None:
    lab.odoo.db.series = series
    line = lab.run_check("Odoo: version")
    assert (line.status, words in line.found) == (status, True)
    lab.permit()


@pytest.mark.parametrize("series", [(18, 19), (19, 20)])
def test_an_upgraded_odoo_is_examined_once_and_needs_nobody_s_confirmation(lab: Lab, series: tuple[int, int]) -> None:
    lab.odoo.db.series = series[0]
    lab.permit()
    lab.permit()
    assert lab.examinations == 0, "it was examined with these settings"
    lab.odoo.db.series = series[1]
    lab.permit()
    lab.permit()
    assert lab.examinations == 1


def test_an_odoo_that_was_put_back_to_an_old_version_is_refused(lab: Lab) -> None:
    lab.permit()
    lab.odoo.db.series = 17
    assert "`observe` only" in lab.refused()


# By copy


def neutralised(lab: Lab) -> None:
    lab.key = "admin-key"
    lab.parameter("database.is_neutralized", "True")


def other_uuid(lab: Lab) -> None:
    lab.parameter("database.uuid", "00000000-0000-4000-8000-00000000c0b1")


def other_database(lab: Lab) -> None:
    env = lab.odoo.db.env("admin")
    env["res.company"].rows[1]["create_date"] = "2020-02-02 02:02:02"


@pytest.mark.parametrize(
    ("copied", "check", "words"),
    [
        (lambda lab: setattr(lab, "database", "odoo_test"), "Odoo: database", "database name odoo_test was odoo"),
        (other_database, "Odoo: database", "not the Odoo that this instance last wrote to: database"),
        (other_uuid, "Odoo: database", "database.uuid 00000000-0000-4000-8000-00000000c0b1 was"),
        (neutralised, "Odoo: database", "was neutralised"),
        (lambda lab: setattr(lab, "shop", "https://test.example"), "Magento: address", "test.example was shop.example"),
    ],
    ids=["another name", "another database", "another uuid", "neutralised", "another Magento"],
)  # fmt: skip
def test_a_copy_is_not_written_to_until_a_person_confirms_it(
    lab: Lab, copied: Callable[[Lab], None], check: str, words: str
) -> None:
    lab.key = "admin-key"
    lab.permit()
    copied(lab)
    assert words in lab.refused()
    assert words in lab.refused(), "asking twice confirms nothing"
    line = lab.run_check(check)
    assert (line.status, words in line.found) == (Status.ERROR, True)
    lab.more = {"mode": {"default": "observe"}}
    lab.permit()
    lab.more = {"mode": {"default": "apply"}}
    lab.confirm(line)
    lab.permit()
    assert lab.run_check(check).status is Status.OK


def test_what_was_confirmed_is_what_is_written_to_from_then_on_and_the_old_one_is_the_other(lab: Lab) -> None:
    lab.permit()
    lab.shop = "https://new.example"
    lab.confirm(lab.run_check("Magento: address"))
    lab.permit()
    lab.more = {"mode": {"default": "apply"}}
    lab.permit()
    lab.shop = SHOP
    assert "shop.example was new.example" in lab.refused()


def test_a_confirmation_holds_for_no_other_system(lab: Lab) -> None:
    lab.permit()
    lab.shop = "https://test.example"
    lab.confirm(lab.run_check("Magento: address"))
    lab.shop = "https://live.example"
    assert "live.example was shop.example" in lab.refused()


def test_a_neutralised_database_is_not_written_to_by_an_instance_that_never_wrote(lab: Lab) -> None:
    neutralised(lab)
    assert "neutralised" in lab.refused()


def test_the_same_systems_are_written_to_also_over_https_or_by_a_user_who_sees_less(lab: Lab) -> None:
    lab.key, lab.shop = "admin-key", "http://shop.example/"
    lab.permit()
    lab.key, lab.shop = "sync-key", SHOP
    lab.permit()
    lab.key = "admin-key"
    other_uuid(lab)
    assert "database.uuid" in lab.refused(), "what one user could not see is kept"


def database_field(lab: Lab) -> None:
    with OdooClient.connect(OdooConnection(lab.odoo.url, "odoo", "admin-key", 1, "admin", attempts=1)) as admin:
        odoo_provision.add_database_field(admin)


@pytest.mark.parametrize("copied", [other_uuid, neutralised], ids=["another uuid", "neutralised"])
def test_a_copy_at_the_same_address_is_told_by_a_field_where_the_user_reads_no_parameter(
    lab: Lab, copied: Callable[[Lab], None]
) -> None:
    database_field(lab)
    lab.permit()
    assert lab.run_check("Odoo: database").status is Status.OK
    copied(lab)
    lab.key = "sync-key"
    assert "database.uuid" in lab.refused() or "neutralised" in lab.refused()
    lab.confirm(lab.run_check("Odoo: database"))
    lab.permit()


def test_preflight_says_that_a_copy_cannot_be_told_and_what_to_do(lab: Lab) -> None:
    line = lab.run_check("Odoo: database")
    assert line.status is Status.WARNING
    assert "would not be noticed: the user may not read `database.uuid`" in line.found
    assert "x_magodoo_database" in line.todo
    lab.permit()
    other_uuid(lab)
    lab.permit()


def test_a_database_without_a_uuid_is_not_taken_for_one_whose_uuid_may_not_be_read(lab: Lab) -> None:
    lab.key = "admin-key"
    parameters = lab.odoo.db.env("admin")["ir.config_parameter"]
    for id in [row["id"] for row in parameters.rows.values() if row["key"] == "database.uuid"]:
        parameters.rows.pop(id)
    assert "it has no `database.uuid`" in lab.run_check("Odoo: database").found


def test_the_page_shows_the_code_of_the_field_that_the_tests_use() -> None:
    page = Path(__file__).parents[1] / "docs" / "how-to" / "test-on-a-copy.md"
    shown = page.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    assert shown == DATABASE_FIELD_CODE


def test_an_odoo_that_is_away_is_judged_by_its_address_and_holds_up_nothing(lab: Lab) -> None:
    lab.permit()
    assert stops_away(lab, "http://127.0.0.1:9") == [], "another port of this machine is no other system"
    assert "address localhost was 127.0.0.1" in stops_away(lab, "http://localhost:9")[0]
    with lab.engine.connect() as connection:
        kept = connection.execute(text("select data from master where key = 'written_to'")).scalar_one()
    assert kept["odoo"]["address"] == "127.0.0.1" and kept["odoo"]["identity"]


def stops_away(lab: Lab, url: str) -> list[str]:
    made = lab.context()
    assert made.odoo_client is not None
    away = OdooClient.connect(replace(made.odoo_client.connection, url=url))
    return systems.stops(lab.engine, made.instance, made.magento_client, away, made.now())


def test_another_port_of_another_machine_is_another_system(lab: Lab) -> None:
    lab.permit()
    lab.shop = f"{SHOP}:8443"
    assert "address shop.example:8443 was shop.example" in lab.refused()
