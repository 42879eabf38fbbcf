"""A month of sales lived twice over the same events, once without faults and once with every fault: both must end in the same state.

`make month` lives whole months over the changes of the clocks in autumn and spring; tests/test_month.py lives some days.
"""
