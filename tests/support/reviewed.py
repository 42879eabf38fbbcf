"""What is known to differ between a build of Odoo and what the sandbox is held to: `differences/<build>.yaml`, one file for each."""

from __future__ import annotations

from pathlib import Path

import yaml

from magodoo.connectors.odoo.versions import Version
from magodoo_devstack.odoo_package import TESTED_BUILD

FOLDER = Path(__file__).resolve().parents[1] / "odoo" / "differences"


def is_reviewed(build: str) -> bool:
    """Whether a person has reviewed this build."""
    return (FOLDER / f"{build}.yaml").exists()


def nearest(build: str) -> str:
    """Return the reviewed build whose differences a build is held to: itself, another of its series, or the tested one."""
    if is_reviewed(build):
        return build
    series = Version.parsed(build)
    others = sorted(file.stem for file in FOLDER.glob("*.yaml") if Version.parsed(file.stem) == series)
    return others[-1] if others else TESTED_BUILD


def told(build: str) -> str:
    """What a test run says of the build that it met."""
    if is_reviewed(build):
        return f"Odoo {build}, reviewed in tests/odoo/differences"
    known = nearest(build)
    return (
        f"Odoo {build} is another build than the reviewed {known}, whose differences are taken for its own. "
        f"Next: read what differs, and copy {known}.yaml to {build}.yaml"
        + (", and name the build in odoo_package.py" if known == TESTED_BUILD else "")
    )


def differences(build: str) -> dict[str, dict[str, str]]:
    """{exchange or kind of record: {what: why}} of a build, or of the nearest one where this one was not reviewed."""
    file = FOLDER / f"{nearest(build)}.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {}
