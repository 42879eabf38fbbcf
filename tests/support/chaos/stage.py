"""What a campaign runs on: PostgreSQL that waits for its disk, on a disk of its own; Airflow; both systems; the clock of each of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import requests
import yaml
from faults import stage as campaign_of_faults
from load_lab import POLICY, Lab, lab

from magodoo.errors import FixConfiguration, MagodooError, Unavailable
from magodoo.settings import Instance
from magodoo_devstack import lifecycle, runner
from magodoo_devstack.airflow import Api
from magodoo_devstack.demo.chain import EXTRACTS, STAGES, Chain
from magodoo_devstack.environment import cluster_of, environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.postgres import Cluster
from magodoo_devstack.programs import AIRFLOW, Program, programs
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import Secrets, State
from magodoo_sandbox.odoo.server import READS

CHECKOUT = Path(__file__).resolve().parents[3]
DISK = "3G"
PATIENCE = (
    600  # seconds for one run of a DAG, and until Airflow is healthy again; a run takes twenty on an idle machine
)
# Short, so that what a dead worker holds is free again within a round.
WAITS = {"settle_seconds": 10, "lease_seconds": 40}
# The loss of a task is noticed within two minutes instead of five; no file of DAGs changes.
AIRFLOW_SETTINGS = {
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "90",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # a busy machine answers late
}
SCHEDULER, ANOTHER = "airflow-scheduler", "another-scheduler"
YEARLY = "0 0 1 1 *"  # what runs is what the campaign starts
# Imported by the scheduler before it forks its tasks.
IMPORTS = (
    "airflow.sdk.execution_time.task_runner magodoo_airflow.operators.chain magodoo_airflow.operators.changes"
    " magodoo_airflow.operators.due_changes magodoo_airflow.operators.summary magodoo.pipeline.extract magodoo.pipeline.reconcile"
    " magodoo.pipeline.quality magodoo.pipeline.load great_expectations"
)
# Methods of Odoo that change nothing.
ASKS = {
    *READS,
    "context_get",
    "default_get",
    "formatted_read_group",
    "has_access",
    "has_group",
    "precision_get",
    "read_group",
}


class DiskLayout(Layout):
    """The folders of a checkout whose PostgreSQL has a disk of its own."""

    @property
    def disk(self) -> Path:
        return self.var / "disk"

    @property
    def postgres(self) -> Path:
        return self.disk / "postgres"


class Disk:
    """A file system of its own in a file, mounted; it can be filled. Needs the right to mount."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._image, self._ballast = place.with_suffix(".img"), place / "ballast"

    def mount(self) -> None:
        """Make the file system and mount it.

        Raises:
            subprocess.CalledProcessError: this account may not, or a program is missing.
        """
        self.place.mkdir(parents=True)
        for words in (
            ["truncate", "-s", DISK, self._image],
            ["mkfs.ext4", "-q", "-m", "0", self._image],
            ["mount", "-o", "loop", self._image, self.place],
        ):
            subprocess.run(words, check=True)

    def unmount(self) -> None:
        """Take it away again; one that is not mounted is no error."""
        subprocess.run(["umount", "--lazy", self.place], check=False, capture_output=True)
        self._image.unlink(missing_ok=True)

    def fill(self) -> None:
        """Leave nothing of the disk free."""
        with self._ballast.open("ab") as file:
            while (free := shutil.disk_usage(self.place).free) > 4096:
                with contextlib.suppress(OSError):  # what others took meanwhile
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free - free % 4096)

    def free(self) -> None:
        """Give back what `fill` took."""
        self._ballast.unlink(missing_ok=True)


