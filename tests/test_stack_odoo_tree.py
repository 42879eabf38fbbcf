"""An Odoo that lies on the machine already: where its parts are found, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from magodoo.errors import FixConfiguration
from magodoo_devstack.odoo_package import OdooPackage
from magodoo_devstack.odoo_tree import OdooTree, installation

RELEASE = "version_info = ({major}, 0, 0, FINAL, 0, '')\n"


def tree_in(folder: Path, root: str = ".", major: str = "18") -> Path:
    """A folder that holds an Odoo's outline."""
    (folder / root / "odoo" / "addons" / "base").mkdir(parents=True)
    (folder / root / "odoo" / "release.py").write_text(RELEASE.format(major=major))
    (folder / "odoo-bin").touch()
    return folder


def found(folder: Path, tmp_path: Path, **more: str) -> OdooTree:
    tree = installation(tmp_path / "var" / "odoo-19", {"ODOO_HOME": str(folder), **more})
    assert isinstance(tree, OdooTree)
    return tree


def test_without_a_tree_it_is_debians_package(tmp_path: Path) -> None:
    assert installation(tmp_path, {}) == OdooPackage(tmp_path)


@pytest.mark.parametrize(
    ("root", "release", "build"),
    [
        pytest.param(".", "", "18.0", id="checkout"),
        pytest.param(".", "Name: odoo\nVersion: 18.0.post20250421\n", "18.0.post20250421", id="release"),
        pytest.param("usr/lib/python3/dist-packages", "", "18.0", id="unpacked package"),
        pytest.param("lib/python3.12/site-packages", "", "18.0", id="environment"),
    ],
)
def test_its_version_and_its_parts_are_found(tmp_path: Path, root: str, release: str, build: str) -> None:
    folder = tree_in(tmp_path / "odoo", root)
    if release:
        (folder / "PKG-INFO").write_text(release)
    tree = found(folder, tmp_path)
    assert (tree.build, tree.script) == (build, folder / "odoo-bin")
    assert tree.library == (folder if root == "." else folder / root)
    assert tree.addons == (tree.library / "odoo" / "addons",)
    assert tree.home.parent == tmp_path / "var" and tree.home.name.startswith(f"odoo-{build}-")


def test_a_checkout_has_its_addons_in_two_folders(tmp_path: Path) -> None:
    folder = tree_in(tmp_path / "odoo")
    (folder / "addons").mkdir()
    assert found(folder, tmp_path).addons == (folder / "odoo" / "addons", folder / "addons")


def test_saas_releases_are_known_by_their_number(tmp_path: Path) -> None:
    assert found(tree_in(tmp_path / "odoo", major="'saas~18'"), tmp_path).build == "saas~18.0"


def test_two_trees_of_one_version_and_two_interpreters_share_nothing(tmp_path: Path) -> None:
    one, other = tree_in(tmp_path / "one"), tree_in(tmp_path / "other")
    homes = {found(one, tmp_path).home, found(other, tmp_path).home, found(one, tmp_path, ODOO_PYTHON="/x/python").home}
    assert len(homes) == 3


def test_an_interpreter_that_is_named_is_used_as_it_is(tmp_path: Path) -> None:
    tree = found(tree_in(tmp_path / "odoo"), tmp_path, ODOO_PYTHON="/x/python")
    tree.install()
    assert tree.python == Path("/x/python")
    assert not (tree.home / "venv").exists()


def test_a_folder_without_odoo_is_named(tmp_path: Path) -> None:
    with pytest.raises(FixConfiguration, match="there is no odoo/release"):
        installation(tmp_path / "odoo-19", {"ODOO_HOME": str(tmp_path)})
