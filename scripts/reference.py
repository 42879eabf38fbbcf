"""Write `docs/reference/` from the code: settings, findings, states, changes, tables, metrics, commands.

The pages are committed, so that they can be read without building anything; `tests/test_reference.py` fails when one does
not agree with the code. `make reference` writes them again.
"""

from __future__ import annotations

import ast
import inspect
import logging
import re
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from scripts import tables
from sqlalchemy import Engine

from magodoo import staging
from magodoo.connectors.magento import needed
from magodoo.connectors.magento import versions as magento_versions
from magodoo.connectors.magento.schema import Fate, Shape
from magodoo.connectors.odoo import proofs
from magodoo.connectors.odoo.versions import CAPABILITIES, Lack, Version, can, standing
from magodoo.domain import labels
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Approval, ChangeState, FindingType, Kind, Rule, Verdict
from magodoo.reconcile import catalogue, statuses
from magodoo.settings import extra_totals, model
from magodoo.settings.schema import schema
from magodoo_airflow import metrics
from magodoo_airflow.operators.changes import BY_KIND
from magodoo_devstack import ports
from magodoo_devstack.layout import Layout
from magodoo_devstack.postgres import Cluster

CHECKOUT = Path(__file__).resolve().parents[1]
REFERENCE = CHECKOUT / "docs" / "reference"
README = CHECKOUT / "README.md"
WRITTEN = "<!-- written by `make reference` from {}; do not edit -->\n"


def pages(engine: Engine) -> dict[str, str]:
    """Every generated file below docs/reference by its name. `engine`: a staging database of the newest schema."""
    made = tables.read(engine)
    return {
        "settings.md": settings_page(),
        "findings.md": findings_page(),
        "fields.md": fields_page(),
        "states.md": states_page(),
        "changes.md": changes_page(),
        "tables.md": tables.page(made),
        "tables.svg": tables.picture(made),
        "metrics.md": metrics_page(),
        "commands.md": commands_page(),
        "versions.md": versions_page(),
    }


def settings_page() -> str:
    """One section per class of `settings/model.py`, the file's own top level first."""
    whole = schema()
    classes = {name: made for name, made in whole["$defs"].items() if "properties" in made}
    lines = [
        WRITTEN.format("include/magodoo/settings/model.py"),
        "# Settings",
        "",
        "One YAML file, named by `MAGODOO_SETTINGS` (else `magodoo.yaml`). `magodoo.example.yaml` is a starting point, and",
        "`make settings` names every mistake with its line. A setting that is left out keeps its default, which is the safe value.",
        "",
        "An editor with the YAML language server shows these texts while you type, from",
        "[settings.schema.json](../settings.schema.json).",
        "",
        "## The file",
        "",
        *_setting_rows(whole, model.Settings),
    ]
    for name in ["Instance", *sorted(classes.keys() - {"Instance"})]:
        lines += ["", f"## {name}", ""]
        text = classes[name].get("description", "")
        if text:
            lines += [_cell(text), ""]
        lines += _setting_rows(classes[name], getattr(model, name, None) or getattr(extra_totals, name))
    return _page(lines)


def _setting_rows(definition: Mapping[str, Any], of: type[BaseModel]) -> Iterator[str]:
    yield from _table(
        ("setting", "value", "default", "meaning"),
        (
            (
                f"`{name}`",
                _value(field),
                _default(of.model_fields[name]),
                _cell(_meaning(field)),
            )
            for name, field in definition["properties"].items()
        ),
    )


def _meaning(field: Mapping[str, Any]) -> str:
    """Return the text below the field, else the purpose of its class."""
    text: str = field.get("description", "")
    if not text and "$ref" in field:
        text = schema()["$defs"][field["$ref"].rpartition("/")[2]].get("description", "")
    return text


