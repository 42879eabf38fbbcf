"""The stories of the business rules, run again with a live Odoo 19 in the sandbox's place.

They are the same functions as in tests/test_rules_*.py and tests/test_everyday_cases.py: what they expect of the sandbox, they expect of
Odoo. What somebody does in Odoo in the past is done inside Odoo's own Python while its clock stands there (`live_books`).

Not told here:
- hidden records (tests/test_rules_unreadable.py): they are told in tests/odoo/test_odoo_hidden.py, with a database of their own.
- kits and drop shipments: Odoo knows them only with more of its modules (tests/odoo/test_odoo_modules.py).
- `test_the_first_writes_of_each_kind_need_approval`: what others told here wrote before has used up the first writes; it is about our own
  limits, and the sandbox is enough for it. The same for the other limits and for what is left to a marketplace.
Gift cards, store credit and points are Adobe Commerce's: the fields of its documents stand on the sandbox's Magento, Odoo is live.
"""

# ruff: noqa: F403, F821 - an imported story is a test of this module
from __future__ import annotations

import pytest
from test_everyday_cases import *
from test_rules_credit_memos import *
from test_rules_cutover import *
from test_rules_deliveries import *
from test_rules_payments import *
from test_rules_required_fields import *
from test_rules_taxes_customers import *

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]

del (
    test_a_drop_shipment_counts_as_shipped,
    test_a_kit_is_shipped_by_what_its_order_line_says_is_delivered,
    test_a_kit_that_magento_shipped_is_delivered_by_a_person,
    test_a_marketplace_s_orders_are_left_to_the_marketplace,
    test_a_change_beyond_its_limits_waits_for_approval_and_the_others_continue,
    test_the_first_writes_of_each_kind_need_approval,
)
