"""Units of measure, addresses, notes on transfers: the stories of the sandbox, told once more with a live Odoo 19 in its place."""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_before_import import *
from test_units import *

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]
