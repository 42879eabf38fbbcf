"""Magento's REST interface: what is asked, what comes back, what is written."""

from magodoo.magento.client import MagentoClient
from magodoo.magento.connection import AdminLogin, BearerToken, MagentoConnection, OAuth1
from magodoo.magento.marker import Marker, find_marker
from magodoo.magento.paging import Page, Quarantined
from magodoo.magento.writes import Track

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
