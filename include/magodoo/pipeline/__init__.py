"""The steps of the pipeline, one module each: a DAG task calls one of them.

extract, order_completion, master_data, prefetch, store  read both sides into staging
reconcile, sales_lists   match and compare orders, plan changes; the rows of the sales lists
quality                  check, release or hold, queue emails
load                     write released changes
refresh, upkeep          nightly re-reading, daily retention
backfill, window         a past window, cut into chunks
statement, preflight, erasure  the monthly statement, the checks before writing, erasing a customer
"""
