"""Revisions of the staging schema, in numerical order."""
