"""What Odoo raises, and the HTTP status that JSON-2 gives it (docs/facts/odoo-19.0.md#1).

Plain Python errors (`ValueError`, `KeyError` ...) leave the server as 500 `builtins.*`, exactly as Odoo's own do, so
the rest of the package raises them as they are.
"""

from __future__ import annotations

from typing import Any

_HTTP_NAMES = {400: "BadRequest", 401: "Unauthorized", 404: "NotFound", 422: "UnprocessableEntity"}


class OdooError(Exception):
    """Base: `name` as in the answer's body, `status` of JSON-2, `arguments` beside the message."""

    name = "odoo.exceptions.UserError"
    status = 422

    def __init__(self, message: str, *arguments: Any) -> None:
        super().__init__(message)
        self.message = message
        self.arguments = list(arguments) or [message]


class UserError(OdooError):
    """A business rule refuses."""


class ValidationError(UserError):
    """A constraint of the data refuses."""

    name = "odoo.exceptions.ValidationError"

    def __init__(self, message: str, *arguments: Any, field: str = "") -> None:
        super().__init__(message, *arguments)
        self.field = field


class AccessError(OdooError):
    """A right is missing, or the method is private."""

    name = "odoo.exceptions.AccessError"
    status = 403


class AccessDenied(OdooError):
    """Wrong credentials over classic RPC."""

    name = "odoo.exceptions.AccessDenied"
    status = 403


class MissingError(OdooError):
    """A record that is not there."""

    name = "odoo.exceptions.MissingError"
    status = 404

    def __init__(self, model: str, ids: list[int], uid: int) -> None:
        records = ", ".join(str(i) for i in ids) + ("," if len(ids) == 1 else "")
        super().__init__(f"Record does not exist or has been deleted.\n(Record: {model}({records}), User: {uid})")


class RedirectWarning(OdooError):
    """A refusal with a way out for a person; JSON-2 answers 500."""

    name = "odoo.exceptions.RedirectWarning"
    status = 500


class DatabaseError(OdooError):
    """An error of PostgreSQL; `name` starts with `psycopg2.`."""

    status = 500

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = f"psycopg2.{name}"


class HttpError(OdooError):
    """An answer of the HTTP layer; its arguments carry the status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, message, status)
        self.status = status
        self.name = f"werkzeug.exceptions.{_HTTP_NAMES[status]}"


def describe(problem: Exception) -> tuple[int, dict[str, Any]]:
    """Status and the body's `name`, `message`, `arguments`, `context` of any error."""
    if isinstance(problem, OdooError):
        return problem.status, {
            "name": problem.name,
            "message": problem.message,
            "arguments": problem.arguments,
            "context": {},
        }
    arguments = [argument if isinstance(argument, str | int) else str(argument) for argument in problem.args]
    name = f"builtins.{type(problem).__name__}"
    message = "\n".join(str(argument) for argument in arguments)
    return 500, {"name": name, "message": message, "arguments": arguments, "context": {}}
