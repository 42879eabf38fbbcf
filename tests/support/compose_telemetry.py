"""What an operations team would hear of a running Airflow: its StatsD packets, its OpenLineage events, its mails."""

from __future__ import annotations

import json
import re
import socket
import threading
from pathlib import Path
from typing import Any

import yaml

OBSERVABILITY = Path(__file__).resolve().parents[2] / "deploy" / "observability"


def asked_of_prometheus() -> list[tuple[str, set[str]]]:
    """(metric without its prefix, labels) of each question of the Grafana dashboard and the alert rules."""
    dashboard = json.loads((OBSERVABILITY / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((OBSERVABILITY / "prometheus-rules.yaml").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return [
        (name, _labels(matchers) | set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression)))))
        for expression in asked
        for name, matchers in re.findall(r"airflow_magodoo_(\w+)(?:\{([^}]*)\})?", expression)
    ]


def _labels(matchers: str) -> set[str]:
    return set(re.findall(r"(\w+)\s*=", matchers))


class Ears:
    """A StatsD server and the file that OpenLineage appends to; `variables` makes Airflow talk to them."""

    def __init__(self, folder: Path) -> None:
        self.metrics: set[str] = set()  # `name,tag=value,...` of every packet
        self._lineage = folder / "lineage.json"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def variables(self) -> dict[str, str]:
        transport = {"type": "file", "log_file_path": str(self._lineage), "append": True}
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True", "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self._socket.getsockname()[1]),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport), "AIRFLOW__OPENLINEAGE__NAMESPACE": "magodoo",
        }  # fmt: skip

    def _listen(self) -> None:
        while True:
            for line in self._socket.recv(65536).decode(errors="replace").splitlines():
                self.metrics.add(line.rpartition(":")[0])

    def heard(self, name: str, **tags: str) -> bool:
        """Whether a metric of that name came, with at least these tags."""
        wanted = {f"{key}={value}" for key, value in tags.items()}
        return any(each.split(",")[0] == name and wanted <= set(each.split(",")) for each in list(self.metrics))

    def heard_with(self, name: str, labels: set[str]) -> bool:
        """Whether a metric of that name came that carries these tags, whatever their values."""
        packets = (each.split(",") for each in list(self.metrics))
        return any(head == name and labels <= {tag.partition("=")[0] for tag in tags} for head, *tags in packets)

    def lineage(self) -> list[dict[str, Any]]:
        """The events that tasks sent when they ended well."""
        events = [json.loads(line) for line in self._lineage.read_text().splitlines() if line]
        return [event for event in events if event["eventType"] == "COMPLETE"]
