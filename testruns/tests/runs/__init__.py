"""Runs in the database and through the queue."""
