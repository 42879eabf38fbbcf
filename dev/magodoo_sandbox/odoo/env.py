"""Who calls, with which context, at which moment: what every method of a model is given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from magodoo_sandbox.odoo.errors import AccessError

if TYPE_CHECKING:
    from magodoo_sandbox.odoo.database import OdooDatabase


@dataclass
class Env:
    """One call. `stamp`, the start of its transaction, is the write_date of all it writes (docs/facts/odoo-19.0.md#4)."""

    db: OdooDatabase
    uid: int
    stamp: str
    context: dict[str, Any] = field(default_factory=dict)
    sudo: bool = False

    def __getitem__(self, model: str) -> Any:
        return self.db.models[model]

    def but(self, *, sudo: bool | None = None, **context: Any) -> Env:
        return replace(self, sudo=self.sudo if sudo is None else sudo, context={**self.context, **context})

    @property
    def now(self) -> str:
        return self.stamp[:19]

    @property
    def today(self) -> str:
        return self.stamp[:10]

    @cached_property
    def user(self) -> dict[str, Any]:
        return self.db.tables["res.users"][self.uid]

    @cached_property
    def groups(self) -> set[int]:
        return self.db.models["res.groups"].with_implied(self.user.get("group_ids") or [])

    @cached_property
    def company_ids(self) -> list[int]:
        """The companies that the call may see: `allowed_company_ids`, else all of the user's."""
        own: list[int] = self.user.get("company_ids") or [self.user["company_id"]]
        allowed: list[int] = self.context.get("allowed_company_ids") or []
        if not self.sudo and any(company not in own for company in allowed):
            raise AccessError("Access to unauthorized or invalid companies.")
        return allowed or own

    @property
    def company_id(self) -> int:
        allowed = self.context.get("allowed_company_ids")
        return int(allowed[0]) if allowed else int(self.user["company_id"])
