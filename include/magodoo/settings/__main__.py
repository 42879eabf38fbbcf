"""`python -m magodoo.settings [file]`: check a settings file; what `make settings` runs. `--schema` prints its JSON schema."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from magodoo.errors import BadSettings
from magodoo.settings.model import Instance
from magodoo.settings.read import FILE_VARIABLE, read_with_problems, settings_file
from magodoo.settings.undecided import BLANK, open_lines
from magodoo.timestamps import utc_now


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
    problems = [*reading.problems, *reading.unsound(utc_now())]
    for name, instance in reading.settings.instances.items():
        if all(problem.instance != name for problem in problems):
            print(f"{chosen.file}: {name} is sound: {_words(instance)}")
    for found in problems:
        print(f"{chosen.file}: {found}", file=sys.stderr)
    undecided = open_lines(Path(chosen.file).read_text(encoding="utf-8"))
    if undecided:
        print(f"{chosen.file}: {_open(len(undecided))}")
        for line, setting in undecided:
            print(f"  line {line}: {setting}")
    return 1 if problems else 0


def _open(number: int) -> str:
    lines = "1 line is open" if number == 1 else f"{number} lines are open"
    return f"{lines}: put one of its choices in the place of {BLANK} and take away the # before it. Until then what it is about waits as a finding"


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
