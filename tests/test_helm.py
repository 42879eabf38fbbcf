"""deploy/helm/values.yaml: agrees with the compose file, has no login of its own, and fits the chart where one is at hand.

The chart is no part of this project. MAGODOO_HELM_CHART names a folder that holds it (`helm pull apache-airflow/airflow --untar`);
without it, or without `helm`, what needs them is said to be skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import compose
import jsonschema
import pytest
import yaml

from magodoo_devstack.environment import WORKERS

HELM = compose.CHECKOUT / "deploy" / "helm"
CHART = Path(os.environ.get("MAGODOO_HELM_CHART", "not given"))
PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,-]+\])?==(\S+)", re.MULTILINE)

needs_chart = pytest.mark.skipif(
    not (CHART / "values.schema.json").exists(), reason="MAGODOO_HELM_CHART names no folder with Airflow's Helm chart"
)
needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((HELM / "values.yaml").read_text())
    return found


def test_the_values_say_the_same_as_the_compose_file(values: dict[str, Any]) -> None:
    secrets = {name: "s3cret" for name, operator in compose.variables().items() if operator == "?"}
    environment = compose.command(compose.read(secrets)["services"]["airflow-worker"]).environment
    assert values["executor"] == "KubernetesExecutor"
    assert values["config"]["core"]["auth_manager"] == environment["AIRFLOW__CORE__AUTH_MANAGER"]
    assert {each["name"]: each["value"] for each in values["env"]}.items() <= environment.items()
    workers = {name: str(number) for name, number in WORKERS.items()}  # as the development stack has them
    assert values["config"]["workers"] == workers
    assert {
        f"AIRFLOW__WORKERS__{name.upper()}": number for name, number in workers.items()
    }.items() <= environment.items()
    pinned = dict(PINNED.findall((compose.CHECKOUT / "requirements.txt").read_text()))
    assert values["airflowVersion"] == pinned["apache-airflow"]
    assert f"magodoo:{values['defaultAirflowTag']}" == compose.example()["MAGODOO_IMAGE"]
    mounted = {mount["name"] for mount in values["volumeMounts"]}
    assert mounted == {volume["name"] for volume in values["volumes"]}


def test_the_chart_makes_no_known_login_and_brings_both_schemas_forward(values: dict[str, Any]) -> None:
    assert values["createUserJob"] == {"enabled": False}  # it would make admin with the password admin
    job = values["migrateDatabaseJob"]
    assert job["args"] == ["bash", "/opt/magodoo/deploy/init.sh"]
    password = next(each for each in job["env"] if each["name"] == "ADMIN_PASSWORD")
    assert "secretKeyRef" in password["valueFrom"]


def test_tasks_have_a_server_of_their_own_with_the_images_and_secrets_of_the_release(values: dict[str, Any]) -> None:
    deployment, service = yaml.safe_load_all((HELM / "execution-api.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"
    assert [values["apiServer"]["args"][-1], container["args"][-1]] == [
        "exec airflow api-server --apps core", "exec airflow api-server --apps execution",
    ]  # fmt: skip
    (port,) = service["spec"]["ports"]
    address = f"http://{service['metadata']['name']}:{port['port']}/execution/"
    assert values["config"]["core"]["execution_api_server_url"] == address
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    taken = {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"]}
    assert taken == {
        values["fernetKeySecretName"], values["jwtSecretName"], values["apiSecretKeySecretName"], values["data"]["metadataSecretName"],
    }  # fmt: skip


def test_the_executors_packages_are_pinned_and_change_nothing_of_the_lock() -> None:
    own = dict(PINNED.findall((compose.CHECKOUT / "requirements.txt").read_text()))
    more = dict(PINNED.findall((HELM / "requirements.txt").read_text()))
    assert "apache-airflow-providers-cncf-kubernetes" in more
    assert own.keys() & more.keys() == set()
    assert (HELM / "requirements.txt").read_text().count("--hash=sha256:") >= len(more)


@needs_chart
def test_the_values_fit_the_charts_schema_and_every_name_is_known(values: dict[str, Any]) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(values)
    assert list(_unknown(values, schema, "")) == []


@needs_chart
def test_a_wrong_name_would_be_found(values: dict[str, Any]) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    wrong = {**values, "metadata": 1, "scheduler": {"replica": 2}}
    assert sorted(_unknown(wrong, schema, "")) == ["metadata", "scheduler.replica"]


@needs_chart
@needs_helm
def test_what_the_chart_makes_of_the_values_runs_our_image_with_named_secrets(values: dict[str, Any]) -> None:
    words = ["helm", "template", "magodoo", str(CHART), "--values", str(HELM / "values.yaml"), "--namespace", "magodoo"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    check_rendered([made for made in yaml.safe_load_all(done.stdout) if made], values)


def check_rendered(made: list[dict[str, Any]], values: dict[str, Any]) -> None:
    """What `helm template` makes of the values, one mapping per object."""
    config = next(each["data"] for each in made if each["metadata"]["name"] == "magodoo-config")
    pods = [each["spec"]["template"]["spec"] for each in made if "template" in each.get("spec", {})]
    pods.append(yaml.safe_load(config["pod_template_file.yaml"])["spec"])
    containers = [each for pod in pods for each in (*pod["containers"], *(pod.get("initContainers") or ()))]
    ours = [each for each in containers if "statsd" not in each["name"]]
    image = f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"
    assert {each["image"] for each in ours} == {image}
    assert {each["args"][0] for each in ours if each.get("args")} <= {
        "airflow",
        "bash",
    }  # deploy/entrypoint.sh runs both
    assert "auth_manager = " + values["config"]["core"]["auth_manager"] in config["airflow.cfg"]
    assert not any(each["kind"] == "Job" and "create-user" in each["metadata"]["name"] for each in made)
    worker = pods[-1]["containers"][0]
    given = {each["name"] for each in worker["env"]}
    assert {each["envName"] for each in values["secret"]} | {each["name"] for each in values["env"]} <= given
    assert {mount["mountPath"] for mount in values["volumeMounts"]} <= {
        each["mountPath"] for each in worker["volumeMounts"]
    }
    taken = {
        each["valueFrom"]["secretKeyRef"]["name"]
        for container in ours for each in container.get("env") or () if "valueFrom" in each
    }  # fmt: skip
    head = (HELM / "values.yaml").read_text()
    assert [name for name in taken if name not in head] == []


def _unknown(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Names in `value` that the schema does not describe where it describes any: the chart would ignore them in silence."""
    described = schema.get("properties")
    if not isinstance(value, dict) or not described:
        return
    for name, each in value.items():
        where = f"{path}.{name}".lstrip(".")
        if name not in described:
            if not schema.get("additionalProperties"):
                yield where
        else:
            yield from _unknown(each, described[name], where)
