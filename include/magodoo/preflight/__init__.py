"""Whether this instance may write: connections, rights, mappings and books looked at before a person switches `apply` on.

`lines` has the words; `magento`, `odoo`, `mappings`, `books` and `house` hold the checks, one function each; `store` keeps the
result. The story that runs them is `magodoo.pipeline.preflight`.
"""

from magodoo.preflight.results import CheckLine, Status, passed, why_not

__all__ = ["CheckLine", "Status", "passed", "why_not"]
