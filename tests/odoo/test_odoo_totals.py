"""The stories of amounts beside the parts and of documents of 0.00, run again with a live Odoo 19 in the sandbox's place."""

# ruff: noqa: F403, F821 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_rules_totals import *

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]

del test_a_tendered_part_is_never_sold_as_a_product  # the settings alone
