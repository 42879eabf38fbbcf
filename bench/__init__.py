"""Benchmarks: magodoo compared with the alternatives, on the same data, in one run. `make bench`, docs/benchmarks.md.

Modules that the competitors' environment imports (this one, `clock`, `job`, `theirs`) know nothing of magodoo.
"""
