"""Electronic invoices with Odoo's own Italian module: drafts by default, and what the authority refused."""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_e_invoicing import *

del italian_company  # noqa: F821 - here the module brings its field

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]


@pytest.fixture(scope="module")
def odoo_modules() -> tuple[str, ...]:
    return ("l10n_it_edi",)
