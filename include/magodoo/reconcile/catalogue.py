"""What each type of finding means: severity, cause, cure, who acts, what it touches. Words for people who read lists
and mails.
"""

from __future__ import annotations

from dataclasses import dataclass

from magodoo.vocabulary import FindingType, Severity

ACCOUNTING, WAREHOUSE, IT = "accounting", "warehouse", "it"
RECEIVABLE, REVENUE, TAX, STOCK, NOTHING = "receivable", "revenue", "tax", "stock", "nothing"
MISSING = frozenset({FindingType.MISSING_IN_ODOO, FindingType.MISSING_IN_MAGENTO})


@dataclass(frozen=True)
class Entry:
    """title and meaning name it; why says why it matters; cause and cure what usually lies behind; no_change why
    nothing is written.
    """

    title: str
    meaning: str
    why: str
    severity: Severity
    cause: str
    cure: str
    who: str
    effect: str
    no_change: str


def of(found: FindingType) -> Entry:
    return CATALOGUE[found]


_INFO, _WARN, _CRIT = Severity.INFO, Severity.WARNING, Severity.CRITICAL
_T = FindingType

CATALOGUE: dict[FindingType, Entry] = {
    _T.MISSING_IN_ODOO: Entry(
        "Missing in Odoo",
        "it stands in Magento and has no counterpart in Odoo",
        "Revenue, receivable or stock is incomplete in the books",
        _WARN,
        "Not yet written, outside a policy, or made by hand under another reference",
        "Release the planned change, or book it in Odoo; confirm the match if it is there already",
        ACCOUNTING,
        REVENUE,
        "The policies of this instance do not write it",
    ),
    _T.MISSING_IN_MAGENTO: Entry(
        "Missing in Magento",
        "it stands in Odoo and has no counterpart in Magento",
        "The customer and the shop see an older state than the books",
        _WARN,
        "Made in Odoo and not yet written to Magento, or outside a policy",
        "Release the planned change, or make it in Magento; confirm the match if it is there already",
        ACCOUNTING,
        RECEIVABLE,
        "The policies of this instance do not write it",
    ),
    _T.TOTAL_MISMATCH: Entry(
        "Totals differ",
        "the two sides hold different amounts",
        "The receivable or the revenue in the books is not what the customer was charged",
        _CRIT,
        "A line, price, discount or shipping was changed on one side after it was made",
        "Correct by credit note and new invoice in Odoo, or by a credit memo in Magento",
        ACCOUNTING,
        RECEIVABLE,
        "A posted document is never changed automatically",
    ),
    _T.TAX_MISMATCH: Entry(
        "Tax differs",
        "the totals are equal and the tax in them is not",
        "The tax return would not agree with what the customer was shown",
        _WARN,
        "Another tax or fiscal position stands on the Odoo document",
        "Check the tax mapping and correct the Odoo document",
        ACCOUNTING,
        TAX,
        "Taxes of a posted document are never changed automatically",
    ),
    _T.ROUNDING: Entry(
        "Rounding",
        "the totals differ within the tolerance",
        "Small differences add up; the month's sum is watched",
        _INFO,
        "The two systems round per line or per document",
        "Nothing to do",
        ACCOUNTING,
        NOTHING,
        "It lies within the tolerance",
    ),
    _T.STATUS_MISMATCH: Entry(
        "States differ",
        "the states of the two documents contradict each other",
        "One side treats as open or valid what the other has settled or cancelled",
        _WARN,
        "A payment, posting or cancellation reached only one side",
        "Carry the state over on the side that is behind",
        ACCOUNTING,
        RECEIVABLE,
        "Cancelling or re-posting is left to a person",
    ),
    _T.QUANTITY_MISMATCH: Entry(
        "Quantities differ",
        "the quantities per item differ",
        "Stock or open quantities go wrong on one side",
        _WARN,
        "A line was changed by hand on one side",
        "Compare the items named and correct the side that is wrong",
        WAREHOUSE,
        STOCK,
        "Quantities of a finished document are never changed automatically",
    ),
    _T.WILL_SHIP_TOO_MUCH: Entry(
        "Will ship too much",
        "Odoo's open delivery exceeds what the customer is still to get",
        "Goods that were refunded, cancelled or already sent would leave the warehouse",
        _CRIT,
        "A refund or cancellation in Magento did not reduce the open delivery in Odoo",
        "Reduce or cancel the open delivery in Odoo before it is picked",
        WAREHOUSE,
        STOCK,
        "An open delivery is never reduced automatically",
    ),
    _T.TRACKING_MISMATCH: Entry(
        "Tracking numbers differ",
        "the tracking numbers of the two sides differ",
        "The customer cannot follow the parcel",
        _WARN,
        "A number was entered or corrected on one side only",
        "Take over the number that the carrier knows",
        WAREHOUSE,
        NOTHING,
        "Both sides have numbers that the other lacks: nobody but a person knows which is right",
    ),
    _T.CURRENCY_MISMATCH: Entry(
        "Currencies differ",
        "the two documents are in different currencies",
        "The receivable is wrong whatever the figures say",
        _CRIT,
        "A wrong pricelist or currency in Odoo",
        "Correct by credit note and new invoice in the right currency",
        ACCOUNTING,
        RECEIVABLE,
        "A posted document is never changed automatically",
    ),
    _T.DUPLICATE: Entry(
        "Duplicate",
        "an equal document of the order is already matched, and the other side has nothing open for another",
        "The customer is invoiced, refunded or supplied twice",
        _CRIT,
        "The same document was made twice, by hand or by a second connector",
        "Cancel or reverse the extra one",
        ACCOUNTING,
        RECEIVABLE,
        "A duplicate is never written to the other side and never deleted automatically",
    ),
    _T.POSSIBLE_DUPLICATE: Entry(
        "Possible duplicate",
        "Odoo holds an unlinked document of the same customer, currency and total from the same days",
        "Writing it could book the same sale twice",
        _WARN,
        "It was entered in Odoo by hand or by another connector",
        "Confirm the match, or put the order number into the Odoo document's reference, or say that it is another sale",
        ACCOUNTING,
        REVENUE,
        "It may exist already: a person decides",
    ),
    _T.AMBIGUOUS: Entry(
        "Ambiguous",
        "several counterparts fit equally well",
        "A wrong match would hide a missing or a double document",
        _WARN,
        "Several documents of equal amounts and quantities without a reference",
        "Confirm the right match",
        ACCOUNTING,
        NOTHING,
        "Nothing is written while the match is open",
    ),
    _T.WITHOUT_ORDER: Entry(
        "Without order",
        "its order exists nowhere",
        "It cannot be checked or carried over",
        _WARN,
        "The order was deleted, or the reference is wrong",
        "Correct the reference, or book it outside of the shop",
        ACCOUNTING,
        REVENUE,
        "Without its order nothing can be written",
    ),
    _T.UNMAPPED: Entry(
        "Not mapped",
        "a mapping that it needs is missing",
        "Its documents wait until it is there",
        _WARN,
        "A product, tax, payment method, carrier, country, store or currency is new",
        "Add the mapping to the settings, or the record in Odoo",
        IT,
        REVENUE,
        "It cannot be written without the mapping",
    ),
    _T.ARITHMETIC: Entry(
        "Does not add up",
        "its own parts do not add up",
        "Nothing that is derived from it can be right",
        _CRIT,
        "A raw document made through the interface, or an edited entry",
        "Correct or cancel it where it was made",
        ACCOUNTING,
        REVENUE,
        "A document that does not add up is never carried over",
    ),
    _T.OVER_REFUNDED: Entry(
        "Refunded too much",
        "the refund is zero or less, or the refunds exceed the invoices",
        "Money was or will be paid out that was never received",
        _CRIT,
        "A refund was made twice, or with a wrong adjustment",
        "Check the refunds of the order with the payment provider",
        ACCOUNTING,
        RECEIVABLE,
        "Such a refund is never written",
    ),
    _T.RETURNED_NOT_REFUNDED: Entry(
        "Returned, not refunded",
        "goods came back and the customer has no refund for them",
        "The customer waits for money",
        _WARN,
        "The credit memo in Magento was forgotten",
        "Make the credit memo in Magento, or note the exchange",
        ACCOUNTING,
        RECEIVABLE,
        "A return in Odoo writes nothing to Magento",
    ),
    _T.REFUNDED_NOT_RETURNED: Entry(
        "Refunded, not returned",
        "goods that were shipped are refunded and have not come back",
        "Stock or a claim is missing",
        _WARN,
        "The customer kept the goods, or the receipt was not booked",
        "Book the return in Odoo, or write the goods off",
        WAREHOUSE,
        STOCK,
        "The setting `shipments.returns` is `never`: Magento does not tell whether goods came back",
    ),
    _T.CAPTURE_NEEDED: Entry(
        "Capture needed",
        "the payment is only authorised, not captured",
        "An authorisation expires, usually within days; an invoice in Magento would look paid without the money",
        _WARN,
        "The provider waits for the capture",
        "Capture the payment in Magento or at the provider",
        ACCOUNTING,
        RECEIVABLE,
        "No invoice is written on an order whose payment is only authorised",
    ),
    _T.DRAFT_WAITING: Entry(
        "Draft waiting",
        "a draft made by hand in Odoo waits for it",
        "It is not in the books until the draft is posted",
        _WARN,
        "Someone prepared the document in Odoo",
        "Post the draft, or delete it so that it can be written",
        ACCOUNTING,
        REVENUE,
        "A draft made by hand is never posted and no second one is made",
    ),
    _T.NOT_REPRESENTABLE: Entry(
        "Not representable",
        "the other system has no equal document for it",
        "It stays on one side and explains a difference of the totals",
        _WARN,
        "A down payment, a line added by hand, another price, or a document without lines",
        "Note it for the closing, or book the counterpart by hand",
        ACCOUNTING,
        REVENUE,
        "Not every line maps to an item or the shipping of the order at its price",
    ),
    _T.CORRECTED_IN_ODOO: Entry(
        "Corrected in Odoo",
        "a credit note and a new invoice of the same total stand on the order",
        "The order's net is equal: information only",
        _INFO,
        "The invoice was corrected in Odoo (address, tax, text)",
        "Nothing to do",
        ACCOUNTING,
        NOTHING,
        "The order's net is equal",
    ),
    _T.CANCELLED_IN_ODOO: Entry(
        "Cancelled in Odoo",
        "the order is cancelled in Odoo and stands in Magento",
        "The customer waits for goods that nobody will send",
        _WARN,
        "The order was cancelled in Odoo by hand",
        "Cancel or refund it in Magento, or confirm it in Odoo again",
        ACCOUNTING,
        RECEIVABLE,
        "A Magento order is never cancelled automatically",
    ),
    _T.STRADDLES_BOOKS_FROM: Entry(
        "Straddles the cut-over",
        "it was made after the cut-over on an order from before, which is not matched",
        "It belongs to the new books and its order does not",
        _WARN,
        "An old order was invoiced, shipped or refunded after the cut-over",
        "Match the order, or book the document by hand",
        ACCOUNTING,
        REVENUE,
        "Orders from before the cut-over are never created",
    ),
    _T.CLOSED_PERIOD: Entry(
        "Closed period",
        "its date lies in a closed period",
        "Odoo would post it with a later accounting date",
        _WARN,
        "It arrived after the closing",
        "Decide: post in the open period, or reopen",
        ACCOUNTING,
        TAX,
        "The setting `closed_period` holds it",
    ),
    _T.DELETED: Entry(
        "Deleted",
        "the source no longer has it",
        "A document of the books or the shop has vanished, and with it its counterpart's reason",
        _CRIT,
        "It was deleted by hand",
        "Find out who deleted it; settle the counterpart",
        ACCOUNTING,
        REVENUE,
        "What a person deleted is never made again automatically",
    ),
    _T.QUARANTINED: Entry(
        "Quarantined",
        "it could not be read",
        "It is in no list and no sum until it can be",
        _WARN,
        "An unexpected payload, usually from an extension",
        "Look at the reason; correct the document or report the case",
        IT,
        REVENUE,
        "What cannot be read cannot be written",
    ),
}
