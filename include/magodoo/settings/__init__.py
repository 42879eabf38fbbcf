"""Instances, mappings and policies: read, validated, explained. Secrets are not part of them: they are in Airflow connections."""

from magodoo.settings.country_policies import drafted_by_default
from magodoo.settings.model import Instance, Settings
from magodoo.settings.read import read_settings

__all__ = ["Instance", "Settings", "drafted_by_default", "read_settings"]
