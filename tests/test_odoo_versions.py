"""What is known of each version of Odoo, in one table: which is written to, and what follows where something is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from live_counts import EVIDENCE, FileRun, LiveRun, begin_of, between

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.company import LOCKS
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.deliveries import Deliveries
from magodoo.connectors.odoo.proofs import COMMANDS, FEATURES, Feature, Proof, cell
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.connectors.odoo.versions import (
    CAPABILITIES,
    MAJORS,
    Lack,
    Support,
    Version,
    can,
    lacking,
    method_of,
    name_of,
    names_of,
    standing,
)
from magodoo.domain.states import PAYMENT_CANCELLED
from magodoo.errors import UnknownField
from magodoo_sandbox.odoo import RunningSandbox
from magodoo_sandbox.odoo.errors import HttpError

LIVE_SUITE = Path(__file__).parent / "odoo"
BY_HAND = {19}
"""Versions whose runs are in the evidence as they were noted by hand, before runs wrote their counts themselves."""


@pytest.mark.parametrize(
    ("major", "support", "may_write"),
    [
        (16, Support.OBSERVE, False),
        (17, Support.OBSERVE, False),
        (18, Support.SUPPORTED, True),
        (19, Support.SUPPORTED, True),
        (20, Support.EXPECTED, True),
        (27, Support.EXPECTED, True),
    ],
)
def test_each_version_is_supported_expected_or_observed(major: int, support: Support, may_write: bool) -> None:
    found = standing(Version(major))
    assert (found.support, found.may_write) == (support, may_write)


def test_a_version_is_observed_exactly_where_something_is_missing_that_writing_needs() -> None:
    assert {major: bool(lacking(Version(major), Lack.STOPS)) for major in MAJORS} == {
        major: support is Support.OBSERVE for major, support in MAJORS.items()
    }


def test_the_words_name_what_is_missing() -> None:
    assert standing(Version(17)).text == (
        "Odoo 17.0: `observe` only, because an invoice does not name its payments, so that one paid in Odoo is not seen as paid"
    )
    assert "no delivery is validated" in standing(Version(16)).text
    assert standing(Version(18)).text == "Odoo 18.0: supported"
    assert standing(Version(21)).text == (
        "Odoo 21.0: expected to work like 19.0, never run on a live server by this project"
    )
    assert standing(Version(20)).text == (
        "Odoo 20.0: expected to work like 19.0; its sources were read, never run on a live server by this project"
    )


@pytest.mark.parametrize(
    ("version", "support"),
    [
        (Version(17, 2), Support.OBSERVE),
        (Version(18, 3), Support.EXPECTED),
        (Version(19, 1), Support.EXPECTED),
        (Version(20, 4), Support.EXPECTED),
    ],
)
def test_a_release_between_two_versions_is_no_more_than_expected(version: Version, support: Support) -> None:
    """Odoo Online runs such releases, `saas~18.3`: no live server of them was ever used."""
    found = standing(version)
    assert (found.support, f"Odoo {version}" in found.text) == (support, True)


@dataclass(frozen=True)
class Row:
    """A capability with the first version that has it, and the place in the code where both sides of that version differ."""

    since: int
    lack: Lack
    name: tuple[str, str] | None = None  # model and field whose name shows it
    before: str | None = None
    method: bool = False
    until: int | None = None


ROWS = {
    "tax_per_line": Row(19, Lack.WARNS, ("account.move.line", "extra_tax_data")),
    "payments_of_invoice": Row(18, Lack.STOPS, ("account.move", "matched_payment_ids"), "payment_ids"),
    "invoice_currency_rate": Row(18, Lack.WARNS, ("account.move", "invoice_currency_rate")),
    "loaded_rate": Row(19, Lack.COVERED),
    "exchange_differences": Row(19, Lack.COVERED),
    "lock_date_of_sales": Row(18, Lack.COVERED, ("res.company", "sale_lock_date"), "period_lock_date"),
    "reserved_quantities": Row(17, Lack.STOPS, ("stock.move", "quantity"), "quantity_done"),
    "return_wizard": Row(17, Lack.STOPS),
    "credit_note_matched": Row(17, Lack.STOPS),
    "credit_to_invoice": Row(17, Lack.STOPS),
    "has_access": Row(18, Lack.COVERED, ("res.partner", "has_access"), "check_access_rights", method=True),
    "payment_canceled": Row(18, Lack.COVERED),
    "returns_by_wizard": Row(16, Lack.WARNS, until=20),
    "company_type": Row(16, Lack.COVERED, until=20),
    "automatic_invoice_parameter": Row(16, Lack.COVERED, until=20),
}


def test_every_capability_has_a_row_of_this_test() -> None:
    assert set(ROWS) == set(CAPABILITIES)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.until])
def test_a_capability_that_ends_holds_before_its_version_only(name: str) -> None:
    row = ROWS[name]
    assert row.until
    assert (CAPABILITIES[name].lack, CAPABILITIES[name].since) == (row.lack, row.since)
    assert (can(Version(row.until - 1, 4), name), can(Version(row.until), name)) == (True, False)
    assert CAPABILITIES[name].lacking not in lacking(Version(row.until - 1), row.lack)
    assert CAPABILITIES[name].lacking in lacking(Version(row.until), row.lack)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.until])
def test_a_capability_holds_from_its_version_on(name: str) -> None:
    row, last = ROWS[name], Version(ROWS[name].since - 1)
    assert CAPABILITIES[name].lack is row.lack
    assert (can(last, name), can(Version(row.since), name), can(Version(99), name)) == (False, True, True)
    assert CAPABILITIES[name].lacking in lacking(last, row.lack)
    assert CAPABILITIES[name].lacking not in lacking(Version(row.since), row.lack)
    if row.name:
        named = method_of if row.method else name_of
        assert (named(last, *row.name), named(Version(row.since), *row.name)) == (row.before, row.name[1])


def test_a_field_has_its_name_of_20_from_20_on() -> None:
    names = [name_of(Version(major), "stock.move", "product_uom") for major in (16, 19, 20, 21)]
    assert names == ["product_uom", "product_uom", "uom_id", "uom_id"]
    assert names_of("stock.move", "product_uom") == ("uom_id", "product_uom")
    assert names_of("sale.order.line", "tax_ids") == ("tax_ids", "tax_id")


@pytest.mark.parametrize(
    ("version", "model", "field", "server", "name"),
    [
        (Version(18, 3), "sale.order.line", "tax_ids", ["tax_id"], "tax_id"),
        (Version(18, 3), "sale.order.line", "tax_ids", ["tax_ids"], "tax_ids"),
        (Version(18, 3), "sale.order.line", "extra_tax_data", ["extra_tax_data"], "extra_tax_data"),
        (Version(18, 3), "sale.order.line", "extra_tax_data", [], None),
        (Version(19, 2), "stock.move", "product_uom", ["uom_id"], "uom_id"),
        (Version(19, 2), "stock.move", "product_uom", ["product_uom"], "product_uom"),
        (Version(20), "stock.move", "product_uom", ["product_uom"], "product_uom"),
        (Version(18), "sale.order.line", "tax_ids", ["tax_ids"], "tax_id"),  # as it was measured
    ],
)
def test_of_a_version_that_was_never_run_the_server_decides_which_of_a_fields_names_it_has(
    version: Version, model: str, field: str, server: list[str], name: str | None
) -> None:
    rpc = Rpc(OdooConnection("http://odoo.invalid", "odoo", "key", 1), _Fields(version, {model: server}))
    assert rpc.name_of(model, field) == name
    assert rpc.has_field(model, field) == (name in server)


@pytest.mark.parametrize(
    ("version", "models", "able"),
    [
        (Version(19), [], True),  # as it was measured
        (Version(19, 3), ["stock.return.picking"], True),
        (Version(19, 3), [], False),
        (Version(20), ["stock.return.picking"], False),
    ],
)
def test_of_a_version_that_was_never_run_the_server_decides_whether_it_has_a_wizard_for_returns(
    version: Version, models: list[str], able: bool
) -> None:
    rpc = Rpc(
        OdooConnection("http://odoo.invalid", "odoo", "key", 1), _Fields(version, {model: ["id"] for model in models})
    )
    assert rpc.can("returns_by_wizard", "stock.return.picking") is able
    assert (Deliveries(rpc).no_returns() is None) is able


def test_a_cancelled_payment_is_known_by_the_state_of_either_side_of_18() -> None:
    assert {"cancel", "canceled"} <= set(PAYMENT_CANCELLED)


def test_the_date_that_closes_sales_is_read_under_its_name_of_the_version() -> None:
    assert "sale_lock_date" in LOCKS
    assert name_of(Version(17), "res.company", "hard_lock_date") is None


class _Fields:
    """A server that answers which fields a model has."""

    name = "JSON-2"

    def __init__(self, version: Version, fields: dict[str, list[str]]) -> None:
        self.version, self._fields = version, fields

    def call(
        self,
        model: str,
        method: str,
        ids: list[int] | None,
        context: dict[str, Any],
        arguments: dict[str, Any],
        *,
        write: bool,
        until: float,
    ) -> Any:
        assert method == "fields_get"
        if model not in self._fields:
            raise UnknownField(f"the model {model!r} does not exist", system="odoo")
        return {name: {"type": "char"} for name in self._fields[model]}


# What a live cell rests on


def live_counts(major: int) -> LiveRun:
    """What runs wrote into docs/evidence/live-odoo.md of a version's builds."""
    page = EVIDENCE.read_text(encoding="utf-8")
    builds = re.findall(r"^<!-- odoo on Odoo (\S+): written by the run -->$", page, re.MULTILINE)
    run = LiveRun()
    for build in builds:
        if Version.parsed(build).major == major:
            run = LiveRun.parsed(between(page, begin_of(build, "odoo"))).over(run)
    return run


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_live_cell_rests_on_a_run_of_the_files_that_show_it(feature: Feature) -> None:
    assert feature.shown_by
    names = [f"test_odoo_{name}.py" for name in feature.shown_by]
    assert [name for name in names if not (LIVE_SUITE / name).exists()] == []
    for major in COMMANDS:
        if major in BY_HAND or cell(feature, major).proof is not Proof.LIVE:
            continue
        found = live_counts(major).files
        assert [name for name in names if not found.get(name, FileRun()).counts["passed"]] == [], major
        assert [f"{name}{test}" for name in names for test in found[name].failed] == [], major


