"""Compares the names that are used of Odoo with the sources of one version: models, fields and methods, without running it.

    make odoo-names ODOO_HOME=<tree of Odoo> SOURCE="<where it comes from>"

What is used is derived from the code: of the models, fields and methods that the sandbox's Odoo has (it refuses any other), those that the
engine names anywhere. What a version lacks has to stand in the table of versions (`magodoo.connectors.odoo.versions`).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from magodoo.connectors.odoo.record_kinds import DELIVERY_KEY
from magodoo.connectors.odoo.versions import Version, can, method_of, name_of
from magodoo_sandbox.odoo.registry import MODELS

ENGINE = Path(__file__).resolve().parents[2] / "include" / "magodoo"
EVIDENCE = ENGINE.parents[1] / "docs" / "evidence" / "odoo-sources.md"
UNKNOWN = "**nothing**"
FOLDERS = ("connectors/odoo", "flows", "preflight", "extract", "statement", "pipeline")
MODULES = (
    "base", "web", "mail", "portal", "analytic", "uom", "product", "account", "account_edi", "sales_team", "sale", "sale_management",
    "stock", "stock_account", "sale_stock", "delivery", "stock_delivery", "stock_sms", "purchase", "sale_purchase",
)  # fmt: skip
"""Modules whose models are read; a later one extends an earlier one's."""

GENERIC = (
    "create",
    "fields_get",
    "load",
    "read",
    "search",
    "search_count",
    "search_read",
    "write",
    "get_external_id",
    "has_access",
)
"""Methods of every model that are called."""

OF_ALL = frozenset({"id", "display_name", "create_date", "create_uid", "write_date", "write_uid"})
OWN = frozenset({DELIVERY_KEY, "key", "api_key", "password_text", "pointer", "tracking_number"})
"""Names that are the sandbox's or ours: Odoo has them in no version."""

NOT_READ = frozenset(
    {
        ("account.account", "active"),
        ("account.account", "company_ids"),
        ("res.company", "stock_move_sms_validation"),
        ("account.move.line", "tax_tag_invert"),
    }
)
"""Words of other models, which the engine reads of these never, and what it reads before 19 only, where it is there."""

RETURNS = ("stock.return.picking", "stock.return.picking.line")


@dataclass
class Model:
    """What the sources declare of one model: its fields and public methods, and the models that it takes others from."""

    fields: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    parents: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Lacking:
    """A name that is used and that a version does not have. `known` is the capability or the rename that says so, or ""."""

    model: str
    name: str
    known: str


def used() -> dict[str, tuple[list[str], list[str]]]:
    """Return fields and methods that are used, by model."""
    words = set(_words())
    found = {}
    for model in MODELS:
        if model.name.startswith("sandbox.") or model.name not in words:
            continue
        names = [
            name for name in model.declared if name in words and name not in OWN and (model.name, name) not in NOT_READ
        ]
        own = [name for name, value in vars(model).items() if hasattr(value, "public") and name in words]
        found[model.name] = names, own
    return found


def _words() -> Iterator[str]:
    """Yield every name in a text of the engine: whole texts, and the parts of paths and of lists of names."""
    for folder in FOLDERS:
        for path in (ENGINE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
                    yield from re.findall(r"[a-z_0-9]+", node.value)
                elif isinstance(node, ast.keyword) and node.arg:
                    yield node.arg


def version_of(tree: Path) -> Version:
    """Return the version that a tree says it is. Raises FixConfiguration for one that says none."""
    text = (_package(tree) / "release.py").read_text()
    found = re.search(r"^version_info = \(\D*(\d+)\D+(\d+)", text, re.MULTILINE)
    return Version.parsed(f"{found[1]}.{found[2]}" if found else "")


def declared(tree: Path) -> dict[str, Model]:
    """Return what the sources declare, by model; "" is what all models have."""
    models: dict[str, Model] = {"": Model()}
    package = _package(tree)
    for path in (package / "models.py", *sorted((package / "orm").glob("models*.py"))):
        if path.is_file():
            models[""].methods |= {
                node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)
            }
    for module in MODULES:
        for home in (package / "addons" / module, tree / "addons" / module):
            for path in sorted(home.rglob("*.py")) if home.is_dir() else ():
                if not {"tests", "migrations", "populate"} & set(path.relative_to(home).parts):
                    _read(path, models)
    return models


def _package(tree: Path) -> Path:
    """Return the folder of the Python package `odoo` in a checkout, a released archive or an installation."""
    found = next((each for each in (tree / "odoo", tree) if (each / "release.py").is_file()), None)
    if found is None:
        raise FileNotFoundError(f"no tree of Odoo: {tree} has no odoo/release.py")
    return found


