"""The names that are used of Odoo, looked up in sources: what is derived from the code, how sources are read, and what the evidence says."""

from __future__ import annotations

from pathlib import Path

import pytest

from magodoo.connectors.odoo.record_kinds import CUSTOMER, MOVE, ORDER, PAYMENT, PICKING, Tree
from magodoo.connectors.odoo.versions import MAJORS
from magodoo_devstack import odoo_names
from magodoo_devstack.odoo_names import (
    EVIDENCE,
    UNKNOWN,
    declared,
    has,
    lacking,
    section,
    used,
    version_of,
    with_section,
)

HOME = Path(__file__).parents[1] / "var/odoo-19/package/usr/lib/python3/dist-packages"
RELEASE = "version_info = (17, 0, 0, FINAL, 0, '')\n"
PARTNER = """
from odoo import fields, models
class Partner(models.Model):
    _name = "res.partner"
    _inherit = ["mail.thread"]
    name = fields.Char()
    parent_id: Partner = fields.Many2one("res.partner")
    def read_me(self): ...
"""
MORE = """
class Partner(models.Model):
    _inherit = "res.partner"
    vat = fields.Char()
class Thread(models.AbstractModel):
    _name = "mail.thread"
    message_ids = fields.One2many("mail.message", "res_id")
class User(models.Model):
    _name = "res.users"
    _inherits = {"res.partner": "partner_id"}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of Odoo with three models."""
    for name, text in {
        "odoo/release.py": RELEASE,
        "odoo/models.py": "class BaseModel:\n    def search(self): ...\n",
        "odoo/addons/base/models/res_partner.py": PARTNER,
        "addons/mail/models/mail.py": MORE,
        "addons/mail/tests/test_mail.py": MORE.replace("vat", "only_in_tests"),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("model", "name", "method", "expected"),
    [
        ("res.partner", "name", False, True),
        ("res.partner", "parent_id", False, True),  # assigned with a type
        ("res.partner", "vat", False, True),  # of another module
        ("res.partner", "message_ids", False, True),  # of a mixin
        ("res.users", "vat", False, True),  # by delegation
        ("res.partner", "write_date", False, True),  # of every model
        ("res.partner", "only_in_tests", False, False),
        ("res.partner", "read_me", False, False),
        ("res.partner", "read_me", True, True),
        ("res.users", "search", True, True),  # of every model
        ("res.partner", "has_access", True, False),
    ],
)
def test_a_model_has_what_any_module_and_what_it_inherits_declare(
    tree: Path, model: str, name: str, method: bool, expected: bool
) -> None:
    assert has(declared(tree), model, name, method=method) is expected


def test_a_name_that_neither_sources_nor_the_table_know_is_told_and_fails_the_comparison(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(odoo_names, "used", lambda: {"res.users": (["vat", "group_ids", "no_such"], [])})
    monkeypatch.setattr(odoo_names, "GENERIC", ("search", "has_access"))
    version, count, missing = lacking(tree)
    assert (str(version), count) == ("17.0", 6)
    assert [each.name for each in missing] == ["group_ids", "no_such", "has_access()"]
    text, known = section(tree, "a test")
    assert not known
    assert f"| `res.users` | `no_such` | {UNKNOWN} |" in text


def test_the_names_that_are_used_hold_those_of_every_tree_that_is_read() -> None:
    found = used()

    def missing(model: str, tree: Tree) -> list[str]:
        return [f"{model} {name}" for name in tree if name not in found[model][0] and name not in odoo_names.OF_ALL]

    lost = [*missing("sale.order", ORDER), *missing("account.payment", PAYMENT), *missing("res.partner", CUSTOMER)]
    lost += [*missing("stock.picking", PICKING), *missing("stock.move", PICKING["move_ids"]["fields"])]
    lost += missing(
        "account.move", {name: below for name, below in MOVE.items() if "edi" not in name and "l10n" not in name}
    )
    # fields of modules that the sandbox does not have, read only where the server has them
    assert lost == [
        "sale.order auto_purchase_order_id", "stock.picking x_magento_key", "account.move peppol_move_state", "account.move nemhandel_move_state",
    ]  # fmt: skip


def test_sections_of_the_evidence_stand_by_version_and_a_new_one_replaces_its_own() -> None:
    page = with_section("# Head\n\nText.\n", "## Odoo 18.0\n\nold\n")
    page = with_section(page, "## Odoo 17.0\n\nseventeen\n")
    page = with_section(page, "## Odoo 18.0\n\nnew\n")
    assert page == "# Head\n\nText.\n\n## Odoo 17.0\n\nseventeen\n\n## Odoo 18.0\n\nnew\n"


def test_the_evidence_has_every_version_that_is_written_to_and_nothing_that_the_table_does_not_name() -> None:
    page = EVIDENCE.read_text()
    assert {f"## Odoo {major}.0" for major in MAJORS if major > 16} <= set(page.splitlines())
    assert UNKNOWN not in page


@pytest.mark.skipif(not HOME.is_dir(), reason="Odoo 19 of Debian's package is not on this machine")
def test_odoo_19_has_every_name_that_is_used() -> None:
    version, count, missing = lacking(HOME)
    assert (version.major, count > 700) == (19, True)
    assert [one for one in missing if not one.known] == []


def test_what_is_no_tree_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no tree of Odoo"):
        version_of(tmp_path)
