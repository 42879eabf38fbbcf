"""Random histories of orders on both sides: whatever people did, the chain converges, doubles nothing, and says why sums differ.

`make histories` tries thousands; tests/test_histories.py tries some, and every case that once failed, by its name.
"""
