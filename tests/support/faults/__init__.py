"""The fault campaign: random shop histories, random faults at random boundaries, real SIGKILL; then both systems are counted.

`make faults`, or in `tests/support/`: `python -m faults --schedules 1000 --seed 1`. Seeded: the same seed makes the same histories
and the same faults; what the machine's timing adds differs.
"""
