"""`python -m magodoo.settings [file]`: check a settings file; what `make settings` runs."""

from __future__ import annotations

import argparse
import sys

from magodoo.errors import BadSettings
from magodoo.settings.read import FILE_VARIABLE, read_settings, settings_file


def main() -> int:
    parser = argparse.ArgumentParser(prog="make settings", description=__doc__)
    parser.add_argument(
        "file", nargs="?", default=settings_file(), help=f"default: ${FILE_VARIABLE}, else magodoo.yaml"
    )
    file = parser.parse_args().file
    try:
        instances = read_settings(file).instances
    except BadSettings as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{file} is sound: {', '.join(instances) or 'no instance'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
