"""Airflow's api-server is killed at three moments of the chain and away for eight minutes: every run ends green by itself, nothing is doubled.

`make test-outage`. MAGODOO_OUTAGE_SECONDS and MAGODOO_OUTAGE_ORDERS make it shorter; evidence is written by whole runs only.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import outage
import pytest
import yaml
from faults.stage import POLICY
from load_lab import lab
from outage import CHECKOUT, CHECKS, EXTRACTS, LOAD, MOMENTS, Outage, Story
from sqlalchemy import create_engine

from magodoo_devstack import lifecycle, runner
from magodoo_devstack.environment import cluster_of
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import Secrets, State

AWAY, ORDERS = 480.0, 60
SECONDS = float(os.environ.get("MAGODOO_OUTAGE_SECONDS", AWAY))
NEW_ORDERS = int(os.environ.get("MAGODOO_OUTAGE_ORDERS", ORDERS))
SETTINGS = {
    "settle_seconds": 900,  # preflight lets nothing shorter write
    "lease_seconds": 1200,
    "schedule": "0 0 1 1 *",  # every run but the first is started by the test, which knows what is going on at its moments
}
FOLDER = CHECKOUT / "var" / "outage"
pytestmark = [pytest.mark.outage, pytest.mark.timeout(4 * 3600)]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outage]]:
    layout = Layout(tmp_path_factory.mktemp("outage"))
    for folder in ("dags", "plugins"):
        (layout.checkout / folder).symlink_to(CHECKOUT / folder)
    State(demo=True, secrets=Secrets(odoo_key="sync-key")).save(layout.stack / "stack.json")
    begun, load = datetime.now(UTC), os.getloadavg()[0]
    try:
        state = lifecycle.up(layout, Progress())
        outages = list(each(layout, state))
    finally:
        lifecycle.down(layout)
    loads = f"load {load:.0f} to {os.getloadavg()[0]:.0f}"
    write(outages, f"{begun:%-d %B %Y}, commit {commit()}, `make test-outage`, {os.cpu_count()} cores, {loads}.")
    assert runner.marked(layout) == []
    yield {outage.moment: outage for outage in outages}


def each(layout: Layout, state: State) -> Iterator[Outage]:
    """One outage after the other, on the same stack and the same two systems."""
    cluster, names = cluster_of(layout, state), {"magento_connection": "magento_demo", "odoo_connection": "odoo_demo"}
    systems: dict[str, Any] = {
        "magento_port": state.ports["magento"],
        "odoo_port": state.ports["odoo"],
        "token": state.secrets.magento_token,
    }
    with lab(cluster.url("magodoo"), **systems, **{**POLICY, **SETTINGS, **names}) as made:
        instance = made.instance.model_dump(mode="json", exclude={"id"}, exclude_unset=True)
        layout.demo.mkdir(parents=True, exist_ok=True)
        layout.demo_settings.write_text(yaml.safe_dump({"instances": {"us": instance}}))
        airflow = create_engine(cluster.url("airflow"))
        story = Story(layout, state, made, airflow, SECONDS, NEW_ORDERS)
        story.api.wait_for_dags({*EXTRACTS, *CHECKS, LOAD}, seconds=outage.PATIENCE)
        story.api.switch_on((LOAD, *reversed(CHECKS), *EXTRACTS))
        for moment in MOMENTS:
            yield noted(story.run(moment))
        airflow.dispose()


def noted(found: Outage) -> Outage:
    """Keep what is known, should a later outage end the run."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{found.moment}.json").write_text(json.dumps(asdict(found), indent=2))
    return found


def commit() -> str:
    words = ["git", "describe", "--always", "--dirty", "--abbrev=8"]
    return subprocess.run(words, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.strip()


def write(outages: list[Outage], circumstances: str) -> None:
    """Write the evidence if the run was a whole one, else a page beside its figures."""
    file: Path = outage.EVIDENCE if (SECONDS, NEW_ORDERS) >= (AWAY, ORDERS) else FOLDER / "outages.md"
    file.write_text(outage.page(outages, circumstances), encoding="utf-8")


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_run_ends_green_without_a_person_and_nobody_is_mailed(told: dict[str, Outage], moment: str) -> None:
    assert set(told[moment].runs) == {"success"}
    assert told[moment].mails == 0


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_server_was_away_as_long_as_asked_and_tasks_were_tried_again(told: dict[str, Outage], moment: str) -> None:
    assert told[moment].seconds >= SECONDS
    assert told[moment].tries, "no task lost a try: the outage met nothing"


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_doubled_lost_wrong_or_left_open(told: dict[str, Outage], moment: str) -> None:
    found = told[moment]
    assert (found.duplicates, found.lost, found.wrong_amount, found.lines, found.open) == (0, 0, 0, [], [])


def test_documents_were_written_while_the_server_was_away(told: dict[str, Outage]) -> None:
    assert told["writing"].written > 0
