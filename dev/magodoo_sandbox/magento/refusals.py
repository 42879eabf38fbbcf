"""Refusals of a request: a status, a message template and its parameters."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any


class Refusal(Exception):
    """`parameters` fill the template on the reader's side: a dict for names, a list for numbers (docs/facts/magento-2.4.7.md#1)."""

    def __init__(self, status: int, message: str, parameters: dict[str, Any] | list[Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.parameters = status, message, parameters

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"message": self.message}
        if self.parameters is not None:
            body["parameters"] = self.parameters
        return body


class Crash(Exception):
    """A fault inside PHP that Magento does not render as JSON: status 500 and plain text."""


def bad(message: str, parameters: dict[str, Any] | list[Any] | None = None) -> Refusal:
    return Refusal(400, message, parameters)


def no_such_entity() -> Refusal:
    return Refusal(404, "The entity that was requested doesn't exist. Verify the entity and try again.")


def no_such_route() -> Refusal:
    return Refusal(404, "Request does not match any route.")


def id_needed() -> Refusal:
    return bad("An ID is needed. Set the ID and try again.")


def internal_error() -> Refusal:
    """Unknown columns and every other database error: permanent, though it looks transient."""
    report = f"webapi-{secrets.token_hex(7)[:13]}"
    return Refusal(500, f"Internal Error. Details are available in Magento log file. Report ID: {report}")


def unsupported_field(name: str) -> Refusal:
    return bad('"%fieldName" is not supported. Correct the field name and try again.', {"fieldName": name})


def missing_field(name: str) -> Refusal:
    return bad('"%fieldName" is required. Enter and try again.', {"fieldName": name})


def wrong_type(value: Any, expected: str, field: str = "") -> Refusal:
    where = f'Error occurred during "{field}" processing. ' if field else ""
    return bad(
        f'{where}The "{value}" value\'s type is invalid. The "{expected}" type was expected. Verify and try again.'
    )


def unauthorized(resource: str) -> Refusal:
    """Return the one text for no token, a bad token, an expired one and a missing right (docs/facts/magento-2.4.7.md#1)."""
    return Refusal(401, "The consumer isn't authorized to access %resources.", {"resources": resource})


def document_errors(document: str, messages: Iterable[str]) -> Refusal:
    return bad("\n".join([f"{document} Document Validation Error(s):", *messages]))
