"""The two systems that an instance wrote to last: in front of others nothing is written until a person confirms them.

A copy of production for tests keeps its keys, its settings and perhaps its staging database. What was seen when the instance last was let
write is the fact `written_to` of the staging database. Another address, database name or database stops `apply`, and so does an Odoo that
says that it was neutralised, until `confirmed_systems` of the settings names it. A name in it is of one system and confirms no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Engine

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.odoo import versions
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.installation import DATABASE_FIELD
from magodoo.errors import MagodooError
from magodoo.preflight.results import Outcome
from magodoo.preflight.subject import Subject
from magodoo.settings import Instance
from magodoo.staging.master_data import MasterData

_FACT = ("magodoo.instance", "written_to")
_OF_NOW = ("neutralised", "unknown")
"""What is not remembered of a system."""
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class System:
    """One system as it is seen now: its address and, of Odoo, the database's name, identity and own uuid ("" where it may not be read).

    `version`: Odoo's, which makes no other system. `unknown`: why it cannot be distinguished from a copy of it, as text, "" where it can.
    """

    side: str
    address: str
    database: str = ""
    identity: str = ""
    uuid: str = ""
    version: str = ""
    neutralised: bool = False
    unknown: str = ""

    @property
    def name(self) -> str:
        """Return the name by which `confirmed_systems` confirms this system and no other."""
        parts = (self.address, self.database, self.identity, self.uuid, str(self.neutralised))
        return f"{self.side}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:10]}"

    def differences(self, before: Mapping[str, str]) -> list[str]:
        """Return what is otherwise than when the instance last wrote, as text."""
        names = {"address": "address", "database": "database name", "identity": "database", "uuid": "database.uuid"}
        return [
            f"{said} {getattr(self, key)} was {before[key]}"
            for key, said in names.items()
            if getattr(self, key) and before.get(key) and getattr(self, key) != before[key]
        ]


def odoo_now(client: OdooClient) -> System:
    """Return the Odoo of a client. Raises what reading it raises."""
    connection, installation = client.connection, client.installation
    marks = installation.marks_of_copy()
    return System(
        "odoo", _address(connection.url), connection.database, installation.database_uuid(),
        marks.uuid, str(client.rpc.version), marks.neutralised, marks.unknown,
    )  # fmt: skip


def magento_now(client: MagentoClient) -> System:
    """Return the Magento of a client; nothing is requested."""
    return System("magento", _address(client.connection.base_url))


def judge(subject: Subject, now: System, outcome: Outcome) -> Outcome:
    """Add an error to the outcome when the system is another one than before and nobody has confirmed it, a warning when that cannot be known."""
    why = _unconfirmed(subject.instance, now, _before(subject.engine, subject.instance, subject.now()))
    if why:
        outcome.refuse(
            why,
            f"if this instance is to write there, set `confirmed_systems: [{now.name}]` in its settings; if this is a copy for tests,"
            " give it connections, settings and a staging database of its own",
        )
    if now.unknown:
        outcome.warn(
            f"a copy that is restored at this address under this name would not be noticed: {now.unknown}",
            f"make the field {DATABASE_FIELD} of the company as docs/how-to/test-on-a-copy.md says",
        )
    return outcome


def upgraded(engine: Engine, instance: Instance, odoo: OdooClient | None, now: datetime) -> bool:
    """Return whether Odoo has another version than when the instance last wrote: it is examined again before it is written to."""
    before = _before(engine, instance, now).get("odoo", {}).get("version", "")
    if odoo is None or not before:
        return False
    try:
        return str(odoo.rpc.version) != before
    except MagodooError:  # away: nothing is written either
        return False


def stops(
    engine: Engine, instance: Instance, magento: MagentoClient | None, odoo: OdooClient | None, now: datetime
) -> list[str]:
    """Return why nothing may be written to the systems as they are now, whatever an earlier preflight found; empty when it may.

    What may be written to is remembered. Odoo is asked; one that cannot be asked now is judged by its address and the database's name.
    """
    before, found = _before(engine, instance, now), list[System]()
    reasons = []
    if magento is not None:
        found.append(magento_now(magento))
    if odoo is not None:
        try:
            standing = versions.standing(odoo.rpc.version)
            reasons += [] if standing.may_write else [standing.text]
            found.append(odoo_now(odoo))
        except MagodooError:
            found.append(System("odoo", _address(odoo.connection.url), odoo.connection.database))
    reasons += [why for each in found if (why := _unconfirmed(instance, each, before))]
    if not reasons:
        _remember(engine, instance, found, before, now)
    return reasons


def _unconfirmed(instance: Instance, now: System, before: Mapping[str, Mapping[str, str]]) -> str:
    """Return why a system needs a person's confirmation, "" when it does not."""
    reasons = []
    if differs := now.differences(before.get(now.side, {})):
        reasons.append(f"not the {now.side.capitalize()} that this instance last wrote to: {', '.join(differs)}")
    if now.neutralised:
        reasons.append("the database was neutralised, as a copy for tests is")
    return "" if now.name in instance.confirmed_systems else "; ".join(reasons)


def _before(engine: Engine, instance: Instance, now: datetime) -> Mapping[str, Mapping[str, str]]:
    with engine.connect() as connection:
        return MasterData(connection, instance.id, now).fact(*_FACT)


def _remember(
    engine: Engine, instance: Instance, found: list[System], before: Mapping[str, Mapping[str, str]], now: datetime
) -> None:
    """Store what is written to from now on. What could not be read this time stays as it was."""
    kept = dict(before)
    for system in found:
        known = {key: str(value) for key, value in asdict(system).items() if value and key not in _OF_NOW}
        same = not system.differences(before.get(system.side, {}))
        kept[system.side] = {**before.get(system.side, {}), **known} if same else known
    if kept != before:
        with engine.begin() as connection:
            MasterData(connection, instance.id, now).put_fact(*_FACT, kept)


def _address(url: str) -> str:
    """Return host, port and path of an address. https or not makes no other system, nor does the port on this machine itself.

    `make up` and `make demo` take another port when theirs is in use.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = "" if parts.port in (None, 80, 443) or host in _THIS_MACHINE else f":{parts.port}"
    return f"{host}{port}{parts.path.rstrip('/')}"