class Clocks:
    """The wall clocks: of our processes, of the scheduler with its tasks, and of the two systems; each as seconds ahead of the true time.

    Ours are moved by libfaketime, which reads its file anew every second.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clocks-"))
        self.folder.chmod(0o755)  # PostgreSQL runs as another account
        self.ours = self.theirs = self.skew = 0.0
        (self.library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        self._ended = threading.Event()
        self.apply()

    def apply(self) -> None:
        """Let our processes see the clocks."""
        for name, seconds in (("all", self.ours), ("scheduler", self.ours + self.skew)):
            draft = self.folder / f"{name}.new"
            draft.write_text(f"{seconds:+.0f}\n")
            draft.chmod(0o644)
            draft.replace(self.folder / name)

    def variables(self, program: str) -> dict[str, str]:
        """The environment in which a program has our clock, or the scheduler's."""
        return {
            "LD_PRELOAD": str(self.library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / ("scheduler" if program == SCHEDULER else "all")),
            "PYTHONPATH": str(Path(__file__).parent / "beforehand"),
            "CHAOS_IMPORTS": IMPORTS if program in (SCHEDULER, ANOTHER) else "",
        }  # fmt: skip

    @contextmanager
    def of_systems(self, made: Lab) -> Iterator[None]:
        """Let the two systems' clocks run, ahead of the true time by `theirs`."""

        def run() -> None:
            while not self._ended.wait(0.1):
                self.set(made)

        ticking = threading.Thread(target=run)
        self.set(made)
        ticking.start()
        try:
            yield
        finally:
            self._ended.set()
            ticking.join()

    def set(self, made: Lab) -> None:
        """Set the two systems' clocks to now."""
        made.shop.now = made.db.now = datetime.now(UTC) + timedelta(seconds=self.theirs)


class PatientApi(Api):
    """Airflow's API, which may be away: what only reads is asked again until it is back."""

    def call(self, method: str, path: str, **options: Any) -> Any:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return super().call(method, path, **options)
            except (Unavailable, FixConfiguration, ValueError, requests.RequestException):
                if method == "POST" or time.monotonic() > deadline:
                    raise
                self.session.headers.pop("Authorization", None)
                time.sleep(1)


