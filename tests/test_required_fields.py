"""What a company requires: analytic plans, fields of forms, and the setting that gives other values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from magodoo.errors import Forbidden
from magodoo.preflight import demands
from magodoo.preflight.results import Outcome
from magodoo.settings import Instance

NAMES = {"magento_connection": "shop", "odoo_connection": "books"}
PLAN = {"id": 2, "name": "Department", "applicability": "mandatory"}
NEVER = ("account", "tax", "partner", "journal", "date", "amount", "state", "company", "currency")


class Odoo:
    """Answers by (model, method)."""

    company_id, companies = 1, [1]

    def __init__(
        self, answers: dict[tuple[str, str], Any], lists: dict[str, list[dict[str, Any]]] | None = None
    ) -> None:
        self.answers, self.lists = answers, lists or {}

    def call(self, model: str, method: str, **arguments: Any) -> Any:
        answer = self.answers.get((model, method), [])
        if isinstance(answer, Exception):
            raise answer
        return answer(**arguments) if callable(answer) else answer

    def listed(self, model: str, fields: Any, domain: Any = ()) -> list[dict[str, Any]]:
        return self.lists.get(model, [])


def run_check(check: Any, odoo: Odoo, **names: Any) -> Outcome:
    instance = Instance.model_validate({**NAMES, "odoo": names})
    found: Outcome = check(SimpleNamespace(odoo=SimpleNamespace(rpc=odoo), instance=instance, needs=lambda need: True))
    return found


def said(outcome: Outcome) -> str:
    return str(vars(outcome))


def plans(applicability: str = "mandatory") -> dict[tuple[str, str], Any]:
    return {("account.analytic.plan", "get_relevant_plans"): [{**PLAN, "applicability": applicability}]}


def model(**conditions: Any) -> dict[str, list[dict[str, Any]]]:
    return {
        "account.analytic.account": [{"id": 7, "root_plan_id": [2, "Department"]}],
        "account.analytic.distribution.model": [{"analytic_distribution": {"7,9": 100}, "company_id": False, **conditions}],
    }  # fmt: skip


def test_a_mandatory_plan_without_a_distribution_model_is_warned_of() -> None:
    outcome = run_check(demands.analytic, Odoo(plans()))
    assert "Department is mandatory for people on invoices, orders" in said(outcome)
    assert "it stays empty" in said(outcome)


def test_a_model_without_conditions_gives_it_and_one_with_conditions_says_where_none_applies() -> None:
    assert "mandatory for people" not in said(run_check(demands.analytic, Odoo(plans(), model())))
    outcome = run_check(demands.analytic, Odoo(plans(), model(product_id=[5, "Mug"], account_prefix="4")))
    assert "only for product Mug and account_prefix 4; elsewhere none applies" in said(outcome)
    other = run_check(demands.analytic, Odoo(plans(), model(company_id=[3, "Other"])))
    assert "no distribution model gives" in said(other), "another company's models are not ours"


def test_without_analytic_accounting_nothing_is_required() -> None:
    assert "mandatory for people" not in said(run_check(demands.analytic, Odoo(plans("optional"))))
    refused = Odoo({("account.analytic.plan", "get_relevant_plans"): Forbidden("no", system="odoo")})
    assert "no analytic accounting" in said(run_check(demands.analytic, refused))


def form(arch: str, model: str = "sale.order") -> Odoo:
    plain = {(name, "get_views"): {"views": {"form": {"arch": "<form/>"}}} for name in demands.MODELS}
    fields = {
        (name, "fields_get"): {"picking_policy": {"type": "selection", "required": True}} for name in demands.MODELS
    }
    defaults = {(model, "default_get"): lambda fields: {name: 1 for name in fields if name == "x_given"}}
    return Odoo({**plain, **fields, **defaults, (model, "get_views"): {"views": {"form": {"arch": arch}}}})


@pytest.mark.parametrize(
    ("field", "demanded"),
    [
        ('<field name="x_centre" required="1"/>', True),
        ('<field name="x_centre" required="True"/>', True),
        ('<field name="x_centre" modifiers=\'{"required": true}\'/>', True),
        ('<group><field name="x_centre" required="1"/></group>', True),
        ('<field name="order_line"><list><field name="x_centre" required="1"/></list></field>', True),
        ('<field name="x_centre" required="state == 1"/>', False),
        ('<field name="x_centre" required="1" invisible="1"/>', False),
        ('<field name="x_given" required="1"/>', False),
        ('<field name="partner_id" required="1"/>', False),
        ('<field name="picking_policy" required="1"/>', False),
        ('<field name="x_centre"/>', False),
    ],
)
def test_a_field_always_required_by_a_form_is_named_unless_it_is_filled(field: str, demanded: bool) -> None:
    outcome = run_check(demands.fields, form(f"<form>{field}</form>"))
    assert ("x_centre on orders" in said(outcome)) is demanded
    assert ("people must fill" in said(outcome)) is demanded


def test_a_value_of_the_setting_fills_a_required_field_and_an_unreadable_form_is_reported() -> None:
    asked = form('<form><field name="x_centre" required="1"/></form>')
    assert "people must fill" not in said(run_check(demands.fields, asked, order_values={"x_centre": "Web"}))
    for damaged in ("<form>", "<!DOCTYPE x [<!ENTITY a 'b'>]><form>&a;</form>"):
        assert "could not be looked at" in said(run_check(demands.fields, form(damaged)))


def test_fields_of_the_setting_must_be_there_and_simple() -> None:
    known = {("sale.order", "fields_get"): {"x_centre": {"type": "char"}, "x_who": {"type": "many2one"}}}
    assert "x_who is a many2one" in said(run_check(demands.other_values, Odoo(known), order_values={"x_who": "me"}))
    assert "has no field x_gone" in said(run_check(demands.other_values, Odoo(known), order_values={"x_gone": "1"}))
    assert "has no field" not in said(run_check(demands.other_values, Odoo(known), order_values={"x_centre": "1"}))


@pytest.mark.parametrize("where", ["order_values", "invoice_values"])
@pytest.mark.parametrize("word", NEVER)
@given(around=st.sampled_from(["{}", "{}_id", "x_{}", "x_studio_{}_id", "x_my_{}"]))
def test_fields_that_magodoo_sets_or_relies_on_are_refused_in_the_setting(where: str, word: str, around: str) -> None:
    with pytest.raises(ValidationError):
        Instance.model_validate({**NAMES, "odoo": {where: {around.format(word): "1"}}})


@pytest.mark.parametrize(
    ("where", "field"),
    [("order_values", "x_magento_key"), ("order_values", "team_id"), ("order_values", "order_line"), ("invoice_values", "ref"),
     ("invoice_values", "move_type"), ("invoice_values", "incoterm"), ("invoice_values", "invoice_payment_term_id"), ("invoice_values", "X_A")],
)  # fmt: skip
def test_the_list_of_fields_is_closed(where: str, field: str) -> None:
    with pytest.raises(ValidationError, match="may not be given here"):
        Instance.model_validate({**NAMES, "odoo": {where: {field: "1"}}})
