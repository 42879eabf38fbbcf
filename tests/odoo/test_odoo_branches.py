"""A branch: the periods that its parents closed are closed for it, and their taxes, journals and products are its own, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from magodoo.connectors.odoo.client import OdooClient

Connect = Callable[..., OdooClient]


@pytest.fixture
def branch(admin: OdooClient) -> int:
    """A branch of the company, in which both users may work."""
    currency = admin.company.row()["currency_id"][0]
    (made,) = admin.rpc.write_call(
        "res.company",
        "create",
        vals_list=[{"name": "Branch", "parent_id": admin.rpc.company_id, "currency_id": currency}],
    )
    users = admin.rpc.call("res.users", "search", domain=[["login", "in", ["sync", "admin"]]])
    for user in users:
        admin.rpc.write_call("res.users", "write", ids=[user], vals={"company_ids": [[4, made]]})
    return int(made)


def days(client: OdooClient) -> dict[str, str]:
    return {name: str(day) for name, day in client.company.lock_dates().items()}


@pytest.mark.parametrize("name", ["sale_lock_date", "fiscalyear_lock_date", "tax_lock_date"])
def test_the_latest_lock_date_of_a_branch_and_its_parents_holds(
    branch: int, admin: OdooClient, connect: Connect, name: str
) -> None:
    client = connect("sync", company=branch)
    assert days(client) == {}
    admin.rpc.write_call("res.company", "write", ids=[admin.rpc.company_id], vals={name: "2026-10-31"})
    assert days(client) == {name: "2026-10-31"}
    of_the_branch = connect("admin", company=branch)
    of_the_branch.rpc.write_call("res.company", "write", ids=[branch], vals={name: "2026-09-30"})
    assert days(client) == {name: "2026-10-31"}, "the parent's is later"
    of_the_branch.rpc.write_call("res.company", "write", ids=[branch], vals={name: "2026-11-15"})
    assert days(client) == {name: "2026-11-15"}, "its own is later"
    assert days(connect("sync")) == {name: "2026-10-31"}, "a branch closes nothing for its parent"


def test_a_branch_has_the_master_data_of_its_parents_and_no_documents_of_theirs(
    branch: int, client: OdooClient, connect: Connect
) -> None:
    own = connect("sync", company=branch)
    assert own.rpc.companies == [branch, client.rpc.company_id]
    assert client.rpc.companies == [client.rpc.company_id]
    taxes = {row["id"] for row in client.master_data.taxes()}
    assert taxes, "the company has taxes"
    assert taxes <= {row["id"] for row in own.master_data.taxes()}
    assert {row["id"] for row in client.master_data.journals()} <= {row["id"] for row in own.master_data.journals()}
    assert own.rpc.company_domain("account.move") == [["company_id", "=", branch]]
    assert client.rpc.company_domain("account.tax") == [["company_id", "=", client.rpc.company_id]]
