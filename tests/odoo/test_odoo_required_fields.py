"""What a company requires, in a real Odoo: preflight says what stays empty on documents that a program makes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sandbox_backend import LIVE

from magodoo.connectors.odoo.client import OdooClient
from magodoo.preflight import demands
from magodoo.settings import Instance

pytestmark = LIVE


def run_check(client: OdooClient, check: Any, **names: Any) -> str:
    instance = Instance.model_validate({"magento_connection": "shop", "odoo_connection": "books", "odoo": names})
    return str(vars(check(SimpleNamespace(odoo=client, instance=instance, needs=lambda need: True))))


def test_a_mandatory_plan_is_named_until_a_distribution_model_gives_an_account_of_it(
    client: OdooClient, admin: OdooClient
) -> None:
    assert "no analytic accounting" in run_check(client, demands.analytic)
    group, users = (
        admin.rpc.call("ir.model.data", "check_object_reference", module=module, xml_id=name)[1]
        for module, name in (("analytic", "group_analytic_accounting"), ("base", "group_user"))
    )
    admin.rpc.write_call("res.groups", "write", ids=[users], vals={"implied_ids": [[4, group]]})
    (plan,) = admin.rpc.write_call("account.analytic.plan", "create", vals_list=[{"name": "Department"}])
    (account,) = admin.rpc.write_call(
        "account.analytic.account", "create", vals_list=[{"name": "Web", "plan_id": plan}]
    )
    rule = {"business_domain": "invoice", "analytic_plan_id": plan, "applicability": "mandatory"}
    admin.rpc.write_call("account.analytic.applicability", "create", vals_list=[rule])
    assert "no distribution model gives" in run_check(client, demands.analytic)
    values = {"analytic_distribution": {str(account): 100}, "account_prefix": "4"}
    (model,) = admin.rpc.write_call("account.analytic.distribution.model", "create", vals_list=[values])
    assert "only for account_prefix 4" in run_check(client, demands.analytic)
    admin.rpc.write_call("account.analytic.distribution.model", "write", ids=[model], vals={"account_prefix": False})
    assert "elsewhere none applies" not in run_check(client, demands.analytic)
    assert "no distribution model" not in run_check(client, demands.analytic)


def test_a_field_required_only_by_the_form_is_named(client: OdooClient, admin: OdooClient) -> None:
    assert "people must fill" not in run_check(client, demands.fields), "Odoo itself demands nothing more"
    (form,) = admin.rpc.call("ir.ui.view", "search", domain=[["model", "=", "sale.order"], ["type", "=", "form"], ["inherit_id", "=", False], ["mode", "=", "primary"]], limit=1, order="priority, id")  # fmt: skip
    arch = '<data><field name="partner_id" position="after"><field name="campaign_id" required="1"/></field></data>'
    values = {"name": "demands", "model": "sale.order", "inherit_id": form, "type": "form", "arch": arch}
    admin.rpc.write_call("ir.ui.view", "create", vals_list=[values])
    assert "campaign_id" in run_check(client, demands.fields)
    assert "campaign_id" not in run_check(client, demands.fields, order_values={"campaign_id": "Web"})
    assert "no field" not in run_check(client, demands.other_values, order_values={"campaign_id": "Web"})
