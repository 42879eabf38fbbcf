"""Data quality: checks on the staged tables and on the results of the reconciliation, and the gate before anything is written."""
