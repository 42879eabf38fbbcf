"""A reproducible shop and its books, with differences planted on purpose and a manifest of what was planted.

`write(directory, orders=300, seed=7)` makes `magento.json` and `odoo.json` for the two sandboxes, `magodoo.yaml` with the settings
of the pipeline and, in a folder of its own, `manifest.json`: what the pipeline must find. The pipeline is never told where.
`write_with` enters the books into another Odoo instead: a real one.
"""

from magodoo_sandbox.seed.write import write, write_with

__all__ = ["write", "write_with"]
