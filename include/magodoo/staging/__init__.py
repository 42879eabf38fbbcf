"""PostgreSQL between the two systems: what was read, where reading stands, what is due.

`connect(url)` gives the engine; `migrate(url)` brings the schema `magodoo` up to date. The modules each own their tables:
upsert (payload, document, line), watermarks, work, quarantine, master, runs; resolve finds the order of every document;
frames hands whole orders to reconcile.
"""

from magodoo.staging.db import connect, migrate

__all__ = ["connect", "migrate"]
