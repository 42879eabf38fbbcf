"""Data quality: checks on the staged tables and on the reconciliation, the gate before load, the mails that people read."""
