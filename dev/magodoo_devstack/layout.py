"""The stack's folders, and the environment variable that marks its processes."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

MARK = "MAGODOO_STACK"


@dataclass(frozen=True)
class Layout:
    """The folders of one checkout; everything that the stack writes is below `var`."""

    checkout: Path

    @classmethod
    def here(cls) -> Layout:
        """Return the checkout that this file belongs to."""
        return cls(Path(__file__).resolve().parents[2])

    @property
    def var(self) -> Path:
        return self.checkout / "var"

    def make_var(self) -> None:
        """Make `var`, or close it where it is open: keys, mails, payloads and logs are for the account that runs the stack only."""
        self.var.mkdir(parents=True, exist_ok=True)
        self.var.chmod(0o700)

    @property
    def stack(self) -> Path:
        return self.var / "stack"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def mail(self) -> Path:
        return self.var / "mail"

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def airflow(self) -> Path:
        return self.var / "airflow"

    @property
    def demo(self) -> Path:
        return self.var / "demo"

    @property
    def kept(self) -> tuple[Path, ...]:
        """Every folder that the stack and the DAGs fill."""
        docs = self.var / "data_docs"
        return (self.stack, self.log, self.mail, self.postgres, self.airflow, self.demo, docs)

    @property
    def demo_settings(self) -> Path:
        """The settings file of the demo."""
        return self.demo / "magodoo.yaml"

    @property
    def odoo(self) -> Path:
        """Where `make odoo` keeps a real Odoo: the package, its environment, the template of its databases."""
        return self.var / "odoo-19"

    @property
    def odoo_dump(self) -> Path:
        """The database dump of a demo with a real Odoo."""
        return self.demo / "odoo.dump"

    @property
    def own_settings(self) -> Path | None:
        """The settings file that the caller names, else the checkout's, if there is one."""
        named = os.environ.get("MAGODOO_SETTINGS")
        file = Path(named).absolute() if named else self.checkout / "magodoo.yaml"
        return file if named or file.exists() else None

    def default_settings(self, *, demo: bool) -> Path:
        """Return the settings file of a stack that was started before there was one: `make init` writes it while the stack runs."""
        return self.demo_settings if demo else self.checkout / "magodoo.yaml"

    @property
    def mark(self) -> str:
        """The mark in the environment of every process of this checkout's stack."""
        return hashlib.sha256(str(self.checkout).encode()).hexdigest()[:16]

    def program(self, name: str) -> str:
        """Return a program of the virtual environment."""
        return str(Path(sys.executable).parent / name)
