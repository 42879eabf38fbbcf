"""Which package may import which (docs/architecture.md). An arrow that the table lacks is a decision, not an import."""

from __future__ import annotations

WORDS = {
    "domain",
    "characters",
    "errors",
    "money",
    "timestamps",
    "erasing",
    "decision_log",
    "pg_copy",
    "pg_sessions",
    "__version__",
}
MAY: dict[str, set[str]] = {
    "dags": {"magodoo_airflow", "domain"},
    "magodoo_airflow": WORDS
    | {"context", "settings", "connectors", "staging", "reconcile", "ledger", "notifications", "statement", "preflight"}
    | {"pipeline", "discovery", "provisioning"},
    "discovery": WORDS | {"settings", "connectors", "extract"},
    "provisioning": WORDS | {"settings", "connectors"},
    "pipeline": WORDS
    | {"context", "settings", "extract", "staging", "reconcile", "flows", "ledger", "quality", "notifications"}
    | {"statement", "preflight"},
    "flows": WORDS | {"context", "settings", "connectors", "extract", "staging", "reconcile", "ledger"},
    "ledger": WORDS
    | {"context", "settings", "extract", "staging", "reconcile"},  # is handed the flows' behaviours, and knows none
    "preflight": WORDS
    | {"settings", "connectors", "staging", "notifications", "flows"},  # counts orders as their flow decides
    "statement": WORDS | {"settings", "connectors", "reconcile", "notifications"},
    "notifications": WORDS | {"settings", "quality", "ledger", "reconcile"},
    "quality": WORDS | {"settings", "ledger"},
    "staging": WORDS | {"settings", "extract", "reconcile"},  # rows become canonical documents and frames
    "reconcile": WORDS | {"settings"},  # knows canonical frames only
    "extract": WORDS | {"settings", "connectors"},
    "context": WORDS | {"settings", "connectors"},
    "connectors": WORDS,
    "settings": WORDS,
    "magodoo_devstack": WORDS | {"settings", "connectors", "reconcile", "staging", "magodoo_sandbox"},
    "magodoo_sandbox": WORDS,
    "erasing": set(),
    "decision_log": {"money"},
    "pg_copy": {"money"},
    "money": {"errors"},
    "domain": {"money"},
    "errors": set(),
    "characters": set(),
    "timestamps": set(),
    "pg_sessions": set(),
    "__version__": set(),
}
