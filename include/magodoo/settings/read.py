"""Reads the settings file; every problem names the line and what to write instead. One broken instance does not hide the others."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from magodoo.errors import BadSettings
from magodoo.settings.model import Instance, Settings

FILE_VARIABLE = "MAGODOO_SETTINGS"
DEFAULT_FILE = "magodoo.yaml"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in the file: where it stands and what to do."""

    path: str
    line: int | None
    message: str
    instance: str | None = None

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.path}: {self.message}"


@dataclass
class Reading:
    """What could be read: the sound settings, and the problems of what could not."""

    settings: Settings
    problems: list[Problem] = field(default_factory=list)


def settings_file() -> Path:
    return Path(os.environ.get(FILE_VARIABLE, DEFAULT_FILE))


def read_settings(path: Path | str | None = None) -> Settings:
    """The settings, whole. Raises BadSettings with every problem when anything in the file is wrong."""
    reading = read_with_problems(path)
    if reading.problems:
        listed = "\n".join(f"  {problem}" for problem in reading.problems)
        raise BadSettings(f"{path or settings_file()}:\n{listed}", hint="mend these lines; `make settings` checks them")
    return reading.settings


def read_with_problems(path: Path | str | None = None) -> Reading:
    """The instances that are sound and the problems of the rest: a broken entry takes away only that instance's DAGs."""
    file = Path(path) if path else settings_file()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as problem:
        raise BadSettings(f"{file} cannot be read: {problem.strerror}", hint=f"set {FILE_VARIABLE} to the settings file") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise BadSettings(f"{file} is not YAML: {problem}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("instances"), dict):
        raise BadSettings(f"{file} has no `instances:`", hint="see docs for an example file")
    return _validated(raw, node)


def _validated(raw: dict[str, Any], node: yaml.Node | None) -> Reading:
    problems: list[Problem] = []
    instances: dict[str, Instance] = {}
    for name, entry in raw["instances"].items():
        try:
            instances[str(name)] = Instance.model_validate({**(entry or {}), "id": str(name)})
        except ValidationError as problem:
            problems += _told(problem, ("instances", name), node, str(name))
        except TypeError:
            problems.append(Problem(f"instances.{name}", _line(node, ("instances", name)), "must be a mapping", str(name)))
    try:
        settings = Settings.model_validate({**raw, "instances": instances})
    except ValidationError as problem:
        problems += _told(problem, (), node, None)
        settings = Settings(instances=instances)
    return Reading(settings, problems)


def _told(error: ValidationError, prefix: tuple[Any, ...], node: yaml.Node | None, instance: str | None) -> list[Problem]:
    told = []
    for item in error.errors():
        path = (*prefix, *item["loc"])
        message = "this setting does not exist" if item["type"] == "extra_forbidden" else item["msg"]
        told.append(Problem(".".join(map(str, path)), _line(node, path), message, instance))
    return told


def _line(node: yaml.Node | None, path: tuple[Any, ...]) -> int | None:
    """The line of the deepest part of `path` that stands in the file."""
    line = None
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if str(key.value) == str(step)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
