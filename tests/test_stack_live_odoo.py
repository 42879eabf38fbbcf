"""Where the live Odoo's package comes from, and what is said when it cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from magodoo.errors import FixConfiguration
from magodoo_devstack import odoo_package
from magodoo_devstack.live_odoo import LiveOdoo, announced
from magodoo_devstack.odoo_package import OdooPackage, mirror
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
