"""Emails: which findings and changes are reported, to whom and when; the outbox; the messages themselves."""
