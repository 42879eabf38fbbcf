"""What is known of each version of Magento, and what can be told of a shop's."""

from __future__ import annotations

import pytest

from magodoo.connectors.magento.versions import CAME_WITH, RELEASES, Proof, of_shop, published


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Magento/2.4 (Community)", "Magento/2.4 (Community)"),
        ("Magento/2.4 (Enterprise)", "Magento/2.4 (Enterprise)"),
        ("Mage-OS/1.0 (Community)", "Mage-OS/1.0 (Community)"),
        ("<!doctype html><title>Not found</title>", ""),
        ("Magento/", ""),
        ("Magento/2.4 (Community)" + " " * 100, ""),
        ("", ""),
    ],
)
def test_only_a_version_counts_as_published(text: str, version: str) -> None:
    assert published(text) == version


def test_a_release_that_was_run_names_its_command_and_one_that_was_read_its_commit() -> None:
    assert {each.name for each in RELEASES if each.proof is Proof.RUN} == {"2.4.7"}
    for each in RELEASES:
        assert {Proof.RUN: "`make test-", Proof.READ: "` at `", Proof.ASSUMED: ""}[each.proof] in each.source


def test_the_latest_module_decides_as_a_later_release_has_the_earlier_ones_too() -> None:
    modules = [module for module, _ in CAME_WITH]
    assert f"{CAME_WITH[0][1]} or later" in of_shop("", modules).text
    assert f"{CAME_WITH[-1][1]} or later" in of_shop("", modules[-1:]).text


def test_the_version_stands_in_the_result_of_a_test_that_passed() -> None:
    assert of_shop("Magento/2.4 (Community)", None).known
    assert "may not be read" in of_shop("", None).text
