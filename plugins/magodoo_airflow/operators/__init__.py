"""Operators: one per step of the chain and one per kind of change; each can be used on its own in any DAG."""
