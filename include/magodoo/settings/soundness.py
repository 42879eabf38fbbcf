"""What a settings file says that cannot be meant, although every value is valid: what `make settings` refuses beside mistakes of form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from magodoo.settings.model import Instance, Settings

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+|[^@\s]+@localhost")


def of_instance(instance: Instance, now: datetime) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield (path within the instance, message, what to write) for what cannot be meant; `now` is aware UTC."""
    start = instance.books_from_utc
    if start is None and instance.mode.any_apply:
        yield (
            ("mode",),
            "`apply` without `books_from` writes nothing",
            "add `books_from`, the local date-time of the cut-over",
        )
    if start is not None and start > now:
        yield (
            ("books_from",),
            "the cut-over lies in the future: until then nothing is planned",
            "write a day in the past for a first look",
        )
    for name, method in instance.payment_methods.items():
        if method.captured_by_provider and not method.journal:
            where = ("payment_methods", name)
            yield (
                where,
                "captured by the provider, without a journal: no payment is registered",
                "add `journal`, the code of the provider's Odoo journal",
            )
    for group in type(instance.recipients).model_fields:
        for index, address in enumerate(getattr(instance.recipients, group)):
            if not _ADDRESS.fullmatch(address):
                yield (
                    ("recipients", group, str(index)),
                    f"{address!r} is no e-mail address",
                    "write one such as name@example.com",
                )


def of_file(settings: Settings) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield the same for what does not belong to an instance."""
    if not _ADDRESS.fullmatch(settings.smtp.sender):
        yield ("smtp", "sender"), f"{settings.smtp.sender!r} is no e-mail address", "write one such as name@example.com"
