"""Words, kinds and labels that every other part uses. Imports nothing of magodoo."""
