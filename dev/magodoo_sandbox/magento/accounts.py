"""Who may call Magento: integrations with their tokens and rights, and administrators with their passwords."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

ALL = "Magento_Backend::all"


@dataclass
class Integration:
    """One integration: four secrets for OAuth 1.0a, of which the access token also works as a bearer."""

    name: str
    access_token: str
    access_secret: str
    consumer_key: str
    consumer_secret: str
    resources: set[str] = field(default_factory=lambda: {ALL})
    consumer_id: int = 1

    def allows(self, resource: str) -> bool:
        return resource in ("anonymous", "self") or ALL in self.resources or resource in self.resources


@dataclass
class Admin:
    username: str
    password: str = field(repr=False)
    resources: set[str] = field(default_factory=lambda: {ALL})
    uid: int = 1

    def allows(self, resource: str) -> bool:
        return resource in ("anonymous", "self") or ALL in self.resources or resource in self.resources


class Accounts:
    """Every credential. `bearer_enabled` is the setting that lets an integration's token be a bearer."""

    def __init__(self) -> None:
        self.integrations: list[Integration] = []
        self.admins: list[Admin] = []
        self.bearer_enabled = True
        self.admin_token_seconds = 3600
        self.signing_key = secrets.token_bytes(32)
        self.nonces: set[tuple[str, str]] = set()

    def add_integration(
        self, access_token: str = "", *, name: str = "magodoo", resources: set[str] | None = None
    ) -> Integration:
        """Return a new integration; secrets that are not given are made up. No resources given means every right."""
        integration = Integration(
            name,
            access_token or secrets.token_hex(16),
            secrets.token_hex(16),
            secrets.token_hex(16),
            secrets.token_hex(16),
            resources if resources is not None else {ALL},
            len(self.integrations) + 1,
        )
        self.integrations.append(integration)
        return integration

    def add_admin(self, username: str, password: str, resources: set[str] | None = None) -> Admin:
        admin = Admin(username, password, resources if resources is not None else {ALL}, len(self.admins) + 1)
        self.admins.append(admin)
        return admin

    def by_token(self, token: str) -> Integration | None:
        return next((known for known in self.integrations if known.access_token == token), None)

    def by_consumer(self, key: str) -> Integration | None:
        return next((known for known in self.integrations if known.consumer_key == key), None)

    def admin(self, uid: int) -> Admin | None:
        return next((known for known in self.admins if known.uid == uid), None)