def _value(field: Mapping[str, Any]) -> str:
    """Return the type of a setting, as a person would write it."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        target = schema()["$defs"][name]
        return f"[{name}](#{name.lower()})" if "properties" in target else _value(target)
    choices = field.get("anyOf") or field.get("oneOf")
    if choices:
        found = dict.fromkeys(_value(choice) for choice in choices)
        return " or ".join(kind for kind in found if kind not in ("nothing", _PATTERN))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if field.get("type") == "array":
        return f"list of {_value(field['items'])}" if "items" in field else "list"
    if field.get("type") == "object":
        return f"mapping to {_value(field['additionalProperties'])}"
    if field.get("type") == "string" and "pattern" in field:
        return _PATTERN
    words = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "`true`, `false`",
        "null": "nothing",
    }
    return "date-time" if field.get("format") == "date-time" else words[field["type"]]


_PATTERN = "decimal text"  # how pydantic writes a Decimal beside the number


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return "as below"
    if default is None:
        return "none"
    if isinstance(default, dict):
        return ", ".join(f"`{key}: {value}`" for key, value in default.items()) or "empty"
    if isinstance(default, tuple):
        return ", ".join(f"`{each}`" for each in default) or "empty"
    word = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{word}`" if word else "empty"


def findings_page() -> str:
    """Return the catalogue, most severe first, as `reconcile/catalogue.py` holds it."""
    entries = {found: catalogue.of(found) for found in FindingType}
    severities = list(dict.fromkeys(entry.severity for entry in catalogue.CATALOGUE.values()))
    severities.sort(key=["critical", "warning", "info"].index)
    ordered = [found for severity in severities for found in FindingType if entries[found].severity is severity]
    lines = [
        WRITTEN.format("include/magodoo/reconcile/catalogue.py"),
        "# Findings",
        "",
        "A finding is one difference between the two sides. It is resolved when the next run no longer finds it, and reopened",
        "when it comes back. [Resolve a finding](../how-to/resolve-a-finding.md) says how to handle one.",
        "",
        *_table(
            ("finding", "severity", "who acts", "affects"),
            ((f"[`{f}`](#{f})", entries[f].severity, entries[f].who, entries[f].effect) for f in ordered),
        ),
    ]
    for found in ordered:
        entry = entries[found]
        lines += [
            "",
            f"## {found}",
            "",
            f"**{entry.title}**: {entry.meaning}. {entry.why}.",
            "",
            f"- Cause: {entry.cause}.",
            f"- Remedy: {entry.remedy}.",
            f"- Who acts: {entry.who}. Severity: {entry.severity}. Affects: {entry.effect}.",
            f"- Why nothing is written: {entry.no_change}.",
            *([f"- Where a change is planned: {entry.with_change}."] if entry.with_change else []),
        ]
    return _page(lines)


def fields_page() -> str:
    """Which field of Magento's documents is needed for what, as `magento/needed.py` holds it."""
    lines = [
        WRITTEN.format("include/magodoo/connectors/magento/needed.py"),
        "# Fields of Magento's documents",
        "",
        "Which fields of a document are read, for what purpose, and what happens to the document if the field is missing or unreadable. Fields that are",
        "not listed may hold anything. *Left out* means: the rest of the document is used, and a finding `read_in_part` names what is missing.",
    ]
    for kind, shape in needed.SHAPES.items():
        lines += ["", f"## {labels.KINDS[kind].capitalize()}", ""]
        lines += _table(("field", "needed for", "missing", "cannot be read"), _field_rows(shape, ""))
    return _page(lines)


def _field_rows(shape: Shape, where: str) -> Iterator[tuple[str, ...]]:
    words = {Fate.FINE: "-", Fate.NOTED: "left out", Fate.REFUSED: "quarantined"}
    for name, known in shape.fields.items():
        place = f"{where}{name}{'[]' if known.is_list else ''}"
        yield f"`{place}`", known.use, words[known.missing], words[known.unsound]
        if known.inner:
            yield from _field_rows(known.inner, f"{place}.")


