"""Every check of preflight can be made of a live Odoo, and comes to what it comes to on a sandbox of that version."""

from __future__ import annotations

from pathlib import Path

from sandbox_backend import LIVE
from shop_and_books import ShopAndBooks, shop_and_books

from magodoo.connectors.odoo.versions import Version
from magodoo.pipeline import preflight
from magodoo.preflight import CheckLine
from magodoo.preflight.subject import Subject
from magodoo_devstack.live_odoo import LiveOdoo

pytestmark = LIVE


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
        sandbox.odoo.db.series = Version.parsed(odoo.build).major
        expected = checks_of(sandbox)
    assert [line for line in live.values() if "the check was not possible" in line.found] == []
    assert {
        name: (line.status, line.found) for name, line in live.items() if line.status != expected[name].status
    } == {}
    assert list(live) == list(expected)
