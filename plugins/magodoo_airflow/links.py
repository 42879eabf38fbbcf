"""Links on a task in the Airflow UI: to the instance's sales page, to its changes, and to the Data Docs of the run."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

from magodoo.domain.kinds import ChangeKind
from magodoo_airflow.pages.navigation import address


class SalesPageLink(BaseOperatorLink):
    """Link to the overview of the task's instance on the sales pages."""

    name = "Sales pages"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address below that of Airflow."""
        return address(f"?instance={quote(str(getattr(operator, 'instance', '')))}")


class ChangesLink(BaseOperatorLink):
    """Link to the changes of the task's kind; each leads on to its document in Magento and in Odoo."""

    name = "Changes"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address below that of Airflow."""
        # A task that Airflow deserialized has no attribute `kind`; in the load DAG its task id is the kind.
        kind = str(getattr(operator, "kind", "") or ti_key.task_id)
        known = kind in {each.value for each in ChangeKind}
        chosen = f"&kind={quote(kind)}" if known else ""
        return address(f"changes?instance={quote(str(getattr(operator, 'instance', '')))}{chosen}")


class DataDocsLink(BaseOperatorLink):
    """Link to the Data Docs that the quality run of this DAG run built."""

    name = "Data Docs"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address below that of Airflow."""
        return address(f"data-docs/{quote(str(getattr(operator, 'instance', '')))}/{quote(ti_key.run_id)}/index.html")
