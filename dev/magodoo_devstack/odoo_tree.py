"""An Odoo that is already on this machine, as sources or installed: the live suite runs on it as on Debian's package.

    make test-odoo ODOO_HOME=/srv/odoo-18.0 [ODOO_PYTHON=/srv/venv/bin/python]

Without an interpreter of its own it gets an environment below `home` with the pinned requirements of Debian's Odoo 19, which 17
and 18 run on too.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from magodoo.errors import FixConfiguration
from magodoo_devstack.odoo_package import REQUIREMENTS, Installation, OdooPackage

SCRIPTS = ("odoo-bin", "setup/odoo", "bin/odoo", "usr/bin/odoo")
ROOTS = (".", "usr/lib/python3/dist-packages", "lib/python3*/site-packages", "lib/python3*/dist-packages")
OLDER = ("setuptools<81", "decorator==5.1.1")
"""What Odoo before 19 needs besides: pkg_resources, which left setuptools with 81, and a package that 19 does without."""


def installation(home: Path, environ: Mapping[str, str] = os.environ) -> Installation:
    """Return the Odoo that ODOO_HOME names, or Debian's package where it names none.

    Args:
        home: the folder of Debian's package; a tree gets one of its own beside it, by its version.

    Raises:
        FixConfiguration: there is no Odoo in the folder.
    """
    where = environ.get("ODOO_HOME", "")
    if not where:
        return OdooPackage(home)
    tree = Path(where).expanduser().resolve()
    for root in _roots(tree):
        if (root / "odoo" / "release.py").exists():
            version = _version(tree, root)
            digest = hashlib.sha256(f"{tree} {environ.get('ODOO_PYTHON', '')}".encode()).hexdigest()[:8]
            own = home.with_name(f"odoo-{version}-{digest}")
            return OdooTree(own, tree, root, version, environ.get("ODOO_PYTHON", ""))
    raise FixConfiguration(
        f"ODOO_HOME is {where}, and there is no odoo/release.py in it",
        hint="name the folder with odoo-bin, or the environment that Odoo is installed in",
    )


def _roots(tree: Path) -> Iterator[Path]:
    for pattern in ROOTS:
        yield from [tree] if pattern == "." else sorted(tree.glob(pattern))


def _version(tree: Path, root: Path) -> str:
    """`18.0.post20250421` of a release, `18.0` of a checkout."""
    release = tree / "PKG-INFO"
    found = re.search(r"^Version: (\S+)$", release.read_text(), re.M) if release.exists() else None
    if found:
        return found[1]
    source = (root / "odoo" / "release.py").read_text()
    numbers = re.search(r"^version_info = \('?([^,']+)'?, (\d+)", source, re.M)
    if not numbers:
        raise FixConfiguration(f"the version of the Odoo in {root} cannot be read", hint="is odoo/release.py whole?")
    return f"{numbers[1]}.{numbers[2]}"


@dataclass(frozen=True)
class OdooTree:
    """An Odoo in `tree`, whose package `odoo` is in `library`; environment, database and log are below `home`."""

    home: Path
    tree: Path
    library: Path
    build: str
    interpreter: str = ""

    @property
    def addons(self) -> tuple[Path, ...]:
        inside, beside = self.library / "odoo" / "addons", self.tree / "addons"
        return (inside, beside) if beside.is_dir() else (inside,)

    @property
    def python(self) -> Path:
        return Path(self.interpreter) if self.interpreter else self.home / "venv" / "bin" / "python"

    @property
    def script(self) -> Path:
        for name in SCRIPTS:
            if (self.tree / name).exists():
                return self.tree / name
        raise FixConfiguration(f"there is none of {', '.join(SCRIPTS)} in {self.tree}", hint="name the folder of Odoo")

    def install(self) -> None:
        """Make the environment, unless one is named or was made.

        Raises:
            FixConfiguration: a requirement cannot be installed; the message has pip's output.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        if self.interpreter:
            return
        wanted = "\n".join((*OLDER, REQUIREMENTS.read_text()))
        stamp = self.home / "venv" / "requirements.txt"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(self.home / "venv", ignore_errors=True)
        self._run([sys.executable, "-m", "venv", str(self.home / "venv")])
        pip = [str(self.python), "-m", "pip", "install", "--quiet"]
        self._run([*pip, *OLDER, "--requirement", str(REQUIREMENTS)])
        stamp.write_text(wanted)

    def _run(self, words: list[str]) -> None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            output = (done.stderr.strip() or done.stdout.strip())[-1500:]
            raise FixConfiguration(
                f"no environment for the Odoo in {self.tree}: {output}", hint="ODOO_PYTHON=... names one"
            )
