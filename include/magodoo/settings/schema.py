"""The JSON schema of the settings file, for editors: `# yaml-language-server: $schema=docs/settings.schema.json` at its top."""

from __future__ import annotations

import json
from typing import Any

from magodoo.settings.model import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the JSON schema of the settings file."""
    made = Settings.model_json_schema()
    definitions = made["$defs"]
    for definition in (made, *definitions.values()):
        for field in definition.get("properties", {}).values():
            field.pop("title", None)
            if "description" in field:
                field["description"] = " ".join(field.pop("description").split())
    # An instance's id is its key in the mapping.
    instance_id = definitions["Instance"]["properties"].pop("id")
    instances = made["properties"]["instances"]
    instances["propertyNames"] = {"pattern": instance_id["pattern"]}
    instances["description"] = "Instances by their permanent id, which is part of every reference."
    return {"$schema": DIALECT, "title": "Settings of magodoo", **{key: made[key] for key in made if key != "title"}}


def text() -> str:
    """Return the content of docs/settings.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
