"""Companies of several countries in one database of a live Odoo, each with the chart of accounts that Odoo's own module makes for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from magodoo_devstack.live_odoo import LiveOdoo


class Chart(NamedTuple):
    """A company to be: ISO code of its country, its currency, its chart as Odoo calls it, and the modules that it takes."""

    country: str
    currency: str
    template: str
    modules: tuple[str, ...]
    state: str = ""


CHARTS = {
    chart.country: chart
    for chart in (
        Chart("DE", "EUR", "de_skr03", ("l10n_de", "l10n_eu_oss")),
        Chart("FR", "EUR", "fr", ("l10n_fr_account",)),
        Chart("ES", "EUR", "es_pymes", ("l10n_es",)),
        Chart("CH", "CHF", "ch", ("l10n_ch",)),
        Chart("GB", "GBP", "uk", ("l10n_uk",)),
        Chart("US", "USD", "us", ("l10n_us_account",), state="TX"),
    )
}
# The country is set beside Odoo, which would install electronic invoicing with it: that needs more than the package has.
_SCRIPT = """
import json
made, base = {{}}, env.ref("base.main_company")
for country, currency, chart, _, state in {charts!r}:
    own = env["res.currency"].with_context(active_test=False).search([("name", "=", currency)])
    own.active = True
    company = env["res.company"].create({{
        "name": "Shop in " + country, "country_id": base.country_id.id, "currency_id": own.id}})
    env.cr.commit()
    there = env["res.country"].search([("code", "=", country)]).id
    region = env["res.country.state"].search([("country_id", "=", there), ("code", "=", state)]).id or None
    env.cr.execute("update res_partner set country_id = %s, state_id = %s where id = %s", [there, region, company.partner_id.id])
    env.cr.execute("update res_company set account_fiscal_country_id = %s where id = %s", [there, company.id])
    env.cr.commit()
    env.invalidate_all()
    env["account.chart.template"].try_loading(chart, company, install_demo=False)
    if hasattr(company, "_map_eu_taxes") and country == "DE":
        company._map_eu_taxes()  # as the button of the one-stop shop does
    for login in ("admin", "sync"):
        env["res.users"].search([("login", "=", login)]).write({{"company_ids": [(4, company.id)]}})
    made[country] = company.id
env.cr.commit()
print("MADE=" + json.dumps(made))
"""


def add_companies(odoo: LiveOdoo, database: str, charts: Sequence[Chart]) -> dict[str, int]:
    """Add a company for each chart to a database that has not served a request yet; return their ids by country."""
    odoo.install(database, *sorted({module for chart in charts for module in chart.modules}))
    printed = odoo.run_script(database, _SCRIPT.format(charts=[tuple(chart) for chart in charts]))
    made: dict[str, int] = json.loads(
        next(line for line in printed.splitlines() if "MADE=" in line).partition("MADE=")[2]
    )
    return made