def states_page() -> str:
    """Return what a pair of states means, per kind, row by row as `reconcile/statuses.py` tries them."""
    columns = ("Magento state", "Odoo state", "Odoo payment_state", "captured", "made by us", "means", "finding")
    lines = [
        WRITTEN.format("include/magodoo/reconcile/statuses.py"),
        "# States",
        "",
        "The combined meaning of the states of a matched pair. The first row that fits decides; an empty cell fits everything. A Magento state",
        "that no release defines is data, never an error: it means the same as the ordinary state.",
    ]
    for kind, rows in statuses.TABLES.items():
        lines += ["", f"## {labels.KINDS[kind].capitalize()}", ""]
        lines += _table(
            columns,
            (
                (
                    _words(row.magento),
                    _words(row.odoo),
                    _words(row.payment),
                    _flag(row.captured),
                    _flag(row.ours),
                    row.meaning.words,
                    _finding(row.meaning),
                )
                for row in rows
            ),
        )
    payment_states = {**labels.PAYMENT_STATES, **labels.RARE_PAYMENT_STATES}
    tables_of_labels = (
        ("Magento invoice", labels.MAGENTO_STATES[Kind.INVOICE]),
        ("Magento credit memo", labels.MAGENTO_STATES[Kind.CREDIT_MEMO]),
        ("Odoo payment_state", payment_states),
    )
    lines += ["", "## Labels", "", "The states behind the numbers and words that the two systems store.", ""]
    lines += _table(
        ("of", "stored", "shown"),
        ((of, f"`{key}`", word) for of, words in tables_of_labels for key, word in words.items() if key),
    )
    return _page(lines)


def _words(rule: Any) -> str:
    return "" if rule is None else ", ".join(f"`{word}`" if word else "(none)" for word in sorted(rule))


def _flag(rule: bool | None) -> str:
    return "" if rule is None else "yes" if rule else "no"


def _finding(meaning: statuses.Meaning) -> str:
    if meaning.part is None and meaning.finding is None:
        return ""
    found = meaning.finding or FindingType.STATUS_MISMATCH.value
    return f"[`{found}`](findings.md#{found})"


def changes_page() -> str:
    """Kinds, states, verdicts and rules: the words of the ledger and of matching."""
    vocabularies: tuple[tuple[str, type[StrEnum], Mapping[str, str]], ...] = (
        ("States of a change", ChangeState, labels.CHANGE_STATES),
        ("Verdict of the gate", Verdict, labels.VERDICTS),
        ("Approval", Approval, labels.APPROVALS),
        ("Rules of matching", Rule, labels.MATCHING_RULES),
    )
    lines = [
        WRITTEN.format("include/magodoo/domain/{kinds,vocabulary,labels}.py"),
        "# Changes",
        "",
        _own_text(ChangeKind),
        "",
        *_table(
            ("kind", "shown", "written to", "operator", "does"),
            (
                (
                    f"`{kind}`",
                    labels.CHANGE_KINDS[kind],
                    labels.SIDES[kind.target],
                    f"`{BY_KIND[kind].__name__}`",
                    _cell(_first_paragraph(BY_KIND[kind])),
                )
                for kind in ChangeKind
            ),
        ),
    ]
    for title, members, shown in vocabularies:
        lines += ["", f"## {title}", "", _own_text(members), ""]
        lines += _table(("stored", "shown"), ((f"`{member}`", shown[member]) for member in members))
    return _page(lines)


def _own_text(thing: type) -> str:
    return inspect.cleandoc(thing.__doc__ or "")


def _first_paragraph(thing: type) -> str:
    """Return what it does, without its example."""
    return _own_text(thing).split("\n\n")[0]


def metrics_page() -> str:
    """Gauges from their SQL, counters and timers from the calls that send them."""
    lines = [
        WRITTEN.format("plugins/magodoo_airflow/metrics.py"),
        "# Metrics",
        "",
        _own_text_of_module(metrics),
        "",
        "Airflow puts its own prefix before them (`airflow.` unless `[metrics] statsd_prefix` says otherwise).",
        "",
        *_table(("metric", "type", "tags", "sent"), [*_sent(), *_gauges()]),
    ]
    return _page(lines)


