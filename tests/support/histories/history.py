"""What a history is: an order, and what people did with it on both sides, turn by turn; and how one is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

CHAIN = "chain"
PARTS = ("all", "half", "one", "last")
ADJUSTMENTS = ("", "more", "less", "below zero")

OF_OTHERS = "SKU-007"  # what another order's goods are that share a transfer; no cart has it
USUAL = ("magento_invoice", "magento_ship", "magento_refund", "odoo_bill", "odoo_pay", "odoo_bank", "odoo_deliver")
SELDOM = (
    "magento_track", "magento_cancel", "magento_hold", "magento_unhold", "magento_edit",
    "odoo_enter", "odoo_reverse", "odoo_return", "odoo_cancel", "odoo_undo", "odoo_track", "odoo_write_off", "odoo_unmatch",
    "odoo_merge", "odoo_merge_orders", "odoo_bank_together", "odoo_bank_together",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One thing that somebody does. What is not possible at that moment is refused by the system, as it would be."""

    do: str
    part: str = "all"  # of what is still open: everything, half, one piece, the last line
    which: int = 0  # of several documents
    extra: bool = False  # tracked; with shipping; by the provider; left as a draft; with the bank's charges; in dozens; in another currency
    adjustment: str = ""

    def __str__(self) -> str:
        words = [
            self.do,
            *([] if self.part == "all" else [self.part]),
            *([f"no {self.which + 1}"] if self.which else []),
        ]
        return " ".join([*words, *(["extra"] if self.extra else []), *([self.adjustment] if self.adjustment else [])])


@dataclass(frozen=True)
class Cart:
    """What was ordered: (sku, pieces); and how."""

    lines: tuple[tuple[str, int], ...] = (("SKU-001", 2),)
    payment: str = "banktransfer"
    store: str = "default"
    coupon: str = ""
    early: bool = False  # placed before the cut-over
    fixed_tax: bool = False  # 1.07 of fixed product tax on each piece


@dataclass(frozen=True)
class Told:
    """A history: the cart and the steps; a step `chain` lets the whole chain run once."""

    cart: Cart
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        cart = self.cart
        words = [cart.payment, cart.store, cart.coupon, "before the cut-over" if cart.early else ""]
        words += ["fixed product tax"] if cart.fixed_tax else []
        lines = ", ".join(f"{pieces} {sku}" for sku, pieces in cart.lines)
        return f"{lines} ({', '.join(filter(None, words))}): " + "; ".join(map(str, self.steps))

    def turns(self) -> list[list[Step]]:
        """The steps between the runs of the chain."""
        turns: list[list[Step]] = [[]]
        for step in self.steps:
            if step.do == CHAIN:
                turns.append([])
            else:
                turns[-1].append(step)
        return turns

    def simpler(self) -> list[Told]:
        """Every history that is one thing shorter or plainer, the shortest first."""
        fewer = [replace(self, steps=self.steps[:at] + self.steps[at + 1 :]) for at in range(len(self.steps))]
        plain_cart = [replace(self, cart=cart) for cart in _plainer(self.cart)]
        plain_steps = [
            replace(self, steps=(*self.steps[:at], Step(step.do), *self.steps[at + 1 :]))
            for at, step in enumerate(self.steps)
            if step != Step(step.do)
        ]
        return [*fewer, *plain_cart, *plain_steps]

    def without(self, shorter: Iterable[Told]) -> list[Told]:
        """Of histories that each lack one step of this one: those that lack all, the first half, the second half of these steps."""
        missing = sorted(
            {at for each in shorter if len(each.steps) == len(self.steps) - 1 for at in self._removed_steps(each)}
        )
        half = len(missing) // 2
        return [
            replace(self, steps=tuple(step for at, step in enumerate(self.steps) if at not in gone))
            for gone in (missing, missing[:half], missing[half:])
            if len(gone) > 1
        ]

    def _removed_steps(self, shorter: Told) -> list[int]:
        return [at for at in range(len(self.steps)) if self.steps[:at] + self.steps[at + 1 :] == shorter.steps][:1]


