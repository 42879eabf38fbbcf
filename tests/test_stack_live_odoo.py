"""Where the live Odoo's package comes from, and what is said when it cannot be had."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import live_counts
import pytest
from live_counts import LiveRun, begin_of, between, is_evidence, replaced
from reviewed import nearest

from magodoo.errors import FixConfiguration
from magodoo_devstack import odoo_package
from magodoo_devstack.live_odoo import LiveOdoo, announced
from magodoo_devstack.odoo_package import TESTED_BUILD, OdooPackage, mirror
from magodoo_devstack.odoo_provision import Access, keys_script, parse_access
from magodoo_devstack.postgres import Cluster

DEB822 = """Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/debian-security
"""


def test_the_mirror_is_read_from_both_formats_of_apt(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://old.example/debian x\ndeb [arch=amd64] http://list.example/debian/ sid main\n"
    )
    assert mirror(tmp_path) == "http://list.example/debian"
    (parts / "debian.sources").write_text(DEB822)
    assert mirror(tmp_path) == "http://mirror.example/debian"


def test_a_machine_without_a_debian_mirror_gets_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "other.list").write_text("deb http://other.example/tools stable main\n")
    with pytest.raises(FixConfiguration, match="no Debian mirror"):
        mirror(tmp_path)


def test_an_unavailable_package_fails_with_the_message_of_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {"apt-get": "echo 'E: Unable to locate package' >&2; exit 100", "dpkg": "exit 1"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(odoo_package, "mirror", lambda apt: "http://mirror.example/debian")
    with pytest.raises(FixConfiguration, match="Unable to locate package"):
        OdooPackage(tmp_path / "home").install()


def test_the_keys_are_read_from_what_odoo_prints_and_hidden_in_texts() -> None:
    assert "res.users.apikeys" in keys_script()
    access = parse_access('a warning\nIn [1]: MADE={"keys": {"sync": "s3cr3t"}, "companies": [1, 2]}\n')
    assert access.keys["sync"] == "s3cr3t"
    assert "s3cr3t" not in repr(access)


def test_using_an_odoo_started_by_another_process_keeps_its_state_file(tmp_path: Path) -> None:
    """Once a second run of the tests took the note away, and everybody after it waited for ever."""
    cluster = Cluster(tmp_path, tmp_path / "postgres", 5432, "secret")
    served = LiveOdoo("http://127.0.0.1:8069", "shop", Access({}, [1]), "19.0", cluster, OdooPackage(tmp_path))
    with announced(served) as note:
        text = note.read_text()
        with announced(served):
            assert note.read_text() == text
        assert note.read_text() == text
    assert not note.exists()


# Counts of a run


def report(nodeid: str, why: str = "") -> SimpleNamespace:
    return SimpleNamespace(nodeid=nodeid, longrepr=("file.py", 1, f"Skipped: {why}") if why else "")


def test_the_counts_are_of_what_met_the_live_odoo_and_name_what_failed_and_why_it_was_skipped() -> None:
    stats = {
        "passed": [report("tests/odoo/test_a.py::test_one[live]"), report("tests/odoo/test_a.py::test_one[sandbox]")],
        "failed": [report("tests/odoo/test_a.py::test_two[live-orders]")],
        "error": [report("tests/odoo/test_b.py::test_three[live]"), report("tests/test_alive.py::test_four[alive]")],
        "skipped": [report(f"tests/odoo/test_b.py::test_five[{each}-live]", "no shell") for each in "xy"],
    }
    told = LiveRun.of(stats, "today, commit abc").table().splitlines()
    assert "| `test_a.py` | 1 | 1 | 0 | today, commit abc |" in told
    assert "| `test_b.py` | 0 | 1 | 2 | today, commit abc |" in told
    assert "| all | **1** | **2** | **2** | |" in told
    assert "- `test_b.py`: 2: no shell" in told
    assert told[-2:] == ["- `test_a.py::test_two[live-orders]`", "- `test_b.py::test_three[live]`"]


RUN = begin_of("18.0", "odoo")


def test_a_run_renews_the_rows_of_its_files_and_leaves_those_of_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_counts, "RUNS", tmp_path / "runs")
    page = tmp_path / "page.md"
    page.write_text("# Live\n\nby hand\n")
    ran = [
        ("first", {"failed": [report("odoo/test_a.py::test_one[live]"), report("odoo/test_b.py::test_two[live]")]}),
        ("second", {"passed": [report("odoo/test_a.py::test_one[live]")]}),
    ]
    for when, stats in ran:
        file = live_counts.note(LiveRun.of(stats, when), "18.0", "odoo", page)
    assert page.read_text() == f"# Live\n\nby hand\n\n{RUN}\n\n{file.read_text()}\n{live_counts.END}\n"
    told = file.read_text().splitlines()
    assert "| `test_a.py` | 1 | 0 | 0 | second |" in told
    assert "| `test_b.py` | 0 | 1 | 0 | first |" in told
    assert told[-1] == "- `test_b.py::test_two[live]`"
    assert LiveRun.parsed(file.read_text()).table() == file.read_text()


@pytest.mark.parametrize(
    ("arguments", "left_out", "ended", "whole"),
    [
        (["tests"], False, True, True),
        (["tests/odoo/test_a.py"], False, True, True),
        (["tests/odoo/test_a.py::test_one"], False, True, False),
        (["tests"], True, True, False),
        (["tests"], False, False, False),
    ],
)
def test_a_part_of_a_file_is_no_evidence(arguments: list[str], left_out: bool, ended: bool, whole: bool) -> None:
    assert is_evidence(arguments, left_out=left_out, ended=ended) is whole


def test_a_run_replaces_its_own_counts_on_the_page_and_leaves_the_rest() -> None:
    page = "# Live\n\nby hand\n"
    for build in ("18.0", "19.0"):
        page = replaced(page, begin_of(build, "odoo"), f"first of {build}")
    page = replaced(page, RUN, "second of 18.0")
    assert "first of 18.0" not in page
    assert between(page, RUN).strip() == "second of 18.0"
    assert page.index("by hand") < page.index("second of 18.0") < page.index("first of 19.0")
    with pytest.raises(ValueError, match="end of run"):
        replaced(RUN, RUN, "more")


def test_a_build_is_held_to_the_reviewed_one_of_its_series() -> None:
    assert nearest(TESTED_BUILD) == nearest("19.0.0+dfsg-99") == nearest("20.0") == TESTED_BUILD