def _gauges() -> Iterator[tuple[str, str, str, str]]:
    for name, statement in metrics.GAUGES.items():
        columns = re.search(r"select (.+?) from ", " ".join(statement.split()))
        assert columns, f"the gauge {name} selects nothing"
        tags = [
            re.sub(r"^\w+\.", "", part.strip())
            for part in columns[1].split(", ")
            if re.fullmatch(r"[\w.]+", part.strip())
        ]
        yield f"`magodoo.{name}`", "gauge", ", ".join(f"`{tag}`" for tag in ["instance", *tags]), "after every task"


def _sent() -> Iterator[tuple[str, str, str, str]]:
    kinds = {"timing": "timer", "incr": "counter"}
    for function in ast.parse(inspect.getsource(metrics)).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        said = (ast.get_docstring(function) or "").partition("\n")[0].partition("`")[0].rstrip(": ")
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in kinds:
                name = ast.unparse(call.args[0]).strip("f'\"").replace("{name}", "<count>")
                if function.name == "_of_client":
                    yield from (
                        (
                            f"`magodoo.{each}`",
                            "counter",
                            "`instance`, `system`",
                            "at the end of every task that called the system",
                        )
                        for each in ("requests", "requests_repeated", "request_milliseconds")
                    )
                else:
                    yield f"`{name}`", kinds[call.func.attr], _tags(call), said


def _tags(call: ast.Call) -> str:
    """Return the tags of a call: written out there, or those of a shared variable."""
    given = next(word.value for word in call.keywords if word.arg == "tags")
    if isinstance(given, ast.Dict):
        return ", ".join(f"`{ast.literal_eval(key)}`" for key in given.keys if key is not None)
    return "`instance`, `stage`"


def _own_text_of_module(module: Any) -> str:
    return inspect.cleandoc(module.__doc__ or "")


def commands_page() -> str:
    """Return the targets of the Makefile, in its groups."""
    lines = [WRITTEN.format("the Makefile"), "# Commands", "", "`make help` prints this list."]
    for line in (CHECKOUT / "Makefile").read_text(encoding="utf-8").splitlines():
        if line.startswith("##@ "):
            lines += ["", f"## {line[4:]}", ""]
        elif found := re.match(r"([a-z-]+):.*?## (.+)", line):
            lines.append(f"- `make {found[1]}`: {found[2]}")
    return _page(lines)


_HOW = {
    proofs.Proof.LIVE: "[live](#live) on {edition}: `{command}`",
    proofs.Proof.SANDBOX: "[sandbox](#sandbox)",
    proofs.Proof.SOURCE: "[source](#source)",
    proofs.Proof.NONE: "not proven",
}


def versions_page() -> str:
    """Write which versions do what, and how that is known."""
    lines = [
        "# Versions", "", WRITTEN.format("`connectors/odoo/proofs.py` and the two `versions.py`"),
        "What each version of [Odoo](#odoo) and of [Magento](#magento) does of what magodoo does, and how that is known.", "", "## Odoo", "",
        *_table(["", *(f"Odoo {major}" for major in proofs.VERSIONS)], _odoo_rows(_cell_of_page)), "",
        "- <span id=\"live\">live</span>: run on a server of that version; the cell names the edition and the command.",
        "- <span id=\"sandbox\">sandbox</span>: run by `make test` on the sandbox's Odoo, started as that version.",
        "- <span id=\"source\">source</span>: every name that is used was looked up in its sources ([17 to 19](../evidence/odoo-sources.md),"
        " [20](../facts/odoo-20.md)), and it was not run.",
        "", f"Every live server was *{proofs.EDITION}*. Nothing was ever run on Enterprise; what only Enterprise has:", "",
        *(f"- {each.name}: {each.enterprise}" for each in proofs.FEATURES if each.enterprise), "", "### What each version is", "",
        *_table(["version", "in the connection test and in preflight"], ([f"{major}", standing(Version(major)).text] for major in proofs.VERSIONS)),
        "", "### Charts of accounts", "",
        "A month of orders, invoices, deliveries and partial credit memos was written with each of these charts of Odoo 19 and compared to the cent,"
        " with its taxes and accounts, up to a monthly statement that agrees. Any other chart is assumed to work alike.",
        "", *_table(["chart", "modules", "what was run", "how it is known"], _charts()),
        "", "### What a version lacks", "",
        *_table(["version", "what follows", "what is done"], _lacks()), "", "## Magento", "",
        *_table(["release", "how it is known", "from what", "what differs from 2.4.7"], _releases()), "",
        "`/magento_version` says no more than `2.4`. Modules that came with a release tell more, where the integration may read"
        " them (`Magento_Backend::admin`).",
        "No release is refused for its number.",
    ]  # fmt: skip
    return _page(lines)


