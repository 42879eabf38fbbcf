"""`python -m magodoo.settings [file]`: check a settings file; what `make settings` runs. `--schema` prints its JSON schema."""

from __future__ import annotations

import argparse
import sys

from magodoo.errors import BadSettings
from magodoo.settings.model import Instance
from magodoo.settings.read import FILE_VARIABLE, read_with_problems, settings_file


def main() -> int:
    """Check the settings file named on the command line and return the exit code: 0 when it is valid, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="make settings", description=__doc__)
    parser.add_argument(
        "file", nargs="?", default=settings_file(), help=f"default: ${FILE_VARIABLE}, else magodoo.yaml"
    )
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON schema that editors use, and check nothing"
    )
    chosen = parser.parse_args()
    if chosen.schema:
        from magodoo.settings.schema import text

        sys.stdout.write(text())
        return 0
    try:
        reading = read_with_problems(chosen.file)
    except BadSettings as problem:
        print(problem, file=sys.stderr)
        return 1
    for name, instance in reading.settings.instances.items():
        print(f"{chosen.file}: {name} is sound: {_words(instance)}")
    for found in reading.problems:
        print(f"{chosen.file}: {found}", file=sys.stderr)
    return 1 if reading.problems else 0


def _words(instance: Instance) -> str:
    mode = "writes" if instance.mode.any_apply else "observes"
    start = (
        f"from {instance.books_from:%Y-%m-%d %H:%M} {instance.time_zone}"
        if instance.books_from
        else "without books_from"
    )
    return f"{mode}, {start}, {instance.magento_connection} with {instance.odoo_connection}"


if __name__ == "__main__":
    sys.exit(main())
