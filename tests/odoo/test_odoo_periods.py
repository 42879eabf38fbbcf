"""The stories of closed periods, run again with a live Odoo 19 in the sandbox's place (see tests/odoo/test_odoo_rules.py).

They have books of their own, which are closed up to ten days ago.
"""

# ruff: noqa: F403 - an imported test is a test of this module, and so is its fixture
from __future__ import annotations

import pytest
from test_rules_periods import *

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]
