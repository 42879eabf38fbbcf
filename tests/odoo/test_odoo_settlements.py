"""The stories of settlements, run again with a live Odoo 19 in the sandbox's place."""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_rules_settlement_sequences import *
from test_rules_settlements import *

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]