# The connection test


@pytest.fixture(scope="module")
def odoo() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


def report_of(odoo: RunningSandbox, series: int) -> str:
    odoo.db.series = series
    connection = OdooConnection(odoo.url, "odoo", "sync-key", 1, "sync", attempts=1)
    with OdooClient.connect(connection) as client:
        report = client.test_connection()
    assert report.ok, str(report)
    return str(report)


@pytest.mark.parametrize(
    ("series", "transport", "words"),
    [
        (16, "JSON-RPC", "Odoo 16.0: `observe` only, because"),
        (17, "JSON-RPC", "Odoo 17.0: `observe` only, because"),
        (18, "JSON-RPC", "Odoo 18.0: supported"),
        (19, "JSON-2", "Odoo 19.0: supported"),
        (20, "JSON-2", "Odoo 20.0: expected"),
    ],
)
def test_the_connection_test_passes_on_each_version_and_says_what_it_means(
    odoo: RunningSandbox, series: int, transport: str, words: str
) -> None:
    said = report_of(odoo, series)
    assert f"Odoo {series}.0 over {transport}" in said
    assert words in said


def test_the_sandbox_as_20_has_no_wizard_for_returns(odoo: RunningSandbox) -> None:
    odoo.db.series = 20
    with pytest.raises(HttpError, match=r"'stock\.return\.picking' does not exist"):
        odoo.db.resolve("stock.return.picking", "create")
    odoo.db.series = 19
    assert odoo.db.resolve("stock.return.picking", "create")
