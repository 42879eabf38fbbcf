"""Make API calls in a real Odoo at chosen times in the past.

Odoo stamps what it writes with the time of the transaction, and no API changes that. So the calls are made inside Odoo's
own Python, through the same public methods, with its clock set.
"""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from magodoo.errors import FixConfiguration, FixDocument
from magodoo_devstack.odoo_server import OdooServer

INSIDE = Path(__file__).with_name("odoo_past_inside.py")


class OdooPast:
    """One database, entered as its administrator; what was done is committed when the clock moves and at the end.

        with OdooPast(server, "odoo") as odoo:
            odoo.clock(moment)
            odoo.call("sale.order", "action_confirm", [7])

    Calls are those of JSON-2: named arguments, a list of ids for a recordset.
    """

    def __init__(self, server: OdooServer, database: str) -> None:
        self._server, self._database = server, database

    def __enter__(self) -> Self:
        self._log = self._server.log.open("ab")
        self._process = subprocess.Popen(  # noqa: S603
            self._server.python_command(INSIDE, self._database), env=self._server.environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, cwd=self._server.package.home,
        )  # fmt: skip
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self._process.kill()
        self._process.communicate()
        self._log.close()
        if not kind and self._process.returncode:
            raise FixConfiguration(f"Odoo ended with {self._process.returncode}", hint=f"read {self._server.log}")

    def clock(self, moment: datetime) -> None:
        """Everything from here on happens at `moment` (aware)."""
        self._send({"clock": moment.isoformat()})

    def call(self, model: str, method: str, ids: Any = None, *, context: Any = None, **arguments: Any) -> Any:
        """Return the result of a public method.

        Raises:
            FixDocument: Odoo refused; its message is included, and nothing since the clock was last set is kept.
            FixConfiguration: Odoo itself ended.
        """
        records = [ids] if isinstance(ids, int) else list(ids or [])
        self._send({"model": model, "method": method, "ids": records, "context": context or {}, "arguments": arguments})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FixConfiguration(f"Odoo ended while {model}.{method} ran", hint=f"read {self._server.log}")
        answer = json.loads(line)
        if "error" in answer:
            raise FixDocument(f"{model}.{method}: {answer['error']}", system="odoo", call=f"{model}.{method}")
        return answer["result"]

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request, default=float) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise FixConfiguration("Odoo ended", hint=f"read {self._server.log}") from None
