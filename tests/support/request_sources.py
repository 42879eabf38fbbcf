"""All that requests are built from: every recorded document, and an Odoo that has what they need."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import recorded_documents

from magodoo.extract import magento_documents
from magodoo.flows.sources import Record, Sources
from magodoo.settings import Instance
from magodoo.settings.tax_rules import TaxRule

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RATES = ("8.25", "19", "7", "20")


def an_instance(**changes: Any) -> Instance:
    rules = [TaxRule(rate=Decimal(rate), odoo_tax=f"{rate} %") for rate in RATES]
    pricelists = {currency: currency for currency in ("USD", "EUR", "CHF")}
    values = {
        "id": "us",
        "magento_connection": "m",
        "odoo_connection": "o",
        "taxes": rules,
        "adjustment_tax": "none",
        "odoo": {"pricelists": pricelists},
    }
    return Instance.model_validate({**values, **changes})


def sources(instance: Instance | None = None) -> Sources:
    """All recorded documents, and an Odoo that has everything they need."""
    made = Sources(instance or an_instance(), database_uuid="00000000-0000-4000-8000-000000000019")
    for kind, row in recorded_documents.magento():
        document = magento_documents.read(made.instance, kind, row, NOW)
        made.documents[document.key] = document
    skus = {line.sku for document in made.documents.values() for line in document.lines if line.role == "item"}
    records = made.master.records
    for number, sku in enumerate(sorted(skus | {"SHIPPING", "SHIPDISC", "ADJ-PLUS", "ADJ-MINUS"}), start=100):
        records["product.product", sku].append(Record(number, True, {}))
    for number, currency in enumerate(("USD", "EUR", "CHF"), start=1):
        records["res.currency", currency].append(Record(number, True, {"decimal_places": 2}))
        records["product.pricelist", currency].append(Record(number, True, {}))
    for number, rate in enumerate(RATES, start=5):
        records["account.tax", f"{rate} %"].append(Record(number, True, {"amount": Decimal(rate)}))
    for number, country in enumerate(("US", "DE", "AT", "GB", "CH", "FR"), start=1):
        records["res.country", country].append(Record(number, True, {}))
    return made
