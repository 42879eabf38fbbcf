"""Where the Data Docs are, and how long. Without Great Expectations, which takes seconds and 125 MB to import: the pages read this."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path


def docs_root() -> Path:
    """Return the folder with the Data Docs of all instances and runs, shared by all workers (`MAGODOO_DATA_DOCS`)."""
    return Path(
        os.environ.get("MAGODOO_DATA_DOCS") or Path(os.environ.get("MAGODOO_VAR", "var")) / "data_docs"
    ).absolute()


def docs_folder(instance: str, dag_run: str) -> Path:
    """Create and return the folder of one run: `<root>/<instance>/<run id>`, with characters unsafe in a path replaced."""
    folder = docs_root() / instance / re.sub(r"[^A-Za-z0-9_.+-]", "_", dag_run)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def prune(folder: Path, before: datetime) -> int:
    """Delete the Data Docs of an instance's runs that are older than `before` and return how many runs that were."""
    old = [
        run for run in folder.glob("*") if run.is_dir() and datetime.fromtimestamp(run.stat().st_mtime, UTC) < before
    ]
    for run_folder in old:
        shutil.rmtree(run_folder)
    return len(old)
