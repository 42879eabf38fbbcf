"""Runs in Odoo's own Python, never in ours: answers API calls as at a moment of the past.

`python odoo_past_inside.py -d DATABASE ...` reads one JSON request a line from standard input and writes one JSON answer
a line. The clock is frozen between requests, as in Odoo's own tests (freezegun, and the transaction's time).
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import IO, Any

from freezegun import freeze_time
from odoo import api, models
from odoo.modules.registry import Registry
from odoo.sql_db import BaseCursor, Cursor
from odoo.tools import config

try:
    from odoo.service.model import get_public_method
    from odoo.tools.json import json_default
except ImportError:  # Odoo 17
    from odoo.models import check_method_name
    from odoo.tools.date_utils import json_default

    def get_public_method(model: Any, name: str) -> Any:
        check_method_name(name)
        return getattr(type(model), name)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # other output must not mix with the answers
    config.parse_config(sys.argv[1:], setup_logging=True)
    name = config["db_name"]
    registry = Registry(name if isinstance(name, str) else name[0])  # a list from 19 on
    # `now` is the cursor's own before 19, and then shadows its base's.
    BaseCursor.now = Cursor.now = lambda self: datetime.now(UTC).replace(tzinfo=None)
    with freeze_time(datetime.now(UTC)) as clock, registry.cursor() as cursor:
        serve(cursor, clock, sys.stdin, answers)


def serve(cursor: Any, clock: Any, requests: IO[str], answers: IO[str]) -> None:
    """`{"clock": "2026-11-01T10:00:00+00:00"}`, or `{"model", "method", "ids", "context", "arguments"}`, until the end.

    All that was done at one moment is one transaction. The first call that fails is answered with its error and ends it all.
    """
    admin = api.Environment(cursor, api.SUPERUSER_ID, {}).ref("base.user_admin").id
    for line in requests:
        request = json.loads(line)
        if "clock" in request:
            cursor.commit()
            clock.move_to(datetime.fromisoformat(request["clock"]))
            continue
        try:
            answer = {"result": call(api.Environment(cursor, admin, request["context"]), request)}
        except Exception as problem:  # sent to the caller, which raises it
            cursor.rollback()
            answer = {"error": f"{type(problem).__name__}: {problem}"}
        answers.write(json.dumps(answer, default=json_default) + "\n")
        answers.flush()
        if "error" in answer:
            return
    cursor.commit()


def call(env: Any, request: dict[str, Any]) -> Any:
    """As JSON-2 calls a public method (odoo/addons/rpc/controllers/json2.py)."""
    model = env[request["model"]]
    method = get_public_method(model, request["method"])
    named = dict(request["arguments"])
    # before 19 `write` calls its values `values` in some models (docs/facts/odoo-versions.md#12)
    values = [named.pop("vals")] if request["method"] == "write" else []
    result = method(model.browse(request["ids"]), *values, **named)
    env.flush_all()  # otherwise pending computations would get the next timestamp
    return result.ids if isinstance(result, models.BaseModel) else result


if __name__ == "__main__":
    main()
