"""What is known to differ between a build of Odoo and what the sandbox is held to: `differences/<Debian version>.yaml`."""

from __future__ import annotations

from pathlib import Path

import yaml

from magodoo_devstack.odoo_package import TESTED_BUILD

FOLDER = Path(__file__).resolve().parents[1] / "odoo" / "differences"


def is_reviewed(build: str) -> bool:
    """Whether a person has reviewed this build."""
    return (FOLDER / f"{build}.yaml").exists()


def told(build: str) -> str:
    """What a test run says of the build that it met."""
    if is_reviewed(build):
        return f"Odoo {build}, reviewed in tests/odoo/differences"
    return (
        f"Odoo {build} is another build than the reviewed {TESTED_BUILD}, whose differences are taken for its own. "
        f"Next: read what differs, copy {TESTED_BUILD}.yaml to {build}.yaml, and name the build in odoo_package.py"
    )


def differences(build: str) -> dict[str, dict[str, str]]:
    """{exchange or kind of record: {what: why}} of a build; of the tested one where this one was not reviewed."""
    file = FOLDER / f"{build if is_reviewed(build) else TESTED_BUILD}.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {}
