"""docker-compose.yaml as plain values: merged, interpolated, and each command as words and variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
FILE = CHECKOUT / "docker-compose.yaml"
EXAMPLE = CHECKOUT / ".env.example"
VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")


class Missing(Exception):
    """A variable that has no default is not set."""


@dataclass(frozen=True)
class Command:
    """What a service runs, and its environment."""

    words: list[str]
    environment: dict[str, str]


def text() -> str:
    return FILE.read_text(encoding="utf-8")


def variables() -> dict[str, str]:
    """Each variable of the file, with "-" when it has a default and "?" when it must be set."""
    code = re.sub(r"^\s*#.*$", "", text(), flags=re.MULTILINE)
    found: dict[str, str] = {}
    for _, name, operator, _ in VARIABLE.findall(code):
        if name:
            found[name] = max(found.get(name, ""), operator)  # "?" sorts after "-"
    return found


def read(environment: dict[str, str]) -> dict[str, Any]:
    """The whole file. Raises Missing as `docker compose` would stop."""
    return interpolated(yaml.safe_load(text()), environment)


def interpolated(value: Any, environment: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: interpolated(each, environment) for name, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each, environment) for each in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _value(found, environment), value)
    return value


def _value(found: re.Match[str], environment: dict[str, str]) -> str:
    dollar, name, operator, rest = found.groups()
    if dollar:
        return "$"
    set_to = environment.get(name, "")
    if not set_to and operator == "?":
        raise Missing(name)
    return set_to or (rest if operator == "-" else "")


def command(service: dict[str, Any]) -> Command:
    """The words that the container would run: the image has an entry point unless the service has its own."""
    environment = {name: str(value) for name, value in (service.get("environment") or {}).items()}
    words = service.get("command") or []
    words = words.split() if isinstance(words, str) else list(words)
    if "entrypoint" in service:
        return Command([*service["entrypoint"], *words], environment)
    return Command(["/entrypoint", *words] if "build" in service else words, environment)


def health(service: dict[str, Any]) -> list[str]:
    """The words of a health check."""
    kind, *words = service["healthcheck"]["test"]
    return ["sh", "-c", *words] if kind == "CMD-SHELL" else words


def example() -> dict[str, str]:
    """The variables of .env.example that are not commented out."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
