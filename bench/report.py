"""The tables in docs/benchmarks.md and docs/evidence/benchmarks.md, made from results.json between two marks.

The user page has the figures, the other one where and on which versions they were measured. The text around is written by people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import entry
from bench.contest import CHECKOUT

PAGE, EVIDENCE = (CHECKOUT / page for page in entry.PAGES)
BEGIN, END = "<!-- results: written by `make bench` -->", "<!-- end of results -->"
Results = Mapping[str, Mapping[str, Any]]


def write(page: Path = PAGE, evidence: Path = EVIDENCE, results: Path = entry.RESULTS) -> None:
    """Replace the text between the markers of both pages. Raises ValueError when one has none."""
    found = entry.read(results)
    _replace(page, table(found))
    _replace(evidence, machines(found))


def _replace(page: Path, made: str) -> None:
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the results")
    page.write_text(f"{head}{BEGIN}\n\n{made}\n{END}{tail}", encoding="utf-8")


def table(results: Results) -> str:
    """One row per figure that has an aim; then where the time of some went."""
    lines = ["| name | figure | measured | aim | |", "| --- | --- | ---: | ---: | --- |"]
    for name, figure, aim, value, good in rows(results):
        lines.append(f"| {name} | {figure} | {value} | {aim} | {'' if good or value == 'not measured' else 'missed'} |")
    spent = list(parts(results))
    if spent:
        lines += ["", "| name | of its time | calls | seconds |", "| --- | --- | ---: | ---: |"]
        lines += [f"| {name} | {part} | {calls} | {seconds:,.3g} |" for name, part, calls, seconds in spent]
    return "\n".join(lines) + "\n"


def machines(results: Results) -> str:
    """One row per benchmark: its size, and the machine and versions that it was measured with."""
    lines = ["| name | size | runs | machine | versions |", "| --- | ---: | ---: | --- | --- |"]
    for name, found in results.items():
        versions = ", ".join(f"{package} {version}" for package, version in found["versions"].items())
        lines.append(f"| {name} | {found['size']:,} | {found['runs']} | {found['machine']} | {versions} |")
    return "\n".join(lines) + "\n"


def parts(results: Results) -> Iterator[tuple[str, str, str, float]]:
    """(name, part, calls, seconds) of the last run of `load`: what it waited for, and the rest."""
    ours = results.get("load", {}).get("ours", {})
    for name, found in (("load", ours), ("load, Magento writes", ours.get("magento", {}))):
        if "waited" not in found:
            continue
        for part, waited in sorted(found["waited"].items()):
            yield name, part, f"{waited['calls']:,.0f}", waited["seconds"]
        rest = found["all_seconds"][-1] - sum(waited["seconds"] for waited in found["waited"].values())
        yield name, "the rest: ledger, staging, our own code", "", max(rest, 0.0)


def rows(results: Results) -> list[tuple[str, str, str, str, bool]]:
    """(name, figure, aim, value, reached) of everything that has been measured."""
    measured = []
    for name, figure, value_of, sign, aim, unit in AIMS:
        if name not in results:
            continue
        try:
            value = value_of(results[name])
        except (KeyError, TypeError):  # a figure of a part that was not measured
            measured.append((name, figure, f"{sign} {aim:g}{unit}", "not measured", False))
            continue
        good = value >= aim if sign == "≥" else value <= aim
        measured.append((name, figure, f"{sign} {aim:g}{unit}", f"{value:,.4g}{unit}", good))
    return measured


def _at(*path: str) -> Callable[[Mapping[str, Any]], float]:
    def find(found: Any) -> float:
        for step in path:
            found = found[step]
        return float(found)

    return find


def _largest(*path: str) -> Callable[[Mapping[str, Any]], float]:
    def find(found: Any) -> float:
        for step in path:
            found = found[step]
        values = [max(value.values()) if isinstance(value, dict) else value for value in found.values()]
        return float(max(values))

    return find


# (name, what, its place in the entry, whether more or less is better, the aim, unit)
AIMS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], float], str, float, str], ...] = (
    ("extract", "throughput, of dlt's", _at("ratio"), "≥", 3, ""),
    ("extract", "throughput, of dlt's with tables for lines", _at("ours", "ratio_with_lines"), "≥", 3, ""),
    ("extract", "throughput, of the bare reads'", _at("limit_ratio"), "≥", 0.85, ""),
    (
        "extract",
        "throughput, of the bare reads', at the pace of a Magento 2.4.7",
        _at("ours", "at_magento_pace", "limit_ratio"),
        "≥",
        0.85,
        "",
    ),
    ("odoo-read", "throughput, of odoorpc's record by record", _at("ratio"), "≥", 20, ""),
    ("odoo-read", "throughput, of odoorpc's in pages", _at("ours", "ratio_to_pages"), "≥", 2, ""),
    ("stage", "throughput, of to_sql's", _at("ratio"), "≥", 5, ""),
    ("stage", "throughput, of bare COPY's", _at("limit_ratio"), "≥", 0.6, ""),
    ("pg-copy", "throughput, of the csv module's with psycopg2", _at("ratio"), "≥", 1, ""),
    ("pg-copy", "throughput, of psycopg 3's", _at("limit_ratio"), "≥", 0.9, ""),
    ("reconcile", "headers, time of datacompy's", _at("ratio"), "≤", 1, ""),
    ("reconcile", "with lines and planning, time of datacompy's", _at("ours", "with_lines_ratio"), "≤", 3, ""),
    ("reconcile", "with lines and planning, peak of memory", _at("ours", "with_lines", "peak_mb"), "≤", 2500, " MB"),
    ("reconcile", "twice the documents, time of half", _at("ours", "doubling_ratio"), "≤", 2.1, ""),
    ("reconcile", "staged rows to written findings, time of datacompy's", _at("ours", "step_ratio"), "≤", 8, ""),
    ("quality", "the whole set of checks", _at("ours", "seconds"), "≤", 10, " s"),
    ("quality", "peak of memory", _at("ours", "peak_mb"), "≤", 1500, " MB"),
    ("load", "throughput, of odoorpc's call by call", _at("ratio"), "≥", 3, ""),
    ("load", "throughput, of bare batched calls'", _at("limit_ratio"), "≥", 0.8, ""),
    ("load", "Magento writes, time of bare POSTs'", _at("ours", "magento_ratio"), "≤", 1.25, ""),
    ("chain", "Airflow and scheduling, median", _at("ours", "airflow_seconds"), "≤", 30, " s"),
    ("chain", "Airflow and scheduling, 95th percentile", _at("ours", "airflow_p95_seconds"), "≤", 30, " s"),
    ("memory", "largest peak", _largest("ours", "peak_mb"), "≤", 2500, " MB"),
    ("pages", "lists, 95th percentile", _at("ours", "lists_p95_ms"), "≤", 300, " ms"),
    ("pages", "overview, 95th percentile", _at("ours", "overview_p95_ms"), "≤", 500, " ms"),
    ("statement", "of a large month, without Odoo's own time", _at("ours", "seconds"), "≤", 60, " s"),
    ("statement", "peak of memory", _at("ours", "peak_mb"), "≤", 2500, " MB"),
    ("statement", "documents left unexplained", _at("ours", "left"), "≤", 0, ""),
    ("idle", "requests to Magento", _at("ours", "requests", "magento"), "≤", 12, ""),
    ("idle", "requests to Odoo", _at("ours", "requests", "odoo"), "≤", 12, ""),
    ("idle", "Airflow's task time, all tasks", _at("ours", "task_seconds"), "≤", 20, " s"),
    (
        "crowd",
        "slowest answer of the tasks' execution API",
        _at("ours", "own_server", "health_slowest_seconds"),
        "≤",
        2,
        " s",
    ),
    ("crowd", "answers of it that failed", _at("ours", "own_server", "health_refused"), "≤", 0, ""),
    ("crowd", "tasks that failed", _at("ours", "own_server", "tasks_failed"), "≤", 0, ""),
    (
        "crowd",
        "memory of the pages' server, second half of the time to the first",
        _at("ours", "own_server", "memory_growth"),
        "≤",
        1.1,
        "",
    ),
    ("scale", "largest exponent", _largest("ours", "exponent"), "≤", 1.1, ""),
)
