"""Magento's REST API: authentication, search, documents and writes."""

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import AdminLogin, BearerToken, MagentoConnection, OAuth1
from magodoo.connectors.magento.pagination import Page, Quarantined
from magodoo.connectors.magento.writes import Marker, Track, find_marker

__all__ = [
    "AdminLogin",
    "BearerToken",
    "MagentoClient",
    "MagentoConnection",
    "Marker",
    "OAuth1",
    "Page",
    "Quarantined",
    "Track",
    "find_marker",
]
