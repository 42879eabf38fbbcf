"""Canonical rows of what the two systems sent: the only place that knows the raw shapes for reconciling."""
