"""Canonical rows of what the two systems sent: the only place that reads their raw form for reconciling."""
