"""The monthly statement: how Magento's total of a month leads to Odoo's and to Odoo's general ledger; accountants sign it.

periods            a calendar month in the instance's time zone
figures            amounts by country and tax rate
documents          the staged invoices and credit memos of a month
explanation        the statement line of each document
general_ledger     Odoo's general ledger, entry by entry
clearing_accounts  the clearing accounts of the payment providers
schedules          the schedules: open items, cut-off, gaps in numbers, stores that no instance reads
statement          the statement as JSON, with its hash
store              stored statements, signatures, changes after sign-off
wording, summary   the words of the lines; the verdict of a month
csv_export, pdf, email  the statement as CSV, PDF and email
"""
