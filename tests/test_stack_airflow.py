"""Airflow's API as the stack uses it: what is asked again when no answer comes, and what never is."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
import requests

from magodoo.errors import Unavailable
from magodoo_devstack.airflow import Api


class Crowded:
    """A session whose requests time out so many times before one is answered."""

    def __init__(self, silent: int) -> None:
        self.silent, self.asked = silent, list[str]()
        self.headers = {"Authorization": "Bearer x"}

    def request(self, method: str, url: str, **_: Any) -> requests.Response:
        self.asked.append(f"{method} {url.rpartition('/')[2]}")
        if len(self.asked) <= self.silent:
            raise requests.ReadTimeout("no answer")
        answer = requests.Response()
        answer.status_code, answer.raw = 200, BytesIO(b'{"dags": []}')
        return answer


def crowded(silent: int) -> tuple[Api, Crowded]:
    api, session = Api("http://airflow.invalid", "admin", "x"), Crowded(silent)
    api.session = session  # type: ignore[assignment]
    return api, session


def test_a_request_without_an_answer_is_repeated() -> None:
    api, session = crowded(2)
    assert api.dags() == {}
    assert session.asked == ["GET dags"] * 3


def test_a_request_is_given_up_after_the_third_attempt() -> None:
    api, session = crowded(3)
    with pytest.raises(Unavailable):
        api.dags()
    assert len(session.asked) == 3


def test_a_run_is_triggered_once_whether_or_not_an_answer_comes() -> None:
    api, session = crowded(1)
    with pytest.raises(Unavailable):
        api.trigger("a_dag")
    assert session.asked == ["POST dagRuns"]
