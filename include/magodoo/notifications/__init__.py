"""What people are mailed: which findings and changes, to whom and when; the outbox, and the mails themselves."""
