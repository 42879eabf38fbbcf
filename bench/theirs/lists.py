"""The lists of a Magento read by dlt's `rest_api` source into PostgreSQL."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

from bench.clock import Took

LISTS = {"orders": "orders", "invoices": "invoices", "shipments": "shipments", "creditmemos": "creditmemos"}


def dlt(url: str, token: str, page_size: int, database: str, folder: str, nesting: int) -> Took:
    """One pipeline, page after page, merged by entity id as ours is; `nesting` is how deep lists become tables of their own."""
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL", "DLT_DATA_DIR": folder})
    import dlt as library
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source(_configuration(url, token, page_size))
    source.max_table_nesting = nesting
    plain = database.replace("postgresql+psycopg2", "postgresql")
    pipeline = library.pipeline(
        "bench", destination=library.destinations.postgres(plain), dataset_name="theirs", pipelines_dir=folder
    )
    took = Took()
    with took.watch():
        pipeline.run(source)
    took.result = _check(plain)
    return took


def _configuration(url: str, token: str, page_size: int) -> dict[str, Any]:
    """Magento repeats its last page for ever and counts rows, not pages: the number of pages is requested beforehand."""
    pages = {
        name: {
            "type": "page_number", "base_page": 1, "page_param": "searchCriteria[currentPage]", "total_path": None,
            "stop_after_empty_page": False, "maximum_page": 1 + -(-_count(url, token, path) // page_size),
        }
        for name, path in LISTS.items()
    }  # fmt: skip
    return {
        "client": {"base_url": f"{url}/rest/V1/", "auth": {"type": "bearer", "token": token}},
        "resource_defaults": {
            "primary_key": "entity_id",
            "write_disposition": "merge",
            "endpoint": {"data_selector": "items", "params": {"searchCriteria[pageSize]": page_size}},
        },
        "resources": [
            {"name": name, "endpoint": {"path": path, "paginator": pages[name]}} for name, path in LISTS.items()
        ],
    }


def _count(url: str, token: str, path: str) -> int:
    request = urllib.request.Request(
        f"{url}/rest/V1/{path}?searchCriteria[pageSize]=1&fields=total_count",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        return int(json.load(answer)["total_count"])


def _check(database: str) -> dict[str, Any]:
    """Per list: how many documents, the sum of their ids and, where there is one, of their totals in cents."""
    import psycopg2

    counts: dict[str, Any] = {}
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        for name in LISTS:
            total = "sum(round(grand_total::numeric * 100))" if name != "shipments" else "0"
            cursor.execute(f"select count(*), sum(entity_id), {total} from theirs.{name}")
            counts[name] = [int(each or 0) for each in cursor.fetchone()]
    return counts
