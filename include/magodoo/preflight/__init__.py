"""Whether this instance may write: connections, rights, mappings and accounting looked at before a person switches `apply` on.

`magento`, `odoo`, `mappings`, `accounting`, `demands` and `deployment` hold the checks, one function each; `results` has the lines and
keeps them. `magodoo.pipeline.preflight` runs them.
"""

from magodoo.preflight.results import CheckLine, Status, passed, why_not

__all__ = ["CheckLine", "Status", "passed", "why_not"]
