"""Install Odoo 19 from Debian's package into a folder of its own, with a Python environment of its own.

The package lives in Debian's unstable suite. It is taken from the mirror that this machine's own apt is configured
for, with apt's own verification, through lists and a cache of our own: the system's package lists stay as they are.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from magodoo.errors import FixConfiguration

PACKAGE = "odoo-19"
SUITE = "unstable"
TESTED_BUILD = "19.0.0+dfsg-1"
"""The build with which the facts and the test suite were verified; a different build is reported as such."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT = Path("/etc/apt")
REQUIREMENTS = Path(__file__).with_name("odoo-19.txt")


class Installation(Protocol):
    """An Odoo that can be run: the paths of its parts, and its name."""

    @property
    def home(self) -> Path:
        """The folder for what is made for it: its database, its files, its log."""
        ...

    @property
    def library(self) -> Path:
        """The folder that holds the Python package `odoo`."""
        ...

    @property
    def addons(self) -> tuple[Path, ...]: ...

    @property
    def python(self) -> Path: ...

    @property
    def script(self) -> Path: ...

    @property
    def build(self) -> str:
        """The exact version, e.g. `19.0.0+dfsg-1` or `18.0.post20250421`."""
        ...

    def install(self) -> None: ...


@dataclass(frozen=True)
class OdooPackage:
    """An unpacked Odoo below `home`: `package/` is Debian's, `venv/` holds its requirements."""

    home: Path

    @property
    def library(self) -> Path:
        return self.home / "package" / "usr" / "lib" / "python3" / "dist-packages"

    @property
    def addons(self) -> tuple[Path, ...]:
        # dist-packages/addons is incomplete (docs/facts/odoo-19.0.md#8)
        return (self.library / "odoo" / "addons",)

    @property
    def python(self) -> Path:
        return self.home / "venv" / "bin" / "python"

    @property
    def script(self) -> Path:
        """Debian's `odoo`: a server with workers starts one more process from the script that it was started by itself."""
        return self.home / "package" / "usr" / "bin" / "odoo"

    @property
    def build(self) -> str:
        """The Debian version that is unpacked, e.g. `19.0.0+dfsg-1`; empty before."""
        note = self.home / "package.version"
        return note.read_text().strip() if note.exists() else ""

    def install(self) -> None:
        """Fetch, unpack and complete it, unless that is done already.

        Raises:
            FixConfiguration: the package or a requirement cannot be installed; the message has apt's or pip's output.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.build:
            self._unpack(self._download())
        stamp = self.home / "venv" / "requirements.txt"
        if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
            self._make_venv()
            shutil.copyfile(REQUIREMENTS, stamp)

    def _download(self) -> Path:
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            raise FixConfiguration("Odoo 19 is taken from Debian's package, and this machine has no apt", hint=_HINT)
        apt = self._apt_folder()
        _run([*apt, "update"], "Debian's list of packages cannot be had", cwd=self.home)
        _run([*apt, "download", PACKAGE], f"the package {PACKAGE} cannot be had from {SUITE}", cwd=self.home)
        return max(self.home.glob(f"{PACKAGE}_*.deb"), key=lambda path: path.stat().st_mtime)

    def _apt_folder(self) -> list[str]:
        """Return the command line of an apt-get that knows only the unstable suite of this machine's mirror."""
        root = self.home / "apt"
        for folder in ("state/lists/partial", "cache/archives/partial", "preferences.d"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        (root / "sources.list").write_text(f"deb {signed}{mirror(APT)} {SUITE} main\n")
        options = {
            "Dir::State": root / "state",
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": root / "cache",
            "Dir::Etc::sourcelist": root / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferencesparts": root / "preferences.d",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        return ["apt-get", "-q", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]

    def _unpack(self, archive: Path) -> None:
        shutil.rmtree(self.home / "package", ignore_errors=True)
        _run(["dpkg", "-x", str(archive), str(self.home / "package")], "the package cannot be unpacked", cwd=self.home)
        (self.home / "package.version").write_text(archive.name.split("_")[1].replace("%3a", ":") + "\n")
        archive.unlink()
        shutil.rmtree(self.home / "apt")

    def _make_venv(self) -> None:
        shutil.rmtree(self.home / "venv", ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(self.home / "venv")], "no environment for Odoo", cwd=self.home)
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)]
        _run(pip, "Odoo's Python requirements cannot be installed", cwd=self.home)


_HINT = "run this on Debian 12 or later, with a mirror that carries the unstable suite"


def mirror(apt: Path) -> str:
    """Return the Debian mirror of this machine, out of apt's own configuration (both of its formats).

    Raises:
        FixConfiguration: no source of Debian is configured.
    """
    for address in _addresses(apt):
        if address.rstrip("/").endswith("/debian"):
            return address.rstrip("/")
    raise FixConfiguration("apt is configured for no Debian mirror", hint=_HINT)


def _addresses(apt: Path) -> Iterator[str]:
    parts = apt / "sources.list.d"
    for path in sorted(parts.glob("*.sources")):
        for line in path.read_text().splitlines():
            if line.lower().startswith("uris:"):
                yield from line.split()[1:]
    for path in (apt / "sources.list", *sorted(parts.glob("*.list"))):
        for line in path.read_text().splitlines() if path.exists() else ():
            found = re.match(r"deb\s+(?:\[[^\]]*\]\s*)?(\S+)", line)
            if found:
                yield found[1]


def _run(words: list[str], failure: str, *, cwd: Path) -> None:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        output = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise FixConfiguration(f"{failure}: {output}", hint=_HINT)
