"""A second, slow implementation of matching, to compare the fast one with."""

from __future__ import annotations

from itertools import permutations

from magodoo.reconcile.dataset import Frames

KINDS = ("invoice", "shipment", "credit_memo")
Pairs = set[tuple[str, int, int]]


def oracle(frames: Frames) -> tuple[Pairs, set[tuple[str, str, int]]]:
    """Pairs of documents, and (side, kind, id) of the ambiguous ones."""
    pairs: Pairs = set()
    ambiguous: set[tuple[str, str, int]] = set()
    documents = list(frames.documents.itertuples())
    moved = {row.Index: pieces_moved(frames, row.Index) for row in documents}
    for kind in KINDS:
        for order in {row.order_key for row in documents}:
            here = [row for row in documents if row.order_key == order and row.kind == kind]
            found, tied = _one_group(kind, here, moved)
            pairs |= found
            ambiguous |= tied
    return pairs, ambiguous


def pieces_moved(frames: Frames, position: int) -> dict[int, int]:
    rows: dict[int, int] = {}
    for line in frames.lines.itertuples():
        if line.document == position:
            rows[line.item_key] = rows.get(line.item_key, 0) + line.quantity
    return rows


def _one_group(kind: str, rows: list, moved: dict) -> tuple[Pairs, set]:
    magento = {row.source_id: row for row in rows if row.side == "magento"}
    odoo = [row for row in rows if row.side == "odoo"]
    word = {"invoice": "magodoo.inv_us_", "shipment": "ship_us_", "credit_memo": "magodoo.cm_us_"}[kind]
    pairs: Pairs = set()
    named = sorted(
        (row for row in odoo if row.reference.startswith(word) and (kind != "shipment" or row.active)),
        key=lambda row: (not magento_active(magento, row, word), not row.active, row.source_id),
    )
    for row in named:
        wanted = int(row.reference.removeprefix(word))
        if wanted in magento and wanted not in {pair[1] for pair in pairs}:
            pairs.add((kind, wanted, row.source_id))
    taken_m, taken_o = {pair[1] for pair in pairs}, {pair[2] for pair in pairs}
    left = [row for row in magento.values() if row.active and row.source_id not in taken_m]
    right = [row for row in odoo if row.active and not row.reference and row.source_id not in taken_o]
    return _best(kind, left, right, moved, pairs)


def magento_active(magento: dict, row, word: str) -> bool:
    wanted = int(row.reference.removeprefix(word))
    return wanted in magento and bool(magento[wanted].active)


def _tier(kind: str, left, right, moved: dict) -> int | None:
    mine, other = moved[left.Index], moved[right.Index]
    if kind == "shipment" and set(left.tracking.split("\x1e")) & set(right.tracking.split("\x1e")) - {""}:
        return 0
    total = left.currency == right.currency and left.grand_total == right.grand_total
    if kind != "shipment" and total and left.number in right.other_references.split("\x1e"):
        return 1
    if mine == other:
        return 2 if total else 3
    if kind != "shipment" and total and mine.keys() & other.keys():
        return 4
    return None


def _best(kind: str, left: list, right: list, moved: dict, pairs: Pairs) -> tuple[Pairs, set]:
    """Every way to assign, the best ones kept, what they all share is a pair, what they do not is a tie."""
    places = [*right, *[None] * len(left)]
    best: list[set] = []
    score: tuple | None = None
    for way in set(permutations(range(len(places)), len(left))):
        chosen = {(one, places[at]) for one, at in zip(left, way, strict=True) if places[at] is not None}
        tiers = [_tier(kind, one, two, moved) for one, two in chosen]
        if None in tiers:
            continue
        counted = tuple(tiers.count(tier) for tier in range(6))
        ids = {(one.source_id, two.source_id) for one, two in chosen}
        if score is None or counted > score:
            score, best = counted, [ids]
        elif counted == score and ids not in best:
            best.append(ids)
    sure = set.intersection(*best) if best else set()
    tied = set.union(*best) - sure if best else set()
    names = {("magento", kind, one) for one, _ in tied} | {("odoo", kind, two) for _, two in tied}
    return pairs | {(kind, one, two) for one, two in sure}, names
