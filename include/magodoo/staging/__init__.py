"""Store in PostgreSQL what was read from Magento and Odoo, how far each was read, and which orders are due.

`connect(url)` returns the engine, `migrate(url)` brings the schema `magodoo` up to date. Each module owns its tables:
`documents` (payload, document, line), `watermarks`, `work_queue` (order_work), `quarantine`, `master_data` (master),
`sales_lines` (listed, unlisted, agreement), `retention` (erased) and `runs` (run).

`order_linking` finds the Magento order of every document, `line_linking` the order item of every line. `completeness`
finds orders of which documents are missing, `deletion` marks what a source no longer has, and `frames` reads whole
orders for `magodoo.reconcile`.
"""

from magodoo.staging.db import connect, migrate

__all__ = ["connect", "migrate"]