def _read(path: Path, models: dict[str, Model]) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            name, parents = _identity(node)
            if name == "base":
                name = ""
            if name is not None:
                model = models.setdefault(name, Model())
                model.parents |= parents - {name}
                model.fields |= set(_fields(node))
                model.methods |= {each.name for each in node.body if isinstance(each, ast.FunctionDef)}


def _identity(node: ast.ClassDef) -> tuple[str | None, set[str]]:
    """Return the model of a class, None where it is none, and the models that it takes fields and methods from."""
    values = {
        target.id: each.value
        for each in node.body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    inherited = _texts(values.get("_inherit"))
    own = _texts(values.get("_name")) or (inherited if len(inherited) == 1 else [])
    return next(iter(own), None), {*inherited, *_texts(values.get("_inherits"))}


def _texts(node: ast.expr | None) -> list[str]:
    """Return the texts of a constant, of a list, or of a dict's keys."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else node.keys if isinstance(node, ast.Dict) else ()
    return [each.value for each in parts if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """Yield the names that a class assigns a field to: `name = fields.Char()`, with or without a type."""
    for each in node.body:
        targets = (
            each.targets if isinstance(each, ast.Assign) else [each.target] if isinstance(each, ast.AnnAssign) else []
        )
        made = getattr(each, "value", None)
        if isinstance(made, ast.Call) and ast.unparse(made.func).startswith("fields."):
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def has(models: Mapping[str, Model], model: str, name: str, *, method: bool = False) -> bool:
    """Return whether a model has a field or a method, of its own or of what it inherits."""
    seen, todo = set[str](), [model, ""]
    while todo:
        each = todo.pop()
        known = models.get(each)
        if each in seen or known is None:
            continue
        seen.add(each)
        if name in (known.methods if method else known.fields):
            return True
        todo += known.parents
    return not method and name in OF_ALL


def lacking(tree: Path) -> tuple[Version, int, list[Lacking]]:
    """Return the version, how many names were compared, and those that the tree does not have under the name that the table gives them."""
    version, models = version_of(tree), declared(tree)
    count, missing = 0, list[Lacking]()
    for model, (names, methods) in used().items():
        count += 1
        if model not in models:
            missing.append(Lacking(model, "", _known(version, model, "")))
            continue
        for name in names:
            count += 1
            here = name_of(version, model, name)
            if here is None or not has(models, model, here):
                missing.append(Lacking(model, name, _known(version, model, name)))
        for name in (*methods, *GENERIC):
            count += 1
            if not has(models, model, method_of(version, model, name), method=True):
                missing.append(Lacking(model, f"{name}()", _known(version, model, name)))
    return version, count, missing


def _known(version: Version, model: str, name: str) -> str:
    """Return what the table of versions says of a name that a version lacks, or ""."""
    if name_of(version, model, name) is None:
        return "not read in this version"
    if model == "stock.valuation.layer" and can(version, "exchange_differences"):
        return "asked before this version only"
    return "the return is refused" if model in RETURNS and not can(version, "returns_by_wizard") else ""


def section(tree: Path, source: str) -> tuple[str, bool]:
    """Return the section of the evidence about a tree, and whether everything that it lacks is in the table of versions."""
    version, count, missing = lacking(tree)
    lines = [
        f"## Odoo {version}",
        "",
        f"Sources: {source}. Compared: {count} models, fields and methods; lacking: {len(missing)}.",
        "",
    ]
    if missing:
        lines += ["| model | name in 19 | what the table of versions says |", "|---|---|---|"]
        lines += [f"| `{each.model}` | `{each.name}` | {each.known or UNKNOWN} |" for each in missing]
    return "\n".join([*lines, ""]), all(each.known for each in missing)


def with_section(page: str, made: str) -> str:
    """Return the page with a section added or replaced, sections by version."""
    head, *sections = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    by_title = {each.split("\n", 1)[0]: each.rstrip() + "\n" for each in [*sections, made]}
    return "\n".join([head.rstrip() + "\n", *(by_title[title] for title in sorted(by_title))])


def main() -> int:
    """Compare a tree, write its section of the evidence, and return 1 where a name is lacking that no table names."""
    tree, source = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "a tree of this machine"
    made, known = section(tree, source)
    EVIDENCE.write_text(with_section(EVIDENCE.read_text(), made))
    print(made)
    return 0 if known else 1


if __name__ == "__main__":
    sys.exit(main())
