"""A month of sales lived twice over the same events, once in peace and once with every trouble: both must end in the same state.

`make month` lives whole months over the changes of the clocks in autumn and spring; tests/test_month.py lives some days.
"""
