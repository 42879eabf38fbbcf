"""The state of a payment authorisation that was not captured, as stored in `details.authorisation` of an order."""

from __future__ import annotations

OPEN, VOIDED, CLOSED, CAPTURED, NONE, UNREAD = "open", "voided", "closed", "captured", "none", "unread"
"""`voided` is followed by a blank and the date."""
RIGHT = "Magento_Sales::transactions_fetch"


def is_over(authorisation: str) -> bool:
    """Return whether nothing can be captured from the authorisation any more: it is voided or closed."""
    return authorisation.partition(" ")[0] in (VOIDED, CLOSED)


def words(authorisation: str) -> str:
    """Return a sentence for users: what Magento reports of the authorisation, and what is not known."""
    state, _, day = authorisation.partition(" ")
    return {
        OPEN: "Magento shows it as open; it does not show whether the provider has let it run out",
        VOIDED: f"Magento shows it as voided on {day}",
        CLOSED: "Magento shows it as closed, without a capture",
        CAPTURED: "Magento has a capture of it, and no amount that was paid online: ask the provider",
        NONE: "Magento has no transaction of it: whether it is still open is not known",
    }.get(
        state,
        f"Whether it was voided since is not known: the transactions could not be read (they need the right {RIGHT})",
    )
