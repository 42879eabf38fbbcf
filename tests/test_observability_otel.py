"""The same metrics over OpenTelemetry: they arrive at a collector with their names and tags."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
from opentelemetry import metrics as otel
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from sqlalchemy import Engine

from magodoo import staging
from magodoo.timestamps import utc_now
from magodoo_airflow import metrics


class Collector(HTTPServer):
    """What a collector receives over OTLP: (name, tags, value) of each number."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.bodies: list[bytes] = []

    def received(self) -> list[tuple[str, dict[str, str], float]]:
        otel.get_meter_provider().force_flush()  # type: ignore[attr-defined]
        return [
            (
                metric.name,
                {tag.key: tag.value.string_value for tag in point.attributes},
                point.as_double or point.as_int,
            )
            for body in self.bodies
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in (*metric.sum.data_points, *metric.gauge.data_points)
        ]


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    for name, value in (("ON", "True"), ("HOST", "127.0.0.1"), ("PORT", str(made.server_port))):
        monkeypatch.setenv(f"AIRFLOW__METRICS__OTEL_{name}", value)
    monkeypatch.setattr(
        atexit, "register", lambda *_, **__: None
    )  # it is shut down here, not at the end of the session
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)  # as Airflow does at the start of a task
    yield made
    otel.get_meter_provider().shutdown()  # type: ignore[attr-defined]
    made.shutdown()
    made.server_close()
    monkeypatch.undo()
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)


@pytest.fixture
def database(staging_url: str) -> Iterator[Engine]:
    engine = staging.connect(staging_url)
    yield engine
    engine.dispose()


def test_a_failure_and_the_gauges_arrive_with_their_tags(collector: Collector, database: Engine) -> None:
    metrics.of_failure("us", "extract", ValueError())
    with database.connect() as connection:
        metrics.of_state(connection, "us", utc_now())
    told = collector.received()
    assert ("airflow.magodoo.failures", {"instance": "us", "stage": "extract", "type": "ValueError"}, 1) in told
    assert ("airflow.magodoo.changes", {"instance": "us", "state": "uncertain"}, 0) in told
    assert ("airflow.magodoo.orders_due", {"instance": "us"}, 0) in told
