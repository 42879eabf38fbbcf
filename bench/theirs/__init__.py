"""What others would use, doing the same work. Runs in an environment of its own (`requirements-competitors.txt`)."""
