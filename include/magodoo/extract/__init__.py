"""What the two systems sent, as canonical rows: the only place that knows the raw shapes for reconciling."""
