"""Taking a kind of change away: its flow file and its entries in the catalogue; the rest imports, plans and writes."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from magodoo.domain.kinds import ChangeKind

CHECKOUT = Path(__file__).resolve().parents[1]
FLOWS = sorted({kind.entry.flow for kind in ChangeKind})


def test_every_flow_file_has_a_catalogue_entry() -> None:
    registering = {
        file.stem
        for file in (CHECKOUT / "include" / "magodoo" / "flows").glob("*.py")
        if "\nregister(" in file.read_text(encoding="utf-8")
    }
    assert registering == set(FLOWS)


def without(flow: str, folder: Path) -> Path:
    """Copy the engine to `folder` without a flow's file and entries; returns the folder to import from."""
    include = folder / "include"
    shutil.copytree(CHECKOUT / "include", include, ignore=shutil.ignore_patterns("__pycache__"))
    if flow:
        (include / "magodoo" / "flows" / f"{flow}.py").unlink()
    catalogue = include / "magodoo" / "domain" / "kinds.py"
    source = catalogue.read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    (kinds,) = (
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == ChangeKind.__name__
    )
    gone = [kind.name for kind in ChangeKind if kind.entry.flow == flow]
    for node in reversed(kinds.body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in gone:
            del lines[node.lineno - 1 : node.end_lineno]
            gone.remove(node.targets[0].id)
    assert not gone
    catalogue.write_text("".join(lines), encoding="utf-8")
    return include


def story(staging_url: str, docs: str) -> dict[str, list[str]]:
    """Let the chain run over a small story; returns the kinds with a writer, those planned and those done."""
    from shop_and_books import shop_and_books

    from magodoo import staging
    from magodoo.flows import registry
    from magodoo.ledger import executor
    from magodoo.pipeline import backfill, preflight, refresh, statement, upkeep

    assert all((backfill, preflight, refresh, statement, upkeep, executor))
    with shop_and_books(staging_url, Path(docs)) as pair:
        imported = pair.order({"SKU-001": 4, "SKU-002": 2}, "card")
        known, cancelled = pair.order(payment="cashondelivery"), pair.order(payment="cashondelivery")
        pair.shop.invoice(imported)
        pair.shop.ship(imported)
        pair.enter_order(known, linked=True)
        pair.enter_order(cancelled, linked=True)
        pair.chain()
        for shipment in pair.shipments(imported):
            pair.shop.add_track(shipment["entity_id"], "T-1", "UPS", "ups")
        pair.touch(imported)
        pair.shop.refund_invoice(pair.invoices(imported)[0]["entity_id"], online=True)
        pair.shop.cancel(cancelled)
        pair.deliver(known, tracking=["1Z100"])
        pair.pay(known, pair.bill(known))
        pair.chain()
    with staging.connect(staging_url).connect() as connection:
        rows = connection.execute(text("select kind, state from change")).all()
    return {
        "writers": [kind.value for kind in registry.writers()],
        "planned": sorted({row.kind for row in rows}),
        "done": sorted({row.kind for row in rows if row.state == "done"}),
        "imported_from": [str(Path(staging.__file__).parents[1])],
    }


def told(staging_url: str, include: Path) -> dict[str, list[str]]:
    """Run the story in a process of its own that imports the engine from `include`."""
    folder = include.parent
    ended = subprocess.run(
        [sys.executable, "-c", f"import json, test_flow_removal as t; print(json.dumps(t.story({staging_url!r}, {str(folder)!r})))"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(include), *filter(None, sys.path)]), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-4000:]
    found: dict[str, list[str]] = json.loads(ended.stdout.splitlines()[-1])
    assert found.pop("imported_from") == [str(include / "magodoo")]
    return found


@pytest.fixture(scope="module")
def whole(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the story comes to with every flow."""
    return told(module_staging_url, without("", tmp_path_factory.mktemp("whole")))


def test_the_chain_run_writes_through_most_flows(whole: dict[str, list[str]]) -> None:
    assert set(whole["writers"]) == {kind.value for kind in ChangeKind}
    assert len({ChangeKind(kind).entry.flow for kind in whole["done"]}) >= len(FLOWS) - 2, whole


@pytest.mark.parametrize("flow", FLOWS)
def test_without_a_flow_the_rest_imports_plans_and_writes(
    flow: str, tmp_path: Path, staging_url: str, whole: dict[str, list[str]]
) -> None:
    found = told(staging_url, without(flow, tmp_path))
    gone = {kind.value for kind in ChangeKind if kind.entry.flow == flow}
    assert set(found["writers"]) == {kind.value for kind in ChangeKind} - gone
    assert not gone & set(found["planned"])
    held = set(gone)  # what the missing document would come before has nothing to build on
    for kind in ChangeKind:
        held |= {kind.value for after in kind.entry.after if after.earlier in held}
    assert set(found["done"]) >= set(whole["done"]) - held, found
