"""A reproducible shop and its books, with differences planted on purpose and a manifest of what was planted.

`write(directory, orders=300, seed=7)` makes `magento.json` and `odoo.json` for the two sandboxes, `magodoo.yaml` with the settings
of the pipeline and, in a folder of its own, `manifest.json`: what the pipeline must find. The pipeline is never told where.
"""

from magodoo.sandbox.seed.write import write

__all__ = ["write"]
