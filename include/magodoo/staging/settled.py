"""Which documents staging knows so surely that a reading would bring nothing new."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, text


def are_settled(
    connection: Connection, instance: str, side: str, kind: str, stamps: Mapping[str, datetime], overlap: timedelta
) -> bool:
    """Whether all of these (source id: change stamp) are staged with that stamp, and were read alike `overlap` after the first time.

    A stamp has whole seconds, and a transaction may end late: within the overlap a record may change once more and keep its
    stamp. Both times are of our clock, so that it need not agree with the source's.
    """
    rows = connection.execute(
        text("""
        select d.source_id, d.updated_at from document d join payload p using (instance, side, kind, source_id)
            where d.instance = :instance and d.side = :side and d.kind = :kind and d.source_id = any(:ids)
                and d.deleted_at is null and d.request_began_at >= p.request_began_at + :overlap"""),
        {"instance": instance, "side": side, "kind": kind, "ids": list(stamps), "overlap": overlap},
    )
    return {source_id: updated_at for source_id, updated_at in rows} == dict(stamps)
