"""Writing to either side, effectively once: requests, the change ledger, the protocol, and a writer per kind of change."""
