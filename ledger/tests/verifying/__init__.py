"""Verifying a journal for people: what is read, how far it is, and what comes of it."""
