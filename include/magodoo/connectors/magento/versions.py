"""What each version of Magento is to this project, and how the version of a shop is found.

`/magento_version` names no more than `2.4`, and not even that where the module `Magento_Version` is off. The list of modules, which an
integration may be allowed to read, has modules that came with a release.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Proof(StrEnum):
    """How it is known that a release does what is used of it."""

    RUN = "run"
    READ = "read"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Release:
    """A release: how it is known, from what, and what is known to differ from 2.4.7."""

    name: str
    proof: Proof
    source: str
    differs: str = ""


_FLOOR = "the row of an order item may be a little below zero (docs/facts/magento-versions.md)"
_SHOWN = "figures of order items mean something else, and are read with either meaning (docs/facts/magento-versions.md)"
RELEASES: tuple[Release, ...] = (
    Release("2.4.4", Proof.ASSUMED, "its routes are those of 2.4.1 and of 2.4.6, which were read", _FLOOR),
    Release("2.4.5", Proof.ASSUMED, "its routes are those of 2.4.1 and of 2.4.6, which were read"),
    Release(
        "2.4.6", Proof.READ,
        "routes and fields of every call, `ramses1987/Magento-2.4.6-p4` at `7afa6e65c7c1167d468b89f6bb6301b9067d750c`",
    ),
    Release("2.4.7", Proof.RUN, "`make test-magento` and `make test-pair` on 2.4.7-p3 (docs/live-systems.md)"),
    Release("2.4.8", Proof.ASSUMED, "reports of others; its sources were read in part", _SHOWN),
    Release("Mage-OS", Proof.ASSUMED, "sources of orders and taxes (`1442d12f`, `f158aef3`); the rest is Magento's", _SHOWN),
    Release(
        "Adobe Commerce", Proof.ASSUMED, "public clients of it; nobody here has it",
        "gift cards, store credit, points and wrapping are parts of a total; an unknown one holds the document",
    ),
)  # fmt: skip
"""The releases of 2.4 that are maintained or were lately. The routes of 2.4.1, 2.4.6 and 2.4.7 that are called are the same."""

RUN_ON = "2.4"
"""What `/magento_version` says of the release that was run."""

CAME_WITH: tuple[tuple[str, str], ...] = (
    ("Magento_OrderCancellation", "2.4.7"),  # not in 2.4.6-p4, in 2.4.7-p3
    ("Magento_OpenSearch", "2.4.6"),  # not in 2.4.1, in 2.4.6-p4
)
"""(module, release that has it and whose forerunner has not), the latest first. A module may be switched off, so that its absence tells nothing."""

COMMERCE = ("Magento_GiftCardAccount", "Magento_CustomerBalance", "Magento_Reward")
_PUBLISHED = re.compile(r"(?:Magento|Mage-OS)/(\d+\.\d+)[\w.-]* \(([\w ]+)\)")


@dataclass(frozen=True)
class ShopVersion:
    """The version of a shop, as far as it shows. `known`: whether the release is one of the line that was run; `text` says it in words."""

    text: str
    known: bool


def published(text: str) -> str:
    """Return the answer of `/magento_version`, or "" for one that is no version: a page, where the module is off."""
    return text if len(text) < 100 and _PUBLISHED.match(text) else ""


def of_shop(version: str, modules: Collection[str] | None) -> ShopVersion:
    """Return the version of a shop from the published version ("" without) and the installed modules (None where they may not be read)."""
    product = _product(version, modules or ())
    least = next((release for module, release in CAME_WITH if module in (modules or ())), "")
    found = _PUBLISHED.match(version)
    line = found[1] if found else ""
    if line and line != RUN_ON:
        return ShopVersion(f"{product} {line}: nothing is known of it; 2.4.7 was run", known=False)
    if not line and not least:
        why = "it is not published, and the modules do not show it" if modules is not None else (
            "it is not published, and the modules may not be read (grant Magento_Backend::admin or enable Magento_Version)"
        )  # fmt: skip
        return ShopVersion(f"{product}, whose version is unknown: {why}", known=False)
    release = f"{least} or later" if least else f"{line}, of which the release is not published"
    known = f"{RUN_ON} line; 2.4.7 was run, the others were read or are assumed to be alike"
    return ShopVersion(f"{product} {release} ({known})", known=True)


def _product(version: str, modules: Collection[str]) -> str:
    """Return the name of the product and its edition."""
    if version.startswith("Mage-OS/") or any(name.startswith("MageOS_") for name in modules):
        return "Mage-OS"
    found = _PUBLISHED.match(version)
    commerce = found is not None and found[2] in ("Enterprise", "B2B")
    return "Adobe Commerce" if commerce or any(name in COMMERCE for name in modules) else "Magento"
