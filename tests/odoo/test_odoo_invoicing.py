"""The stories of invoicing, run again with a live Odoo 19 in the sandbox's place."""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_rules_cash_rounding import *
from test_rules_headers import *
from test_rules_invoicing import *
from test_rules_reversals import *

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]
