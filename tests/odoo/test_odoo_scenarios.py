"""The scenarios that the chain is for, run again with a live Odoo 19 in the sandbox's place (see tests/odoo/test_odoo_rules.py).

Not told here: what `observe` writes (nothing, and our own ledger sees to it) and what the refresh finds in Magento. They cost rounds of their own.
"""

# ruff: noqa: F403, F821 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_scenarios import *
from test_scenarios_later import *

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]

del test_scenario_01_observe_writes_nothing, test_scenario_07_the_refresh_finds_a_track_that_moved_no_time_stamp