@dataclass
class Stage:
    """The running stack with both systems."""

    layout: DiskLayout
    state: State
    made: Lab
    clocks: Clocks
    disk: Disk
    second: list[subprocess.Popen[bytes]] = field(default_factory=list)
    backups: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.api = PatientApi(self.state.urls["airflow"], "admin", self.state.secrets.admin)
        self.chain = Chain(self.api, ["us"], seconds=PATIENCE)
        self.cluster: Cluster = cluster_of(self.layout, self.state)

    @property
    def dags(self) -> list[str]:
        """The DAGs of the chain."""
        return [f"{name}__us" for name in (*EXTRACTS, *STAGES)]

    def run_chain(self) -> str:
        """Extract, reconcile, quality and load once. Returns what failed, which the next time must mend; "" for nothing."""
        try:
            self.chain.run()
        except (MagodooError, requests.RequestException, ValueError) as error:
            return str(error).strip().splitlines()[0]
        return ""

    def pause(self, paused: bool) -> None:
        """Switch all DAGs of the chain off or on."""
        for dag_id in self.dags:
            self.api.call("PATCH", f"dags/{dag_id}", json={"is_paused": paused})

    def writes(self) -> list[str]:
        """The calls that write which the two systems have had, by their addresses."""
        magento = [entry["path"] for entry in list(self.made.magento.app.log) if entry["method"] != "GET"]
        odoo = [entry["path"] for entry in list(self.made.odoo.app.log)]
        return magento + [path for path in odoo if path.rpartition("/")[2] not in ASKS]

    def start_a_second_scheduler(self) -> None:
        """Another one over the same database, whose tasks run beside those of the first."""
        variables = environment(self.layout, self.state) | AIRFLOW_SETTINGS | self.clocks.variables(ANOTHER)
        with (self.layout.log / "second-scheduler.log").open("ab") as log:
            self.second.append(
                subprocess.Popen(
                    [self.layout.program("airflow"), "scheduler", "--skip-serve-logs"],
                    env=variables,
                    cwd=self.layout.checkout,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def stop_second_schedulers(self) -> None:
        """End them as their service manager would: asked first, then killed, with whatever they started."""
        for each in self.second:
            each.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, 9)
            each.wait()
        self.second.clear()

    def mend(self) -> None:
        """Take every disturbance back, and wait until the stack is healthy. What runs on is not touched.

        Raises:
            MagodooError: it did not come back.
        """
        self.disk.free()
        self.clocks.skew = 0
        self.clocks.apply()
        self.stop_second_schedulers()
        deadline = time.monotonic() + PATIENCE
        while stopped := [
            name for name, word in runner.statuses(self.state).items() if word in ("FATAL", "EXITED", "STOPPED")
        ]:
            if time.monotonic() > deadline:
                raise Unavailable(f"{', '.join(stopped)} do not come back")
            for name in stopped:
                with contextlib.suppress(xmlrpc.client.Fault):  # it is being started
                    runner.start_programs(self.state, (name,))
            time.sleep(1)
        if not self.cluster.wait(PATIENCE):
            raise Unavailable("PostgreSQL does not come back")
        self.api.wait_healthy(PATIENCE)


def remove_left_overs() -> None:
    """Remove what libfaketime left in shared memory for processes that were killed."""
    for file in Path("/dev/shm").glob("*faketime_s*_*"):
        if not psutil.pid_exists(int(file.name.rpartition("_")[2])):
            file.unlink(missing_ok=True)


@contextmanager
def staged() -> Iterator[Stage]:
    """A stack on two sandboxes, its chain switched on; everything is removed afterwards but the logs of a campaign that broke off.

    Raises:
        FixConfiguration: a part cannot be started.
    """
    folder = CHECKOUT / "var" / "chaos" / "stack"
    with ExitStack() as stack:
        layout, clocks = DiskLayout(folder), Clocks()
        stack.callback(shutil.rmtree, clocks.folder)
        stack.callback(remove_left_overs)
        disk = _prepare(layout)
        stack.callback(disk.unmount)
        stack.callback(lifecycle.down, layout)
        policy = _write_settings(layout)
        with mock.patch.object(lifecycle, "programs", lambda *where: _disturbed(programs(*where), clocks)):
            state = lifecycle.up(layout, Progress())
        made = stack.enter_context(
            lab(
                cluster_of(layout, state).url("magodoo"),
                magento_port=state.ports["magento"],
                odoo_port=state.ports["odoo"],
                token=state.secrets.magento_token,
                **policy,
            )
        )
        stack.enter_context(clocks.of_systems(made))
        stage = Stage(layout, state, made, clocks, disk)
        stack.callback(stage.stop_second_schedulers)
        stage.chain.switch_on()
        stage.chain.settle()
        yield stage


def _prepare(layout: DiskLayout) -> Disk:
    disk = Disk(layout.disk)
    if layout.checkout.exists():  # of a campaign that was killed
        lifecycle.down(layout)
        disk.unmount()
        shutil.rmtree(layout.checkout)
    layout.make_var()
    for name in ("dags", "plugins"):
        (layout.checkout / name).symlink_to(CHECKOUT / name)
    disk.mount()
    # the key that the lab's Odoo knows
    State(secrets=Secrets(odoo_key="sync-key")).save(layout.stack / "stack.json")
    return disk


def _write_settings(layout: DiskLayout) -> dict[str, Any]:
    """The settings file of the stack. Returns the policy, for the lab."""
    connections = {"magento_connection": "magento_demo", "odoo_connection": "odoo_demo"}
    policy = {**campaign_of_faults.POLICY, **WAITS, **connections, "recipients": {"it": ["it@example.com"]}}
    instance = Instance.model_validate({**POLICY, **policy})
    values = instance.model_dump(mode="json", exclude={"id"}, exclude_unset=True)
    values["schedule"] = YEARLY
    (layout.checkout / "magodoo.yaml").write_text(yaml.safe_dump({"orders_per_task": 5, "instances": {"us": values}}))
    return policy


def _disturbed(listed: list[Program], clocks: Clocks) -> list[Program]:
    """Every program of ours with a clock that can be moved."""
    return [
        replace(each, variables=(*each.variables, *clocks.variables(each.name).items(), *AIRFLOW_SETTINGS.items()))
        if each.name in (*AIRFLOW, "postgres")
        else each
        for each in listed
    ]
