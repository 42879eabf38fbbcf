"""Every check of preflight can be made of a live Odoo, and comes to what it comes to on a sandbox of that version."""

from __future__ import annotations

from pathlib import Path

from live_books import keep_cents
from sandbox_backend import LIVE
from shop_and_books import ShopAndBooks, shop_and_books

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.versions import Version
from magodoo.pipeline import preflight
from magodoo.preflight import CheckLine, Status
from magodoo.preflight.subject import Subject
from magodoo_devstack.live_odoo import LiveOdoo

pytestmark = LIVE
FORMS = "Books: fields demanded of people"
"""The sandbox has no forms, and preflight says so there."""


def checks_of(pair: ShopAndBooks) -> dict[str, CheckLine]:
    """The lines of a preflight by name, before anything was sold."""
    made = pair.context()
    subject = Subject(
        made.settings, made.instance, made.engine, made.magento_client, made.odoo_client, lambda: "mail:25", made.now
    )
    return {line.name: line for line in preflight.run(subject)}


def test_every_check_of_preflight_comes_to_what_it_comes_to_on_a_sandbox_of_the_version(
    odoo: LiveOdoo, pair: ShopAndBooks, staging_url: str, tmp_path: Path
) -> None:
    live = checks_of(pair)
    with shop_and_books(staging_url, tmp_path) as sandbox:
        major = Version.parsed(odoo.build).major
        sandbox.odoo.db.series = major
        if major < 19:
            connection = OdooConnection(sandbox.odoo.url, sandbox.odoo.db.name, "admin-key", 1, "admin")
            with OdooClient.connect(connection) as admin:
                keep_cents(admin)
        expected = checks_of(sandbox)
    assert [line for line in live.values() if "the check was not possible" in line.found] == []
    other = {
        name: (line.status, line.found)
        for name, line in live.items()
        if line.status != expected[name].status and name != FORMS
    }
    assert other == {}
    assert live[FORMS].status is Status.OK
    assert list(live) == list(expected)
