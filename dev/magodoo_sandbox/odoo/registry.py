"""All models of the sandbox, in the order in which their tables are dumped."""

from __future__ import annotations

from magodoo_sandbox.odoo import beside, catalogue, ledger, people, system, warehouse
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.move_lines import MoveLine, PartialReconcile
from magodoo_sandbox.odoo.moves import Move
from magodoo_sandbox.odoo.payments import Payment, PaymentRegister
from magodoo_sandbox.odoo.pickings import BackorderConfirmation, ConfirmSms, Picking
from magodoo_sandbox.odoo.returns import ReturnLine, ReturnPicking
from magodoo_sandbox.odoo.reversals import Reversal
from magodoo_sandbox.odoo.sale_invoicing import AdvancePayment
from magodoo_sandbox.odoo.sales import Carrier, Order, OrderLine, Team
from magodoo_sandbox.odoo.statements import StatementLine
from magodoo_sandbox.odoo.stock_moves import Lot, StockMove, StockMoveLine

MODELS: tuple[type[Model], ...] = (
    system.ModelData, system.IrModel, system.Rule, system.IrField, system.Module, system.Sequence, system.Message, system.Parameter,
    people.Company, people.Partner, people.PartnerCategory, people.Users, people.ApiKey, people.Groups,
    people.Country, people.CountryState, people.Language,
    catalogue.Currency, catalogue.CurrencyRate, catalogue.Pricelist, catalogue.Uom, catalogue.DecimalAccuracy,
    catalogue.Template, catalogue.Product,
    ledger.Account, ledger.Tag, ledger.Tax, ledger.TaxPart, ledger.TaxGroup, ledger.FiscalPosition, ledger.FiscalPositionAccount, ledger.Journal,
    ledger.PaymentTerm, ledger.PaymentTermLine, beside.CashRounding,
    ledger.EdiFormat, ledger.MethodLine,
    warehouse.Warehouse, warehouse.Location, warehouse.PickingType, warehouse.Quant, warehouse.ValuationLayer,
    Team, Carrier, Order, OrderLine, AdvancePayment,
    Move, MoveLine, PartialReconcile, Payment, PaymentRegister, Reversal, StatementLine,
    Picking, StockMove, StockMoveLine, Lot, BackorderConfirmation, ConfirmSms, ReturnPicking, ReturnLine,
)  # fmt: skip
