"""Address and credentials of one Magento: the one object that holds its secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from magodoo import __version__
from magodoo.connectors.http import Limits
from magodoo.errors import BadSettings


@dataclass(frozen=True)
class BearerToken:
    """The access token of an integration; works where `enable_integration_as_bearer` is 1 (docs/facts/magento-2.4.7.md#1)."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class OAuth1:
    """The four keys of an integration. Calls are signed with HMAC-SHA256, the default since 2.4.4."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)


@dataclass(frozen=True)
class AdminLogin:
    """A user of the admin panel. The token is fetched and renewed automatically. Not possible with two-factor authentication."""

    username: str
    password: str = field(repr=False)


Auth = BearerToken | OAuth1 | AdminLogin


@dataclass(frozen=True)
class MagentoConnection(Limits):
    """One Magento, as one user. Waits are in seconds.

    A write times out later than a read: Magento completes it after the client has given up (docs/facts/magento-2.4.7.md#7). `page_size` is rows
    per list page; an order is about 9 kB, an invoice 2 kB. `parallel` limits concurrent reads; two saturate a small server
    (docs/facts/magento-2.4.7-more.md#8).
    """

    base_url: str
    auth: Auth
    store_code: str = ""
    verify: bool | str = True
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    page_size: int = 100
    parallel: int = 2
    first_wait: float = 0.5
    longest_wait: float = 20.0
    user_agent: str = f"magodoo/{__version__}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _clean_url(self.base_url))
        for name, secret in vars(self.auth).items():
            if not _usable(secret, any_text=name == "password"):
                raise BadSettings(f"the Magento connection has no usable {name.replace('_', ' ')}", system="magento")
        if self.verify is False or self.verify == "":
            raise BadSettings(
                "TLS certificates of the shop are always verified",
                system="magento",
                hint="give the path of the shop's CA certificate as `verify`",
            )
        if self.store_code and not re.fullmatch(r"[a-z][a-z0-9_]*", self.store_code):
            raise BadSettings(f"{self.store_code!r} is no store code", system="magento")
        if not 1 <= self.page_size <= 1000 or not 1 <= self.parallel <= 8 or self.attempts < 1:
            raise BadSettings("page_size must be 1 to 1000, parallel 1 to 8, attempts at least 1", system="magento")

    @property
    def rest_url(self) -> str:
        """Return the base URL of the routes. A store code changes defaults; it filters no list (docs/facts/magento-2.4.7.md#3)."""
        return f"{self.base_url}/rest/{self.store_code}/V1" if self.store_code else f"{self.base_url}/rest/V1"

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> MagentoConnection:
        """Return the connection for settings or for the fields of an Airflow connection. Unknown keys are ignored, numbers may be text.

        The keys decide the login: four OAuth keys, `token`, or `username` and `password`. Raises BadSettings naming the missing or invalid
        key, never a value.
        """
        values: dict[str, Any] = {"base_url": str(mapping.get("base_url") or ""), "auth": _auth(mapping)}
        for key, kind in _TYPED.items():
            if mapping.get(key) in (None, ""):
                continue
            try:
                values[key] = kind(mapping[key])
            except (TypeError, ValueError):
                raise BadSettings(f"the Magento connection's {key} cannot be read", system="magento") from None
        return cls(**values)


def _auth(mapping: Mapping[str, Any]) -> Auth:
    for kind in (OAuth1, BearerToken, AdminLogin):
        names = list(kind.__dataclass_fields__)
        if all(mapping.get(name) for name in names):
            return kind(**{name: str(mapping[name]) for name in names})
    begun = [name for name in OAuth1.__dataclass_fields__ if mapping.get(name)]
    missing = [name for name in OAuth1.__dataclass_fields__ if not mapping.get(name)]
    if begun:
        raise BadSettings(f"the Magento connection lacks {', '.join(missing)}", system="magento")
    raise BadSettings(
        "the Magento connection has no complete login",
        system="magento",
        hint="give the four OAuth keys of an integration, or `token`, or `username` and `password`",
    )


def _usable(secret: str, *, any_text: bool) -> bool:
    """Return whether a secret can be sent. A password may contain anything; a header value may not."""
    return bool(secret) and (any_text or (secret.isascii() and secret.isprintable() and " " not in secret))


def _clean_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSettings(
            "the Magento URL must start with http:// or https:// and name a host", system="magento",
            hint="write https:// before the name, or http:// inside your own network",
        )  # fmt: skip
    if parts.username or parts.password:
        raise BadSettings("the Magento URL must not contain a password", system="magento")
    path = re.sub(r"/rest(/.*)?$", "", parts.path.rstrip("/"))
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _verify(value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    text = str(value)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if not Path(text).exists():
        raise ValueError(text)
    return text


def _proxies(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError
    return {str(scheme): str(address) for scheme, address in value.items()}


_TYPED: dict[str, Callable[[Any], Any]] = {
    "store_code": str,
    "verify": _verify,
    "proxies": _proxies,
    "connect_timeout": float,
    "read_timeout": float,
    "write_timeout": float,
    "page_size": int,
    "parallel": int,
    "attempts": int,
    "user_agent": str,
}
