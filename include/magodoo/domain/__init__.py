"""Vocabulary and its labels, kinds of change and log labels that all other packages use. Imports no other part of magodoo."""
