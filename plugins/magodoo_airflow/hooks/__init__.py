"""Airflow connections turned into the engine's clients."""
