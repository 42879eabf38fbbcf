"""Tests that are told in parts: `yield run_chain()` lets the chain run, for all stories of a module and a policy at once.

A round of the chain costs the same for one order as for fifty, so the stories of a module share a pair and take their turns side
by side: every story acts until it asks for the chain, then the chain runs, then all go on. At the end the chain runs once more and must
find nothing more to do: a story whose orders it plans or writes anything for has failed.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Generator
from typing import Any

import pytest
from shop_and_books import ShopAndBooks


class ChainRun:
    """What a story yields to let the chain run."""


def run_chain() -> ChainRun:
    """Lets the chain run before the story goes on: `yield run_chain()`."""
    return ChainRun()


Story = Generator[ChainRun, None, None]
Told = dict[str, BaseException | None]
MOST_TURNS = 12


def story(
    *, data_docs: bool = False, restless: bool = False, **policy: Any
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """A story under a policy (sections of the instance's settings). Its function takes `pair` and lets the chain run once or more.

    data_docs: the gate judges by every check of the suites. restless: what waits is tried again by the next run, which is right.
    """

    def decorate(function: Callable[..., Story]) -> Callable[..., None]:
        def test(telling: Told, request: pytest.FixtureRequest, **_: Any) -> None:
            outcome = telling[request.node.nodeid]
            if outcome is not None:
                raise outcome

        own = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in ("telling", "request")]
        test.__signature__ = inspect.Signature([*_keywords(function), *own])  # type: ignore[attr-defined]
        test.__name__, test.__doc__, test.__module__ = function.__name__, function.__doc__, function.__module__
        test.pytestmark = list(getattr(function, "pytestmark", ()))  # type: ignore[attr-defined]
        test.story = (function, policy, data_docs, restless)  # type: ignore[attr-defined]
        return test

    return decorate


def _keywords(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in inspect.signature(function).parameters.values()
    ]


def tell(pair: ShopAndBooks, items: list[pytest.Item]) -> Told:
    """Tell all stories among these tests; returns by test what went wrong, or None."""
    told: Told = {}
    groups: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if hasattr(getattr(item, "function", None), "story"):
            groups[repr(item.function.story[1:])].append(item)  # type: ignore[attr-defined]
    for group in groups.values():
        _, policy, data_docs, restless = group[0].function.story  # type: ignore[attr-defined]
        with pair.policy(**policy):
            told |= _tell_together(pair, group, data_docs, restless)
    return told


def _tell_together(pair: ShopAndBooks, items: list[pytest.Item], data_docs: bool, restless: bool) -> Told:
    told: Told = {}
    running = {}
    for item in items:
        tale = item.function.story[0]  # type: ignore[attr-defined]
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        known = inspect.signature(tale).parameters  # others are of the fixtures
        running[item.nodeid] = tale(pair=pair, **{name: value for name, value in parameters.items() if name in known})
    for _ in range(MOST_TURNS):
        for name, telling in list(running.items()):
            pair.teller = name
            try:
                if not isinstance(next(telling), ChainRun):
                    raise TypeError("a story lets the chain run by `yield run_chain()`")
            except StopIteration:
                told[name] = running.pop(name, None) and None
            except BaseException as problem:  # it is the test's outcome, and is raised there
                problem.add_note(pair.account_of(name))
                told[name] = problem
                running.pop(name)
        if not running:
            break
        try:
            pair.chain(data_docs=data_docs)
        except Exception as problem:  # nobody can go on
            return told | dict.fromkeys(running, problem)
    told |= dict.fromkeys(running, AssertionError("the story does not end"))
    for name, complaint in ({} if restless else pair.find_more_to_do()).items():
        if name in told and told[name] is None:
            told[name] = AssertionError(f"a second run has something to do: {complaint}")
    return told
