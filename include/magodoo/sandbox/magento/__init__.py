"""A small Magento 2.4.7 that behaves as recorded: rows in memory, REST over HTTP, faults on demand."""

from magodoo.sandbox.magento.documents import Comment
from magodoo.sandbox.magento.placing import Address, Line
from magodoo.sandbox.magento.pricing import Coupon, TaxSettings
from magodoo.sandbox.magento.refusals import Refusal
from magodoo.sandbox.magento.server import RunningSandbox, serve_in_thread
from magodoo.sandbox.magento.shop import MagentoShop

__all__ = [
    "Address",
    "Comment",
    "Coupon",
    "Line",
    "MagentoShop",
    "Refusal",
    "RunningSandbox",
    "TaxSettings",
    "serve_in_thread",
]
