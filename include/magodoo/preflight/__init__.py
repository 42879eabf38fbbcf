"""Decide whether an instance may write: check connections, rights, mappings and accounting before `apply` is switched on.

`magento`, `odoo`, `mappings`, `accounting`, `demands` and `deployment` hold the checks, one function each; `results` holds the lines
and stores them. `magodoo.pipeline.preflight` runs them.
"""

from magodoo.preflight.results import CheckLine, Status, passed, why_not

__all__ = ["CheckLine", "Status", "passed", "why_not"]
