"""The layers: which package may know which (docs/architecture.md). An arrow that the table lacks is a decision, not an import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from layers import MAY

CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Import:
    where: str
    importer: str
    imported: str


def files() -> Iterator[tuple[str, Path]]:
    """Every file of the product with the package that it belongs to."""
    for file in sorted((CHECKOUT / "include" / "magodoo").rglob("*.py")):
        part = file.relative_to(CHECKOUT / "include" / "magodoo").parts[0].removesuffix(".py")
        yield "__version__" if part == "__init__" else part, file
    for folder in ("plugins/magodoo_airflow", "dev/magodoo_devstack", "dev/magodoo_sandbox"):
        for file in sorted((CHECKOUT / folder).rglob("*.py")):
            yield file.relative_to(CHECKOUT).parts[1], file
    for file in sorted((CHECKOUT / "dags").rglob("*.py")):
        yield "dags", file


def imports(package: str, where: str, source: str) -> Iterator[Import]:
    """What a file imports, wherever in it; packages of ours by their name, others by their first part."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{where}:{node.lineno} imports by dots: say the whole name"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            first, *rest = name.split(".")
            imported = (rest or ["__version__"])[0] if first == "magodoo" else first
            if imported != package:
                yield Import(f"{where}:{node.lineno}", package, imported)


@pytest.fixture(scope="module")
def all_imports() -> list[Import]:
    return [
        found
        for package, file in files()
        for found in imports(package, str(file.relative_to(CHECKOUT)), file.read_text(encoding="utf-8"))
    ]


def forbidden(found: list[Import]) -> list[Import]:
    """Return the imports that the table lacks; one for types counts like any other."""
    return [one for one in found if one.imported in MAY and one.imported not in MAY[one.importer]]


def test_the_table_knows_every_package_and_its_arrows_point_one_way() -> None:
    assert {package for package, _ in files()} == set(MAY)
    TopologicalSorter(MAY).prepare()  # raises CycleError


def test_connectors_and_staging_are_independent_and_reconcile_imports_no_connector() -> None:
    assert not MAY["connectors"] & {"staging", "extract"} and "connectors" not in MAY["staging"]
    assert not MAY["reconcile"] & {"connectors", "staging", "extract", "flows", "ledger"}
    assert "flows" not in MAY["ledger"]


def test_the_connectors_do_not_import_each_other() -> None:
    for system, other in (("magento", "odoo"), ("odoo", "magento")):
        for file in (CHECKOUT / "include" / "magodoo" / "connectors" / system).rglob("*.py"):
            assert f"magodoo.connectors.{other}" not in file.read_text(encoding="utf-8"), file
    for file in (CHECKOUT / "include" / "magodoo" / "connectors").glob("*.py"):
        of_both = file.read_text(encoding="utf-8")
        assert "magodoo.connectors.magento" not in of_both and "magodoo.connectors.odoo" not in of_both, file


def test_no_import_violates_the_layers(all_imports: list[Import]) -> None:
    assert len(all_imports) > 500
    assert forbidden(all_imports) == []


def test_the_engine_never_imports_airflow(all_imports: list[Import]) -> None:
    outside = {"dags", "magodoo_airflow"}
    assert [one for one in all_imports if one.imported.startswith("airflow") and one.importer not in outside] == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("reconcile", "from magodoo.connectors.odoo.client import OdooClient"),
        ("connectors", "def lazily():\n    from magodoo import staging"),
        ("staging", "import magodoo.connectors.magento.client"),
        ("ledger", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from magodoo.flows.registry import Flow"),
        ("staging", "from magodoo_sandbox.magento import RunningSandbox"),
        ("magodoo_airflow", "def lazily():\n    import magodoo_devstack.layout"),
    ],
)
def test_a_forbidden_import_is_detected(package: str, source: str) -> None:
    assert len(forbidden(list(imports(package, "x.py", source)))) == 1
