"""Mutate matching, planning and the write protocol in one place at a time, and check whether a test fails.

A mutant that every test of its area passes has survived: a test is missing, or the change makes no difference. Each runs in a
process that is forked from one in which the libraries are imported already; the changed module is given to the import system in
memory, so the checkout stays as it is. `make mutants MUTANTS=25 SEED=1`.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType

from magodoo.domain.kinds import ChangeKind

CHECKOUT = Path(__file__).resolve().parents[1]
INCLUDE = CHECKOUT / "include"
RESULTS = CHECKOUT / "var" / "mutants"
LONGEST = 900  # seconds that the tests of one mutant may take; beyond it the mutant hangs and counts as detected
# Imported before the first fork; none of our modules, or a mutant would not be loaded.
LIBRARIES = (
    "pandas",
    "scipy.optimize",
    "sqlalchemy",
    "alembic.command",
    "psycopg2",
    "pydantic",
    "pytest",
    "hypothesis",
    "requests",
    "psutil",
    "jinja2",
)


@dataclass(frozen=True)
class Area:
    """Modules that are changed, and the test files that should fail, the quickest first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


AREAS = {
    "matching": Area(
        tuple(f"reconcile/{name}.py" for name in ("matching", "references", "assignment", "shares", "splits")),
        (
            "test_exact_numbers.py",
            "test_reconcile_matching.py",
            "test_reconcile_findings.py",
            "test_reconcile_oracle.py",
        ),
    ),
    "planning": Area(
        (
            "reconcile/situation.py",
            *(f"flows/{name}.py" for name in ("planner", "order_plan", "order_readiness", "entries", "periods")),
            *(f"flows/{name}.py" for name in dict.fromkeys(kind.entry.flow for kind in ChangeKind)),
        ),
        ("test_reconcile_planning.py", "test_reconcile_findings.py", "test_rules_payments.py", "test_rules_cutover.py"),
    ),
    "ledger": Area(
        tuple(f"ledger/{name}.py" for name in ("leases", "changes", "decisions", "approvals")),
        ("test_load_ledger.py", "test_load_interrupted.py", "test_load_protocol.py"),
    ),
    "protocol": Area(
        tuple(f"ledger/{name}.py" for name in ("executor", "read_back", "behaviour")),
        ("test_load_interrupted.py", "test_load_protocol.py", "test_load_forbidden_writes.py"),
    ),
}
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Mult: ast.Add,
}  # fmt: skip
IN_SQL = (
    (" and ", " or "),
    (" < ", " >= "),
    (" > ", " <= "),
    (" = ", " <> "),
    ("not exists", "exists"),
    (" is null", " is not null"),
)


@dataclass(frozen=True)
class Mutant:
    """The `number`-th place of a module that can be changed, and what becomes of it."""

    area: str
    module: str
    number: int
    line: int
    change: str


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """Every place that can be changed: the node, which of its changes, and its description."""
    said = _left_alone(tree)
    for node in ast.walk(tree):
        if node in said:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _is_sql(node.value):
                short = " ".join(node.value.split())[:70]
                yield from (
                    (node, f"sql{old}", f"SQL {short!r}:{old}->{new}") for old, new in IN_SQL if old in node.value
                )
        elif becomes := _becomes(node):
            yield node, "", f"{ast.unparse(node).partition(chr(10))[0]} -> {becomes}"


def _becomes(node: ast.AST) -> str:
    """Return what a node would become, as text; "" for what is not changed."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
        return COMPARED[type(node.ops[0])].__name__
    if isinstance(node, ast.BoolOp):
        return "or" if isinstance(node.op, ast.And) else "and"
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in COUNTED:
        return (
            ""
            if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant)
            else COUNTED[type(node.op)].__name__
        )
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        return "without it"
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return str(not node.value)
    if isinstance(node, ast.If | ast.IfExp):
        return "never"
    return "left out" if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else ""


def _left_alone(tree: ast.AST) -> set[ast.AST]:
    """Docstrings, error messages and types: changing them does not change behaviour."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            found |= set(ast.walk(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(node.value)
        types = [getattr(node, name, None) for name in ("annotation", "returns")]
        found |= {inner for type_ in types if isinstance(type_, ast.AST) for inner in ast.walk(type_)}
    return found


def _is_sql(words: str) -> bool:
    return any(word in words for word in ("select ", "update ", "insert ", "delete ", " where ", "verdict =", "state "))


def changed(source: str, number: int) -> ast.Module:
    """Return the module with its `number`-th place changed."""
    tree = ast.parse(source)
    node, change, _ = [*places(tree)][number]
    Change(node, change).visit(tree)
    return ast.fix_missing_locations(tree)


