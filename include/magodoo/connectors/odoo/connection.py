"""Address and credentials of one Odoo: the one object that holds the API key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from magodoo.connectors.http import Limits
from magodoo.errors import BadSettings


@dataclass(frozen=True)
class OdooConnection(Limits):
    """One company of one Odoo database, as one user.

    `login` is needed for JSON-RPC only (Odoo 18 and earlier); JSON-2 identifies the user by the key. `parallel_writes` limits concurrent
    writes of independent documents; 1 where Odoo has a single worker. A write times out later than a read: Odoo retries conflicts itself
    for up to 14 s and waits for row locks without limit (docs/facts/odoo-19.0.md#1). An answer is far smaller
    than `largest_body` (500 invoices with lines: 1 MB).
    """

    url: str
    database: str
    api_key: str = field(repr=False)
    company_id: int
    login: str = ""
    parallel_reads: int = 4
    parallel_writes: int = 2
    ca_bundle: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadSettings(
                "the Odoo URL must start with http:// or https:// and name a host", system="odoo",
                hint="write https:// before the name, or http:// inside your own network",
            )  # fmt: skip
        if parts.username or parts.password:
            raise BadSettings(
                "the Odoo URL must not contain a password; the API key has a field of its own", system="odoo"
            )
        object.__setattr__(self, "url", urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", "")))
        for name, value in (("database", self.database), ("API key", self.api_key)):
            if not value or not value.isprintable():
                raise BadSettings(f"the Odoo connection has no usable {name}", system="odoo")
        if isinstance(self.company_id, bool) or self.company_id < 1:
            raise BadSettings("the Odoo connection must name one company by its id", system="odoo")

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> OdooConnection:
        """Return the connection for settings or for the fields of an Airflow connection. Unknown keys are ignored, numbers may be text.

        Raises BadSettings naming the missing or invalid key, never a value.
        """
        missing = [key for key in ("url", "database", "api_key", "company_id") if not mapping.get(key)]
        if missing:
            raise BadSettings(f"the Odoo connection lacks {', '.join(missing)}", system="odoo")
        values: dict[str, Any] = {key: str(mapping[key]) for key in ("url", "database", "api_key")}
        for key, kind in _TYPED.items():
            if mapping.get(key) in (None, ""):
                continue
            try:
                values[key] = kind(mapping[key])
            except (TypeError, ValueError):
                raise BadSettings(f"the Odoo connection's {key} cannot be read", system="odoo") from None
        return cls(**values)


def _file(value: Any) -> str:
    if not Path(str(value)).exists():
        raise ValueError(value)
    return str(value)


_TYPED: dict[str, Callable[[Any], Any]] = {
    "company_id": int,
    "login": str,
    "connect_timeout": float,
    "read_timeout": float,
    "write_timeout": float,
    "parallel_reads": int,
    "parallel_writes": int,
    "attempts": int,
    "ca_bundle": _file,
}
