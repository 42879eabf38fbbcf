"""The `fields=` parameter: `items[entity_id,items[sku]],total_count`."""

from __future__ import annotations

from typing import Any

Tree = dict[str, "Tree | None"]


def parse_fields(text: str) -> Tree | None:
    """Return the wanted fields; None for unbalanced brackets, which Magento answers with an empty list."""
    position = 0

    def level(depth: int) -> Tree | None:
        nonlocal position
        tree: Tree = {}
        name = ""
        while position < len(text):
            sign = text[position]
            position += 1
            if sign == "[":
                branch = level(depth + 1)
                if branch is None:
                    return None
                tree[name], name = branch, ""
            elif sign in ",]":
                if name:
                    tree[name], name = None, ""
                if sign == "]":
                    return tree if depth else None
            else:
                name += sign
        if name:
            tree[name] = None
        return None if depth else tree

    return level(0)


def project(value: Any, tree: Tree) -> Any:
    """Only the wanted fields; unknown names are ignored and an empty list becomes null (docs/facts/magento-2.4.7.md#3)."""
    if isinstance(value, list):
        return [project(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {}
    for name, item in value.items():
        if name not in tree:
            continue
        branch = tree[name]
        if branch is None:
            shown[name] = item
        else:
            shown[name] = None if item == [] else project(item, branch)
    return shown
