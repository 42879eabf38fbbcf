"""The layers: which package may know which (DESIGN, *Layout*). An arrow that the table lacks is a decision, not an import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
WORDS = {
    "vocabulary",
    "dependencies",
    "errors",
    "money",
    "numbering",
    "labels",
    "stamps",
    "copying",
    "sessions",
    "given_up",
    "tracking",
    "authorisation",
    "__version__",
}
ENGINE = {"settings", "magento", "odoo", "extract", "reconcile", "staging", "load", "quality", "statement", "preflight"}
MAY: dict[str, set[str]] = {
    "dags": {"magodoo_airflow", "vocabulary"},
    "magodoo_airflow": WORDS | ENGINE | {"pipeline"},
    "pipeline": WORDS | ENGINE,
    "load": WORDS | {"settings", "magento", "odoo", "extract", "staging", "reconcile"},
    "preflight": WORDS | {"settings", "magento", "odoo", "staging", "quality"},
    "statement": WORDS | {"settings", "magento", "odoo", "quality", "reconcile"},
    "quality": WORDS | {"settings", "load"},
    "staging": WORDS
    | {"settings", "extract", "reconcile"},  # rows become canonical documents and frames, and nothing else
    "extract": WORDS | {"settings", "magento", "odoo"},
    "reconcile": WORDS | {"settings"},  # knows canonical frames only
    "magento": WORDS,
    "odoo": WORDS,
    "settings": WORDS,
    "magodoo_devstack": WORDS | {"settings", "odoo", "reconcile", "staging", "magodoo_sandbox"},
    "magodoo_sandbox": WORDS,
    "money": {"errors"},
    "numbering": set(),
    "vocabulary": set(),
    "dependencies": {"vocabulary"},
    "errors": set(),
    "labels": set(),
    "stamps": set(),
    "copying": {"money"},
    "sessions": set(),
    "given_up": set(),
    "tracking": set(),
    "authorisation": set(),
    "__version__": set(),
}
# The type of what a step is given may be named by those who are given it; nothing is imported when the code runs.
NAMED_AS_TYPE = {("load", "pipeline")}


@dataclass(frozen=True)
class Import:
    where: str
    importer: str
    imported: str
    type_only: bool = False


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
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
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
                yield Import(f"{where}:{node.lineno}", package, imported, node in for_types)


@pytest.fixture(scope="module")
def all_imports() -> list[Import]:
    return [
        found
        for package, file in files()
        for found in imports(package, str(file.relative_to(CHECKOUT)), file.read_text(encoding="utf-8"))
    ]


def forbidden(found: list[Import]) -> list[Import]:
    return [
        one
        for one in found
        if one.imported in MAY
        and one.imported not in MAY[one.importer]
        and not (one.type_only and (one.importer, one.imported) in NAMED_AS_TYPE)
    ]


def test_the_table_knows_every_package_and_its_arrows_point_one_way() -> None:
    assert {package for package, _ in files()} == set(MAY)
    TopologicalSorter(MAY).prepare()  # raises CycleError


def test_magento_odoo_and_staging_do_not_know_each_other_and_reconcile_knows_no_system() -> None:
    systems = {"magento", "odoo"}
    assert not MAY["magento"] & {"odoo", "staging"} and not MAY["odoo"] & {"magento", "staging"}
    assert not MAY["staging"] & systems and not MAY["reconcile"] & (systems | {"staging", "extract", "load"})


def test_no_import_goes_against_the_arrows(all_imports: list[Import]) -> None:
    assert len(all_imports) > 500
    assert forbidden(all_imports) == []


def test_the_engine_never_imports_airflow(all_imports: list[Import]) -> None:
    outside = {"dags", "magodoo_airflow"}
    assert [one for one in all_imports if one.imported.startswith("airflow") and one.importer not in outside] == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("reconcile", "from magodoo.connectors.odoo.client import OdooClient"),
        ("magento", "def lazily():\n    from magodoo import staging"),
        ("staging", "import magodoo.connectors.magento.client"),
        ("load", "from magodoo.context import Context"),
        ("staging", "from magodoo_sandbox.magento import RunningSandbox"),
        ("magodoo_airflow", "def lazily():\n    import magodoo_devstack.layout"),
    ],
)
def test_an_import_against_the_arrows_is_seen(package: str, source: str) -> None:
    assert len(forbidden(list(imports(package, "x.py", source)))) == 1


def test_a_type_that_a_step_is_given_may_be_named() -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from magodoo.context import Context"
    assert forbidden(list(imports("load", "x.py", source))) == []