class Change(ast.NodeTransformer):
    """Replaces one node."""

    def __init__(self, node: ast.AST, change: str) -> None:
        self.node, self.change = node, change

    def visit(self, node: ast.AST) -> ast.AST:
        if node is not self.node:
            return self.generic_visit(node)
        return ast.copy_location(self._new(copy.copy(node)), node)

    def _new(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Compare):
            node.ops = [COMPARED[type(node.ops[0])](), *node.ops[1:]]
        elif isinstance(node, ast.BoolOp):
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        elif isinstance(node, ast.BinOp | ast.AugAssign):
            node.op = COUNTED[type(node.op)]()
        elif isinstance(node, ast.UnaryOp):
            return node.operand
        elif isinstance(node, ast.If | ast.IfExp):
            node.test = ast.Constant(False)
        elif isinstance(node, ast.Expr):
            return ast.Pass()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            old = self.change.removeprefix("sql")
            node.value = node.value.replace(old, dict(IN_SQL)[old], 1)
        elif isinstance(node, ast.Constant):
            node.value = not node.value
        return node


def mutants(area: str) -> list[Mutant]:
    """All that can be changed in an area, but for what only types are checked by."""
    return [
        Mutant(area, module, number, getattr(node, "lineno", 0), said)
        for module in AREAS[area].modules
        for number, (node, _, said) in enumerate(
            places(ast.parse((INCLUDE / "magodoo" / module).read_text(encoding="utf-8")))
        )
        if "TYPE_CHECKING" not in said and "log." not in said
    ]


class Changed(importlib.machinery.SourceFileLoader):
    """Loads a module as the mutant has it."""

    mutant: Mutant

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text(encoding="utf-8")
        return compile(changed(source, self.mutant.number), self.path, "exec", dont_inherit=True)


class Finder(importlib.abc.MetaPathFinder):
    """Finds one module: the one that is changed."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.name = f"magodoo.{mutant.module.removesuffix('.py').replace('/', '.')}"

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        file = str(INCLUDE / "magodoo" / self.mutant.module)
        loader = Changed(fullname, file)
        loader.mutant = self.mutant
        return importlib.util.spec_from_file_location(fullname, file, loader=loader)


def run(mutant: Mutant | None, tests: Sequence[str]) -> str:
    """`killed`, `survived` or `hung`; without a mutant the tests must pass."""
    child = os.fork()
    if not child:
        _tests(mutant, tests)
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if status == 0 else "killed"
        time.sleep(0.2)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def _tests(mutant: Mutant | None, tests: Sequence[str]) -> None:
    """In the child: run the tests until one fails, which the exit status shows."""
    import pytest

    os.setsid()
    name = f"{mutant.area}-{mutant.module.replace('/', '.')}-{mutant.number}" if mutant else "unchanged"
    out = os.open(RESULTS / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    if mutant:
        sys.meta_path.insert(0, Finder(mutant))
    status = 3
    try:
        status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *(f"tests/{test}" for test in tests)]))
    finally:
        sys.stdout.flush()
        os._exit(status)


def main() -> int:
    """Print what survived; 1 when something did that docs/evidence/mutants.md does not explain, or the unchanged code fails."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=25, help="of each area, chosen by the seed; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("areas", nargs="*", default=[*AREAS])
    given = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for library in LIBRARIES:
        importlib.import_module(library)
    tried: list[tuple[Mutant, str]] = []
    unsound: list[str] = []
    for area in given.areas:
        tests = AREAS[area].tests
        if run(None, tests) != "survived":
            print(f"{area}: the tests fail without any change: {RESULTS / 'unchanged.log'}", flush=True)
            unsound.append(area)
            continue
        known = mutants(area)
        chosen = random.Random(given.seed).sample(known, given.mutants) if 0 < given.mutants < len(known) else known  # noqa: S311
        with ThreadPoolExecutor(given.jobs) as pool:
            for mutant, became in zip(chosen, pool.map(lambda one, by=tests: run(one, by), chosen), strict=True):
                tried.append((mutant, became))
                print(f"{became:8} {mutant.module}:{mutant.line} {mutant.change}", flush=True)
    _save(tried)
    return 1 if _judge(tried) or unsound else 0


def _save(tried: Sequence[tuple[Mutant, str]]) -> None:
    rows = [asdict(mutant) | {"became": became} for mutant, became in tried]
    (RESULTS / "results.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _judge(tried: Sequence[tuple[Mutant, str]]) -> int:
    explained = (CHECKOUT / "docs" / "evidence" / "mutants.md").read_text(encoding="utf-8")
    open_ones = 0
    for area in dict.fromkeys(mutant.area for mutant, _ in tried):
        counted = Counter(became for mutant, became in tried if mutant.area == area)
        print(f"{area}: {sum(counted.values())} of {len(mutants(area))} tried, {dict(counted)}")
    for mutant, became in tried:
        if became == "survived":
            known = mutant.change in explained
            open_ones += not known
            print(f"{'explained' if known else 'open':9} {mutant.module}:{mutant.line} {mutant.change}")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(main())
