"""The Odoo client: everything that the pipeline reads and writes in Odoo, by subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from magodoo.connectors.odoo.bulk_load import BulkLoad
from magodoo.connectors.odoo.company import Company
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.connection_test import ConnectionReport, examine
from magodoo.connectors.odoo.deliveries import Deliveries
from magodoo.connectors.odoo.documents import Documents
from magodoo.connectors.odoo.external_ids import ExternalIds
from magodoo.connectors.odoo.general_ledger import GeneralLedger
from magodoo.connectors.odoo.installation import Installation
from magodoo.connectors.odoo.invoices import Invoices
from magodoo.connectors.odoo.master_data import MasterData
from magodoo.connectors.odoo.orders import Customers, Orders
from magodoo.connectors.odoo.payments import Payments
from magodoo.connectors.odoo.record_kinds import DELIVERY_KEY
from magodoo.connectors.odoo.rounding import Roundings
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.connectors.odoo.transport import Transport
from magodoo.connectors.odoo.units import Units
from magodoo.connectors.odoo.visibility import Visibility


class OdooClient:
    """One company of one Odoo database, as the user of the key. Nothing is sent before the first call.

    The parts read and write through `rpc`; each has one subject, and keeps nothing between two calls.
    """

    def __init__(self, rpc: Rpc, number_fields: Sequence[str] = (), delivery_key: str = DELIVERY_KEY) -> None:
        """Create a client.

        Args:
            rpc: The company's connection.
            number_fields: Fields that may contain a Magento number (`odoo.reference_fields`), read of every document.
            delivery_key: Field of a transfer with the delivery key (`odoo.delivery_key_field`): written and read under this name.
        """
        self._names = (number_fields, delivery_key)
        self.rpc, self.connection, self.stats = rpc, rpc.connection, rpc.stats
        self.documents = Documents(rpc, number_fields, delivery_key)
        self.customers = Customers(rpc)
        self.orders = Orders(rpc)
        self.invoices = Invoices(rpc)
        self.payments = Payments(rpc)
        self.deliveries = Deliveries(rpc, delivery_key)
        self.general_ledger = GeneralLedger(rpc)
        self.master_data = MasterData(rpc)
        self.company = Company(rpc)
        self.rounding = Roundings(rpc)
        self.installation = Installation(rpc)
        self.units = Units(rpc)
        self.external_ids = ExternalIds(rpc)
        self.visibility = Visibility(rpc)
        self.bulk_load = BulkLoad(rpc)

    @classmethod
    def connect(
        cls,
        connection: OdooConnection,
        transport: Transport | None = None,
        *,
        number_fields: Sequence[str] = (),
        delivery_key: str = DELIVERY_KEY,
    ) -> Self:
        """Return a client of a connection. `transport` is discovered at the first call unless it is given."""
        return cls(Rpc(connection, transport), number_fields, delivery_key)

    def until(self, moment: float) -> Self:
        """Return this client for writes up to a moment (`uptime()`): later ones raise TooLate."""
        return type(self)(self.rpc.until(moment), *self._names)

    def test_connection(self) -> ConnectionReport:
        """Report what is wrong with the connection, if anything. Failures of `magodoo.errors` are reported, not raised."""
        return examine(self.rpc)

    def close(self) -> None:
        """Close the HTTP session."""
        self.rpc.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OdooClient({self.connection.database!r}, company {self.rpc.company_id})"
