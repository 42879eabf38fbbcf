"""Histories as hypothesis draws them: the same for the same seed."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings

from histories.history import Told, histories


def draw(number: int, of_seed: int) -> list[Told]:
    """So many histories, all different."""
    drawn: list[Told] = []

    @seed(of_seed)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(histories())
    def note(told: Told) -> None:
        drawn.append(told)

    note()
    return list(dict.fromkeys(drawn))[:number]
