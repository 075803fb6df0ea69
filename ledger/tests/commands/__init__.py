"""Tests of the commands and actions of the ledger application."""
