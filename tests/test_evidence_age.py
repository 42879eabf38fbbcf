"""Evidence in docs/evidence is no more than a release older than the last change to what it covers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow_versions import Tried, row, with_row

CHECKOUT = Path(__file__).resolve().parents[1]
ENGINE, PLUGINS = "include/magodoo", "plugins"
COVERS: dict[str, tuple[str, ...]] = {
    "airflow-versions.md": ("pyproject.toml", "setup.py", "dags", PLUGINS),
    "benchmarks.md": (ENGINE, PLUGINS, "bench"),
    "chaos.md": (f"{ENGINE}/ledger", f"{ENGINE}/pipeline", PLUGINS, "dags"),
    "coverage.md": ("tests",),
    "cut-over.md": (f"{ENGINE}/pipeline/backfill.py", f"{ENGINE}/reconcile"),
    "faults.md": (f"{ENGINE}/ledger", f"{ENGINE}/flows", f"{ENGINE}/connectors"),
    "histories.md": (f"{ENGINE}/reconcile", f"{ENGINE}/flows"),
    "large-shops.md": (f"{ENGINE}/staging", f"{ENGINE}/reconcile"),
    "live-odoo.md": (f"{ENGINE}/connectors/odoo", f"{ENGINE}/flows"),
    "live-systems.md": (f"{ENGINE}/connectors", f"{ENGINE}/extract"),
    "month.md": (f"{ENGINE}/statement",),
    "mutants.md": (f"{ENGINE}/ledger",),
    "newcomer.md": ("README.md", "docs/tutorial.md"),
    "odoo-sources.md": (f"{ENGINE}/connectors/odoo",),
    "operations.md": ("deploy", "docker-compose.yaml", "requirements.txt"),
}


def git(checkout: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=checkout, check=True, capture_output=True, text=True).stdout.strip()


def releases_behind(checkout: Path, evidence: str, covered: Sequence[str]) -> list[str]:
    """The releases that came after the evidence and before the last change to what it covers."""
    written = git(checkout, "log", "-1", "--format=%H", "--", evidence)
    changed = git(checkout, "log", "-1", "--format=%H", "--", *covered)
    return git(checkout, "tag", "--list", "v*", "--merged", changed, "--no-merged", written).split()


def test_every_file_of_evidence_says_here_what_it_covers() -> None:
    assert {file.name for file in (CHECKOUT / "docs" / "evidence").glob("*.md")} == set(COVERS)
    assert [path for paths in COVERS.values() for path in paths if not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize("name", COVERS)
def test_evidence_is_at_most_a_release_old(name: str) -> None:
    try:
        shallow = git(CHECKOUT, "rev-parse", "--is-shallow-repository")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("this checkout has no history of git")
    if shallow == "true":
        pytest.skip("this clone is shallow: the history of what the evidence covers is not there")
    assert len(releases_behind(CHECKOUT, f"docs/evidence/{name}", COVERS[name])) <= 1


def test_evidence_that_two_releases_left_behind_is_found(tmp_path: Path) -> None:
    def commit(name: str, content: str) -> None:
        (tmp_path / name).write_text(content)
        git(tmp_path, "add", name)
        git(tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", content)

    git(tmp_path, "init", "-q")
    commit("code", "1")
    commit("evidence", "of 1")
    git(tmp_path, "tag", "v1")
    assert releases_behind(tmp_path, "evidence", ["code"]) == []
    commit("code", "2")
    git(tmp_path, "tag", "v2")
    commit("other", "x")
    git(tmp_path, "tag", "v3")
    assert releases_behind(tmp_path, "evidence", ["code"]) == ["v2"], "the change is in one release"
    commit("code", "3")
    assert releases_behind(tmp_path, "evidence", ["code"]) == ["v2", "v3"]
    commit("evidence", "of 3")
    assert releases_behind(tmp_path, "evidence", ["code"]) == []


def test_a_run_replaces_the_row_of_its_version_and_the_newest_is_first() -> None:
    now, page = datetime(2026, 12, 1, 5, tzinfo=UTC), "# x\n\n| Airflow |\n|---|\n| 3.3.0 | old |\n\nend\n"
    passed = {"passed": [SimpleNamespace(nodeid="t.py::a")]}
    for version in ("3.3.0", "3.10.1"):
        page = with_row(page, row(Tried(version, "3.11.7", {"pandas": "3.0"}), passed, "abc", now))
    first, second = (line for line in page.splitlines() if line.startswith("| 3."))
    assert first.startswith("| 3.10.1 | 3.11.7 | 1 passed, 0 failed | ") and "old" not in page
    assert second.endswith("| `abc` | 1 December 2026, 05:00 |") and page.endswith("\n\nend\n")
    refused = row(Tried("3.2.2", "3.11.7"), {"error": [SimpleNamespace(nodeid="t.py::b")]}, "abc", now)
    assert "0 passed, 1 failed: the wheel refuses this version" in refused
    with pytest.raises(ValueError, match="no table"):
        with_row("# x\n", refused)
