"""The JSON schema of the settings file, for editors: `# yaml-language-server: $schema=docs/settings.schema.json` at its top."""

from __future__ import annotations

import ast
import inspect
import json
from typing import Any

from magodoo.settings import extra_totals, model

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the JSON schema, with the texts below the fields of `settings/model.py` as descriptions."""
    made = model.Settings.model_json_schema()
    definitions = made["$defs"]
    texts = _texts()
    for name, definition in (("Settings", made), *definitions.items()):
        _describe(definition, texts.get(name, {}))
    # An instance's id is its key in the mapping.
    instance_id = definitions["Instance"]["properties"].pop("id")
    instances = made["properties"]["instances"]
    instances["propertyNames"] = {"pattern": instance_id["pattern"]}
    instances["description"] = "Instances by their permanent id, which is part of every reference."
    return {"$schema": DIALECT, "title": "Settings of magodoo", **{key: made[key] for key in made if key != "title"}}


def text() -> str:
    """Return the content of docs/settings.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(definition: dict[str, Any], texts: dict[str, str]) -> None:
    for name, field in definition.get("properties", {}).items():
        field.pop("title", None)
        if name in texts:
            field["description"] = texts[name]


def _texts() -> dict[str, dict[str, str]]:
    """Return the texts below the fields, by class and field."""
    found: dict[str, dict[str, str]] = {}
    for node in (*ast.parse(inspect.getsource(model)).body, *ast.parse(inspect.getsource(extra_totals)).body):
        if isinstance(node, ast.ClassDef):
            found[node.name] = {
                field.target.id: " ".join(below.value.value.split())
                for field, below in zip(node.body, node.body[1:], strict=False)
                if isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            }
    return found
