"""`python -m magodoo_sandbox.seed --folder demo --orders 300`: write the states of both sandboxes, the settings and the manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

from magodoo_sandbox.seed.write import write


def main() -> None:
    parser = argparse.ArgumentParser(prog="magodoo_sandbox.seed", description="A shop with planted differences.")
    parser.add_argument("--folder", type=Path, required=True, help="gets magento.json, odoo.json and magodoo.yaml")
    parser.add_argument(
        "--manifest", type=Path, help="the folder of manifest.json (default: `manifest` below --folder)"
    )
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    write(options.folder, options.manifest or options.folder / "manifest", orders=options.orders, seed=options.seed)


if __name__ == "__main__":
    main()
