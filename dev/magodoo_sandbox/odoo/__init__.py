"""A small Odoo 19 in memory: the models, calls, refusals and side effects that the pipeline meets, as recorded.

`OdooDatabase` is the database, `RunningSandbox` serves one from a thread; `python -m magodoo_sandbox.odoo` serves one
until it is stopped.
"""

from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.server import OdooApp, RunningSandbox

__all__ = ["OdooApp", "OdooDatabase", "RunningSandbox"]
