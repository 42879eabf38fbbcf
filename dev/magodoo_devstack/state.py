"""What the running stack is: its ports, addresses, passwords and keys, in one file that only its owner may read."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, Field

from magodoo_devstack import ports

PREFERRED = {"airflow": 8080, "magento": 8090, "odoo": 8069, "smtp": 8025, "postgres": 5433, "supervisor": 9011}


def _secret() -> str:
    return secrets.token_hex(20)  # never begins with a dash, which a command line would take for an option


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


class Secrets(BaseModel):
    """Made once per data folder; none has a default that could be guessed."""

    postgres: str = Field(default_factory=_secret)
    fernet: str = Field(default_factory=_fernet_key)
    jwt: str = Field(default_factory=_secret)
    session: str = Field(default_factory=_secret)
    supervisor: str = Field(default_factory=_secret)
    admin: str = Field(default_factory=lambda: secrets.token_hex(6))
    viewer: str = Field(default_factory=lambda: secrets.token_hex(6))
    magento_token: str = Field(default_factory=_secret)
    odoo_key: str = Field(default_factory=_secret)
    odoo_admin_key: str = Field(default_factory=_secret)
    control: str = Field(default_factory=_secret)


class State(BaseModel):
    """`var/stack/stack.json`."""

    ports: dict[str, int] = Field(default_factory=dict)
    demo: bool = False  # its data may be lost: nothing waits for the disk
    settings: Path | None = None  # the settings file in use
    odoo_build: str = ""  # of the real Odoo that replaces the sandbox; empty: there is none
    secrets: Secrets = Field(default_factory=Secrets)
    urls: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def load(cls, file: Path) -> State | None:
        """Return the content of the file; None if there is no file."""
        return cls.model_validate_json(file.read_text()) if file.exists() else None

    def save(self, file: Path) -> None:
        """Write the file so that no other account can read it, not even for a moment."""
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(self.model_dump_json(indent=2))
        draft.replace(file)

    def choose_ports(self, absent: Collection[str] = ()) -> list[str]:
        """Take a free port for each service and return the messages for the user about ports in use; none on services that are `absent`."""
        notes, taken = [], set[int]()
        for name, preferred in PREFERRED.items():
            port = ports.choose(preferred, taken)
            if port != preferred and name not in ("supervisor", *absent):
                notes.append(f"port {preferred} is in use, so {name} listens on {port}")
            self.ports[name] = port
            taken.add(port)
        host = "127.0.0.1"
        self.urls = {
            "airflow": f"http://localhost:{self.ports['airflow']}",
            "magento": f"http://{host}:{self.ports['magento']}",
            "odoo": f"http://{host}:{self.ports['odoo']}",
            "smtp": f"smtp://{host}:{self.ports['smtp']}",
        }
        return notes
