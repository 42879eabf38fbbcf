"""Collect which documents name their counterpart: external ids, markers, delivery keys and earlier matches, as claims."""

from __future__ import annotations

import numpy as np
import pandas as pd

from magodoo.domain.vocabulary import MATCHED_KINDS, Kind, Rule, Side
from magodoo.reconcile.dataset import Mask, Positions, Units
from magodoo.reconcile.view import View

LONGEST_ID = 18  # digits of an int64
RULES = [rule.value for rule in Rule]
EXTERNAL_KINDS = {Kind.ORDER: "order", Kind.INVOICE: "inv", Kind.CREDIT_MEMO: "cm"}
MARKED_MODELS = {Kind.INVOICE: "account.move", Kind.CREDIT_MEMO: "account.move", Kind.SHIPMENT: "stock.picking"}


def claims(view: View) -> pd.DataFrame:
    """Return all claims: magento, odoo (positions), rule, ended.

    `rule` is the index in RULES: a smaller one is stronger. `ended` is true if the pair has lost a document.
    """
    found = [*_external_ids(view), *_markers(view), *_delivery_keys(view), *_earlier(view)]
    return pd.concat(found, ignore_index=True)


def _claims(magento: Positions, odoo: Positions, rule: Rule, ended: Mask | None = None) -> pd.DataFrame:
    found = (magento >= 0) & (odoo >= 0)
    gone = np.zeros(len(found), dtype=bool) if ended is None else ended
    return pd.DataFrame(
        {"magento": magento[found], "odoo": odoo[found], "rule": RULES.index(rule), "ended": gone[found]}
    )


def _external_ids(view: View) -> list[pd.DataFrame]:
    result = []
    for kind, word in EXTERNAL_KINDS.items():
        odoo = np.flatnonzero(view.select(Side.ODOO, kind))
        named = ids_after(_references(view, odoo), view.instance.external_id(word, ""))
        result.append(_claims(view.frames.locate(Side.MAGENTO, kind, named), odoo, Rule.EXTERNAL_ID))
    return result


def _delivery_keys(view: View) -> list[pd.DataFrame]:
    """Return claims by delivery key of done pickings only: the key is written before validation, which may fail."""
    odoo = np.flatnonzero(view.select(Side.ODOO, Kind.SHIPMENT) & view.active)
    named = ids_after(_references(view, odoo), f"ship_{view.instance.id}_")
    return [_claims(view.frames.locate(Side.MAGENTO, Kind.SHIPMENT, named), odoo, Rule.DELIVERY_KEY)]


def _markers(view: View) -> list[pd.DataFrame]:
    """Return claims by `magodoo:<instance>:<database uuid>:<model>:<id>` in a Magento document's comment.

    A marker of another Odoo database is ignored: its id is that of another record.
    """
    result = []
    for kind, model in MARKED_MODELS.items():
        magento = np.flatnonzero(view.select(Side.MAGENTO, kind))
        magento = magento[view.column("reference")[magento] != ""]
        if not len(magento):
            continue
        references = view.frames.documents["reference"].iloc[magento]
        parts = references.str.split(":", n=4, expand=True).reindex(columns=range(5))
        good = (parts[0] == "magodoo") & (parts[1] == view.instance.id) & (parts[3] == model)
        if view.database is not None:
            good &= parts[2] == view.database
        named = pd.to_numeric(parts.loc[good, 4], errors="coerce").fillna(0).to_numpy(np.int64)
        odoo = view.frames.locate(Side.ODOO, kind, named)
        result.append(_claims(magento[good.to_numpy()], odoo, Rule.MARKER))
    return result


def _earlier(view: View) -> list[pd.DataFrame]:
    """Return claims by matches that were stored before, ours or a person's."""
    result = []
    pairs = view.frames.pairs
    for kind in MATCHED_KINDS:
        rows = pairs[(pairs["kind"] == kind).to_numpy()]
        if rows.empty:
            continue
        magento = view.frames.locate(Side.MAGENTO, kind, rows["magento_id"].to_numpy())
        odoo = view.frames.locate(Side.ODOO, kind, rows["odoo_id"].to_numpy())
        for rule in rows["rule"].unique():
            same = (rows["rule"] == rule).to_numpy()
            if rule in RULES:
                result.append(_claims(magento[same], odoo[same], Rule(rule), rows["ended"].to_numpy()[same]))
    return result


def _references(view: View, positions: Positions) -> list[str]:
    return view.frames.documents["reference"].to_numpy()[positions].tolist()


def ids_after(references: list[str], prefix: str) -> Units:
    """Return the id at the end of each reference that begins with the prefix; 0 elsewhere."""
    together = "\n" + "\n".join(references)
    if together.count("\n" + prefix) == len(references):  # the common case: all of them do
        numbers = _read_at_once(together.replace("\n" + prefix, "\n")[1:], len(references))
        if numbers is not None:
            return numbers
    cut = len(prefix)
    named = [text.startswith(prefix) for text in references]
    ids = [text[cut:] for text, is_named in zip(references, named, strict=True) if is_named]
    numbers = np.zeros(len(references), dtype=np.int64)
    read = _read_at_once("\n".join(ids), len(ids))
    numbers[np.array(named, dtype=bool)] = [_number(text) for text in ids] if read is None else read
    return numbers


def _read_at_once(joined: str, count: int) -> Units | None:
    """Return `count` ids, one per line; None if one of them is not made of digits only."""
    if not joined.isascii() or joined.count("\n") != count - 1 or not joined.replace("\n", "").isdecimal():
        return None
    read = np.fromstring(joined, dtype=np.int64, sep="\n")
    # numpy reads one with too many digits as the largest int64, and skips an empty one.
    return read if len(read) == count and read.max() < 10**LONGEST_ID else None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text.lstrip("0")) <= LONGEST_ID else 0
