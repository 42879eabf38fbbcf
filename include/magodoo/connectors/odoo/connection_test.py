"""Finds out which of host, database, key, company and rights is wrong, with a message about what to fix."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from magodoo.connectors.odoo.company import Company
from magodoo.connectors.odoo.installation import GROUPS, Installation
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.connectors.odoo.versions import standing
from magodoo.errors import (
    FixConfiguration,
    Forbidden,
    MagodooError,
    Unauthorized,
    Unavailable,
    UnknownField,
    Unreadable,
)
from magodoo.timestamps import utc_now

WARN_DAYS = 30


@dataclass(frozen=True)
class ConnectionReport:
    """Result of the test: `problem` is "" or one of host, database, key, company, rights. Warnings are no failure.

    `standing` says in words what the version means: whether it is supported, expected to work, or only observed.
    """

    problem: str = ""
    message: str = ""
    version: str = ""
    standing: str = ""
    transport: str = ""
    user: str = ""
    company: str = ""
    key_expires: date | None = None
    missing_rights: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Return whether there is no problem."""
        return not self.problem

    def __str__(self) -> str:
        if self.problem:
            return f"{self.problem}: {self.message}"
        summary = f"Odoo {self.version} over {self.transport}, user {self.user}, company {self.company}"
        return "; ".join([summary, *filter(None, [self.standing]), *self.warnings])


def examine(rpc: Rpc, today: date | None = None) -> ConnectionReport:
    """Test the connection step by step and return a report, up to the first problem. Nothing is written."""
    try:
        version, transport = str(rpc.version), rpc.transport.name
    except MagodooError as problem:
        return ConnectionReport("host", str(problem))
    report = ConnectionReport(version=version, standing=standing(rpc.version).text, transport=transport)
    installation = Installation(rpc)
    try:
        rpc.call("res.users", "context_get", retry=False)
        company = Company(rpc).row()
        user = installation.user_and_rights()
        expires = installation.key_expiry()
    except MagodooError as problem:
        return replace(report, problem=_part(problem), message=str(problem))
    report = replace(report, user=str(user["login"]), company=str(company["name"]), key_expires=expires)
    missing = [f"right to {right}" for right in user["missing"]]
    missing += [f"group {group}" for group in GROUPS[:1] if group not in user["groups"]]
    if missing:
        message = f"this user lacks: {', '.join(missing)}"
        return replace(report, problem="rights", message=message, missing_rights=missing)
    return replace(report, warnings=_expiry(expires, today or utc_now().date()))


def _part(problem: MagodooError) -> str:
    """Return the part of the connection that an error is about."""
    if isinstance(problem, Unauthorized):
        return "key"
    if isinstance(problem, Forbidden):
        return "company" if "company" in str(problem).lower() or "compan" in str(problem) else "rights"
    if isinstance(problem, Unavailable) or (isinstance(problem, FixConfiguration) and "database" in str(problem)):
        return "database"
    if isinstance(problem, UnknownField):
        return "rights"
    return "host" if isinstance(problem, Unreadable | FixConfiguration) else "database"


def _expiry(expires: date | None, today: date) -> list[str]:
    if expires is None or (expires - today).days > WARN_DAYS:
        return []
    return [f"an API key of this user expires on {expires.isoformat()}: make a new one before"]