def _charts() -> Iterator[list[str]]:
    how = _HOW[proofs.Proof.LIVE].format(edition=proofs.EDITION, command=proofs.CHARTS_COMMAND)
    for chart in proofs.CHARTS:
        yield [chart.name, ", ".join(f"`{module}`" for module in chart.modules), chart.what, how]


def readme_versions() -> str:
    """Return the table of README: the cells of the page, shorter."""
    rows = _odoo_rows(lambda feature, major: _short(proofs.cell(feature, major)))
    return "\n".join(_table(["", *(f"Odoo {major}" for major in proofs.VERSIONS)], rows))


def with_versions(readme: str) -> str:
    """README with the table as the code has it now."""
    begin, end = "<!-- versions: written from the code -->\n", "<!-- end of versions -->"
    head, _, rest = readme.partition(begin)
    return f"{head}{begin}{readme_versions()}\n{end}{rest.partition(end)[2]}"


def _odoo_rows(show: Callable[[proofs.Feature, int], str]) -> Iterator[list[str]]:
    for feature in proofs.FEATURES:
        yield [feature.name, *(show(feature, major) for major in proofs.VERSIONS)]


def _cell_of_page(feature: proofs.Feature, major: int) -> str:
    found = proofs.cell(feature, major)
    how = _HOW[found.proof].format(edition=proofs.EDITION, command=proofs.COMMANDS.get(major, ""))
    return f"{_does(found)}, {how}" if found.works else "no"


def _short(found: proofs.Cell) -> str:
    if not found.works:
        return "no"
    how = (
        "not proven"
        if found.proof is proofs.Proof.NONE
        else f"[{found.proof}](docs/reference/versions.md#{found.proof})"
    )
    return f"{_does(found)}, {how}"


def _does(found: proofs.Cell) -> str:
    return "with limits" if found.limits else "yes"


def _lacks() -> Iterator[list[str]]:
    done = {Lack.STOPS: "only observed", Lack.WARNS: "preflight warns", Lack.COVERED: "another way is taken"}
    for major in proofs.VERSIONS:
        for each in (found for name, found in CAPABILITIES.items() if not can(Version(major), name)):
            yield [f"{major}", _cell(each.lacking), done[each.lack]]


def _releases() -> Iterator[list[str]]:
    for each in magento_versions.RELEASES:
        yield [each.name, str(each.proof), _linked(each.source), _linked(each.differs)]


def _linked(text: str) -> str:
    """Return a text with the pages that it names as links."""
    return re.sub(r"docs/((?:[\w.-]+/)*)([\w.-]+)\.md", r"[\2](../\1\2.md)", _cell(text))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _cell(text: str) -> str:
    """Return a text for one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def main() -> None:
    """Write the pages, over a PostgreSQL of its own that is gone afterwards."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    Layout(CHECKOUT).make_var()
    with tempfile.TemporaryDirectory(dir=CHECKOUT / "var") as folder:
        cluster = Cluster(CHECKOUT, Path(folder) / "postgres", ports.any_free(), secrets.token_hex(), durable=False)
        cluster.create()
        cluster.start()
        try:
            staging.migrate(cluster.url("postgres"))
            engine = staging.connect(cluster.url("postgres"))
            REFERENCE.mkdir(parents=True, exist_ok=True)
            for name, text in pages(engine).items():
                (REFERENCE / name).write_text(text, encoding="utf-8")
            README.write_text(with_versions(README.read_text(encoding="utf-8")), encoding="utf-8")
            engine.dispose()
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