def _plainer(cart: Cart) -> list[Cart]:
    usual = Cart()
    carts = [
        replace(cart, **{name: getattr(usual, name)})
        for name in ("payment", "store", "coupon", "early", "fixed_tax", "lines")
    ]
    carts += [
        replace(cart, lines=cart.lines[:at] + cart.lines[at + 1 :]) for at in range(len(cart.lines)) if cart.lines[1:]
    ]
    carts += [replace(cart, lines=tuple((sku, 1) for sku, _ in cart.lines))]
    return [plainer for plainer in dict.fromkeys(carts) if plainer != cart]


def _steps() -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        do=st.sampled_from((*USUAL, *USUAL, *USUAL, *SELDOM)),
        part=st.sampled_from(PARTS),
        which=st.integers(0, 2),
        extra=st.booleans(),
        adjustment=st.sampled_from(("", *ADJUSTMENTS)),
    )


OPENINGS = (
    (), (Step("magento_invoice"),), (Step("magento_invoice"), Step("magento_ship")), (Step("magento_invoice", "half"),),
    (Step("magento_invoice", "half"),), (Step("magento_invoice"),), (Step("magento_ship", "half"),), (Step("magento_hold"),), (Step("odoo_enter"),),
)  # fmt: skip


def _carts() -> st.SearchStrategy[Cart]:
    skus = (
        "SKU-001",
        "SKU-002",
        "SKU-003",
        "SKU-004",
        "SKU-005",
        "SKU-006",
        "SHIRT",
        "BUNDLE-DYN",
        "BUNDLE-FIX",
        "BUNDLE-SEP",
        "BUNDLE-BOX",
        "E-BOOK",
    )
    line = st.tuples(st.sampled_from(skus), st.sampled_from((1, 2, 3, 4, 5, 12)))
    return st.builds(
        Cart,
        lines=st.lists(line, min_size=1, max_size=3, unique_by=lambda each: each[0]).map(_alone).map(tuple),
        payment=st.sampled_from(
            ("cashondelivery", "cashondelivery", "cashondelivery", "card", "card", "banktransfer", "checkmo")
        ),
        store=st.sampled_from(("default", "default", "default", "eu")),
        coupon=st.sampled_from(("", "", "percent", "amount", "with shipping", "given away")),
        early=st.sampled_from((False,) * 9 + (True,)),
        fixed_tax=st.sampled_from((False,) * 4 + (True,)),
    )


def _alone(lines: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """A dynamic bundle's children have the SKUs of simple products: it is sold alone, as in most shops."""
    bundles = [line for line in lines if line[0] == "BUNDLE-DYN"]
    return bundles or lines


def histories() -> st.SearchStrategy[Told]:
    """An order that begins in one of the usual ways, then up to four turns of up to four steps, the chain between them. One in six
    leaves in parcels that the two sides cut each their own way.
    """
    turns = st.lists(st.lists(_steps(), min_size=1, max_size=4), min_size=1, max_size=4)
    usual = st.tuples(st.sampled_from(OPENINGS), turns)
    told = st.integers(0, 5).flatmap(lambda drawn: usual if drawn else _cut_otherwise())
    return st.builds(Told, _carts(), told.map(lambda parts: _joined(*parts)))


def _cut_otherwise() -> st.SearchStrategy[tuple[tuple[Step, ...], list[list[Step]]]]:
    """Goods that leave in parcels which each side cuts its own way, in one turn or over several: nobody told the chain in time."""
    magento = st.lists(
        st.builds(Step, st.just("magento_ship"), st.sampled_from(PARTS), extra=st.booleans()), min_size=1, max_size=3
    )
    odoo = st.lists(
        st.builds(Step, st.just("odoo_deliver"), st.sampled_from(PARTS), extra=st.booleans()), min_size=1, max_size=3
    )
    together = st.builds(lambda here, there: [*here, *there], magento, odoo).flatmap(st.permutations)
    openings = st.sampled_from(((), (Step("odoo_enter"),)))
    return st.tuples(openings, st.lists(together, min_size=1, max_size=2))


def _joined(opening: tuple[Step, ...], turns: list[list[Step]]) -> tuple[Step, ...]:
    steps = list(opening)
    for turn in turns:
        steps += [Step(CHAIN), *turn]
    return tuple(steps)
