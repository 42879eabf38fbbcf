"""Reads the settings file. Every problem names its line and what to write instead. One invalid instance does not hide the others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from magodoo.errors import BadSettings
from magodoo.settings import soundness, wording
from magodoo.settings.model import Instance, Settings
from magodoo.settings.undecided import BLANK

FILE_VARIABLE = "MAGODOO_SETTINGS"
UI_VARIABLE = "MAGODOO_UI_URL"
"""Airflow's address where the file names none; `make up` sets it to the port that it chose."""
DEFAULT_FILE = "magodoo.yaml"

Key = tuple[tuple[str, ...], int, int | None]
Lines = dict[tuple[str, ...], int]


class Loader(yaml.SafeLoader):
    """YAML with the booleans of version 1.2: only true and false, so that `off` is text and `NO` is Norway."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node; its text if it is an invalid date or number, so that the model's validation reports it."""
        try:
            return super().construct_object(node, deep)
        except ValueError:
            return node.value


_BOOL = "tag:yaml.org,2002:bool"
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


@dataclass(frozen=True)
class Problem:
    """One error in the file: where it is, and what to do."""

    path: str
    line: int | None
    message: str
    instance: str | None = None
    hint: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.path}: {self.message}" + (f"; {self.hint}" if self.hint else "")


@dataclass
class Reading:
    """The valid settings, and the problems of the rest."""

    settings: Settings
    problems: list[Problem] = field(default_factory=list)
    lines: Lines = field(default_factory=dict, repr=False)

    def unsound(self, now: datetime) -> list[Problem]:
        """Return what the valid instances say that cannot be meant (`soundness`); `now` is aware UTC. It takes no DAG away."""
        found = [
            Problem(
                ".".join(("instances", name, *path)), _line(self.lines, ("instances", name, *path)), message, name, hint
            )
            for name, instance in self.settings.instances.items()
            for path, message, hint in soundness.of_instance(instance, now)
        ]
        return found + [
            Problem(".".join(path), _line(self.lines, path), message, None, hint)
            for path, message, hint in soundness.of_file(self.settings)
        ]


def settings_file() -> Path:
    """Return the path of the settings file: the environment variable `MAGODOO_SETTINGS`, or `magodoo.yaml`."""
    return Path(os.environ.get(FILE_VARIABLE, DEFAULT_FILE))


def read_settings(path: Path | str | None = None) -> Settings:
    """Return the settings. Raises BadSettings listing every problem when anything in the file is wrong."""
    reading = read_with_problems(path)
    if reading.problems:
        listed = "\n".join(f"  {problem}" for problem in reading.problems)
        raise BadSettings(f"{path or settings_file()}:\n{listed}", hint="mend these lines; `make settings` checks them")
    return reading.settings


def read_with_problems(path: Path | str | None = None) -> Reading:
    """Return the valid instances and the problems of the others: an invalid entry removes only that instance's DAGs.

    Raises BadSettings when the file cannot be read, is not YAML, or has no `instances:`.
    """
    file = Path(path) if path else settings_file()
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")  # the loader refuses what is not UTF-8
    except OSError as problem:
        raise BadSettings(
            f"{file} cannot be read: {problem.strerror}",
            hint=f"copy magodoo.example.yaml to magodoo.yaml and change it, or name another file in {FILE_VARIABLE}",
        ) from None
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        keys = list(_keys(node))  # before the mappings take in what they merge (<<)
        blanks = list(_blanks(node))
        raw = node and loader.construct_document(node)
    except yaml.reader.ReaderError as problem:  # a character that YAML does not allow
        line = text.count("\n", 0, problem.position) + 1
        hint = "save the file as UTF-8, or remove the character"
        raise BadSettings(
            f"{file} is not YAML: line {line} holds a character that is not UTF-8 text", hint=hint
        ) from None
    except yaml.YAMLError as problem:
        raise BadSettings(f"{file} is not YAML: {wording.of_yaml(problem)}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("instances"), dict):
        raise BadSettings(f"{file} has no `instances:`", hint="begin with magodoo.example.yaml")
    return _validated(raw, keys, blanks)


def _validated(raw: dict[str, Any], keys: list[Key], blanks: list[tuple[str, ...]]) -> Reading:
    problems: list[Problem] = []
    lines = {path: line for path, line, _ in keys}
    for path, line, first in keys:
        if first and path[-1] != "<<":
            instance = path[1] if path[0] == "instances" and len(path) > 1 else None
            problems.append(Problem(".".join(path), line, f"stands twice, first in line {first}", instance, "keep one"))
    for path in blanks:
        instance = path[1] if path[0] == "instances" and len(path) > 1 else None
        hint = f"write your choice in the place of {BLANK}"
        problems.append(Problem(".".join(path), _line(lines, path), "is still open", instance, hint))
    instances: dict[str, Instance] = {}
    for name, entry in raw["instances"].items():
        try:
            instances[str(name)] = Instance.model_validate({**(entry or {}), "id": str(name)})
            for index, rule in enumerate(instances[str(name)].taxes):
                rule.at_line(lines.get(("instances", str(name), "taxes", str(index))))
        except ValidationError as problem:
            problems += _problems_of(problem, ("instances", name), lines, str(name))
        except TypeError:
            where = _line(lines, ("instances", name))
            problems.append(Problem(f"instances.{name}", where, "must be a mapping", str(name), "indent its settings"))
    for found in problems:
        instances.pop(found.instance or "", None)
    try:
        told = {"ui_url": os.environ[UI_VARIABLE]} if os.environ.get(UI_VARIABLE) else {}
        settings = Settings.model_validate({**told, **raw, "instances": instances})
    except ValidationError as problem:
        problems += _problems_of(problem, (), lines, None)
        settings = Settings(instances=instances)
    return Reading(settings, problems, lines)


def _problems_of(error: ValidationError, prefix: tuple[Any, ...], lines: Lines, instance: str | None) -> list[Problem]:
    found = []
    for item in error.errors():
        path = (*prefix, *item["loc"])
        message, hint = wording.of_mistake(item, Instance if prefix else Settings)
        found.append(Problem(".".join(map(str, path)), _line(lines, path), message, instance, hint))
    return found


def _keys(node: yaml.Node | None, path: tuple[str, ...] = ()) -> Iterator[Key]:
    """Yield path and line of each key and list item, and the line where its mapping has the same key before: YAML keeps the last one."""
    if isinstance(node, yaml.MappingNode):
        parts = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        parts = [(str(index), value, value) for index, value in enumerate(node.value)]
    else:
        return
    first: dict[str, int] = {}
    for name, begins, value in parts:
        line = begins.start_mark.line + 1
        yield (*path, name), line, first.get(name)
        first.setdefault(name, line)
        yield from _keys(value, (*path, name))


def _blanks(node: yaml.Node | None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each value in whose place a draft leaves a choice."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _blanks(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _blanks(value, (*path, str(index)))
    elif isinstance(node, yaml.ScalarNode) and node.value == BLANK and path:
        yield path


def _line(lines: Lines, path: tuple[Any, ...]) -> int | None:
    """Return the line of the deepest part of `path` that the file contains."""
    keys = tuple(map(str, path))
    return next((lines[keys[:depth]] for depth in range(len(keys), 0, -1) if keys[:depth] in lines), None)
