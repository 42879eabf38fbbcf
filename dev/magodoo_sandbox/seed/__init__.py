"""Reproducible data of Magento and Odoo, with differences planted on purpose and a manifest of them.

`write(directory, orders=300, seed=7)` makes `magento.json` and `odoo.json` for the two sandboxes, `magodoo.yaml` with the settings
of the pipeline and, in a folder of its own, `manifest.json`: what the pipeline must find. The pipeline never gets its path.
`write_with` writes to another Odoo instead: a real one.
"""

from magodoo_sandbox.seed.write import write, write_with

__all__ = ["write", "write_with"]
