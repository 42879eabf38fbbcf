"""A small Magento 2.4.7 that behaves as recorded: rows in memory, REST over HTTP, faults on demand."""

from magodoo_sandbox.magento.documents import Comment
from magodoo_sandbox.magento.placing import Address, Line
from magodoo_sandbox.magento.pricing import Coupon, TaxSettings
from magodoo_sandbox.magento.refusals import Refusal
from magodoo_sandbox.magento.server import RunningSandbox, serve_in_thread
from magodoo_sandbox.magento.shop import MagentoShop

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
