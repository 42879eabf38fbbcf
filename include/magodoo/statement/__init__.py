"""The monthly statement: how Magento's total of a month becomes Odoo's, and Odoo's ledger; what an accountant signs.

months     a local month of the instance        figures    amounts by country and tax rate
documents  what of the month is staged          explain    which line of the statement each document stands on
books      Odoo's ledger, document by document  clearing   the providers' clearing accounts
cut_off    what left in one month and was delivered in Odoo in another
annexes    the lists beside the figures         gaps       numbers that are missing
unread_stores  stores that no instance reads, documents without a store
body       the statement as JSON, with its hash store      snapshots, signatures, changes after sign-off
sheet, paper, mail                              as CSV, as PDF, as a mail
"""
